"""Whether it bears a load: freezes are seen, a generator that cannot is no verdict, and neither is too short a look."""

import random
from dataclasses import replace
from typing import Any

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.gates.load import Asked, Seen, batched, interval, judged
from smoke.traffic import Entry
from tests.smoke.traffic.server import Server

ASKED = Asked("http://127.0.0.1:1/", 1000.0, 100.0, 60.0, 0.01)
GOOD = Seen(60_000, 0, 2.0, [(3000, 30)] * 20, 0, 40.0)


def verdict(**changes: Any) -> Outcome:  # noqa: ANN401 - what was seen
    """Of what was seen, changed so."""
    return judged(ASKED, replace(GOOD, **changes)).outcome


def test_what_bears_it_passes() -> None:
    """1 % that take longer, where 5 % may, and nothing that fails."""
    found = judged(ASKED, GOOD)
    assert (found.outcome, found.n, found.value) == (Outcome.PASS, 60_000, 40.0)


def test_what_is_too_slow_fails() -> None:
    """More than 5 % that take longer, for certain."""
    assert verdict(slow=[(3000, 300)] * 20, p95_ms=140.0) is Outcome.FAIL


def test_what_fails_too_often_fails() -> None:
    """One in a hundred may fail, and no more, however quick all others are."""
    assert verdict(failed=600) is Outcome.PASS
    assert verdict(failed=601) is Outcome.FAIL


def test_a_generator_that_cannot_says_nothing() -> None:
    """Where requests were not sent, or late, it is the generator that was measured."""
    assert verdict(unsent=601) is Outcome.UNDECIDED
    assert verdict(late_ms=80.0) is Outcome.UNDECIDED
    assert verdict(unsent=601, slow=[(3000, 3000)] * 20) is Outcome.UNDECIDED


def test_a_look_that_is_too_short_is_undecided() -> None:
    """A few batches that are slow leave open whether 5 % are: some are above it, some below."""
    assert verdict(slow=[(3000, 600 if each < 4 else 0) for each in range(20)]) is Outcome.UNDECIDED
    assert verdict(offered=0) is Outcome.UNMEASURED


def test_neighbours_are_one_observation() -> None:
    """Slow requests that come together make an interval far wider than as many that do not."""
    together = interval([(1000, 500 if each == 3 else 0) for each in range(20)])
    apart = interval([(1000, 25)] * 20)
    assert together[1] - together[0] > 20 * (apart[1] - apart[0])


def test_the_interval_has_its_level() -> None:
    """Of batches at exactly 5 %, the interval misses that as seldom as it says, give or take chance."""
    chance = random.Random(1)  # noqa: S311 - a simulation
    missed = 0
    for _ in range(400):
        batches = [(500, sum(chance.random() < 0.05 for _ in range(500))) for _ in range(20)]
        low, high = interval(batches)
        missed += not low <= 0.05 <= high
    assert missed / 400 <= 0.05 + 0.025


def test_a_freeze_is_seen() -> None:
    """Two seconds of a minute in which nothing was answered are 3 % of the requests that were due, and all of them count."""
    waited = {at: 1000.0 * (22.0 - at / 100) for at in range(2000, 2200)}
    every = [Entry("it", at / 100, waited.get(at, 1.0), 200, None) for at in range(6000)]
    batches = batched(every, 100.0)
    assert sum(total for total, _ in batches) == 6000
    assert 0.03 <= sum(slow for _, slow in batches) / 6000 <= 0.034


def test_what_was_lost_is_slow() -> None:
    """A request without a whole answer took longer than any limit, whenever that was known."""
    every = [Entry("it", each / 10, 1.0, "refused" if each % 2 else 200, None) for each in range(100)]
    assert sum(slow for _, slow in batched(every, 100.0)) == 50


@pytest.mark.processes
@pytest.mark.load
def test_a_server_that_answers_passes(server: Server) -> None:
    """The real generator, for two seconds, against a real server."""
    found = gate("load")([server.url(), "50", "1000", "2"])
    assert (found.outcome, 90 <= found.n <= 160) == (Outcome.PASS, True), found.detail


@pytest.mark.processes
@pytest.mark.load
def test_nobody_there_fails() -> None:
    """Where nobody answers every request is lost."""
    assert gate("load")(["http://127.0.0.1:9/", "50", "1000", "2"]).outcome is Outcome.FAIL


@pytest.mark.parametrize("words", ["u 1", "u a 100 60", "u 0 100 60", "u 1 100 0.5", "u 1 100 60 1"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Rates, limits and times that are none are usage errors with a line to type."""
    with pytest.raises(UsageError) as caught:
        gate("load")(words.split())
    assert "crossfade gate load http" in str(caught.value.hint)
