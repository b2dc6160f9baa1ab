"""What a soak shows: time counts while it is well and under load, and nothing else does."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from smoke.evidence import Outcome
from smoke.soaking import Look, Soak, Wanted, judged
from tests.smoke.soaking.series import HOURS, SHAPES, series

DAYS2 = Wanted(HOURS * 3600.0)
MINUTE = 60.0


def looks(hours: float = HOURS, shapes: Mapping[str, str] | None = None, loads: Mapping[str, int] | None = None) -> list[Look]:
    """A soak without trouble, a look a minute; memory by the name of a shape."""
    lines = {name: series(SHAPES[shape], 7, hours + 1) for name, shape in (shapes or {"green/api": "flat"}).items()}
    given = loads or {"green": 600}
    return [
        Look(
            at=minute * MINUTE,
            live="green",
            requests=given["green"],
            loads=given,
            memory={name: line[minute][1] for name, line in lines.items()},
            instances=dict.fromkeys(lines, "1"),
        )
        for minute in range(int(hours * 60) + 1)
    ]


def changed(given: list[Look], first: int, last: int, **change: object) -> list[Look]:
    """The same, with these looks otherwise."""
    return [replace(look, **change) if first <= place < last else look for place, look in enumerate(given)]  # type: ignore[arg-type]


def found(given: list[Look], wanted: Wanted = DAYS2) -> Soak:
    """What they show."""
    return judged(given, wanted)


def test_two_good_days_pass() -> None:
    """All of the time counts, and its numbers are told."""
    soak = found(looks())
    assert (soak.outcome, soak.counted, soak.up, soak.requests) == (Outcome.PASS, HOURS * 3600.0, 1.0, 600 * HOURS * 60)


def test_half_the_time_is_undecided() -> None:
    """It goes on from there: the wanted time is not over."""
    soak = found(looks(24))
    assert (soak.outcome, soak.why) == (Outcome.UNDECIDED, "24.0 of 48 h, well and under load")


def test_without_load_nothing_counts() -> None:
    """A process that nobody uses is not soaked, however long it is up."""
    idle = [replace(look, requests=0) for look in looks()]
    assert (found(idle).outcome, found(idle).counted) == (Outcome.UNMEASURED, 0)
    half = changed(looks(), 0, 24 * 60, requests=0)
    assert found(half).outcome is Outcome.UNDECIDED


def test_days_may_be_watched_without_load() -> None:
    """What is watched after a promotion is the time, whoever uses it then."""
    idle = [replace(look, requests=0) for look in looks()]
    soak = found(idle, replace(DAYS2, loaded=False))
    assert (soak.outcome, soak.why) == (Outcome.PASS, "48.0 of 48 h, well")


def test_a_gap_does_not_count() -> None:
    """Three hours in which nobody looked, as while a machine is restarted, are not taken for good ones."""
    given = looks(50)
    gap = [*given[: 10 * 60], *given[13 * 60 :]]
    soak = found(gap)
    assert soak.counted == pytest.approx((50 - 3) * 3600.0, abs=MINUTE)
    assert soak.outcome is Outcome.UNDECIDED


def test_an_outage_fails() -> None:
    """Of 48 hours 2.9 minutes may be bad; five are too many, and the first probe that failed is named."""
    assert found(changed(looks(), 100, 102, bad=("api green: status 503",))).outcome is Outcome.UNDECIDED
    soak = found(changed(looks(), 100, 105, bad=("api green: status 503",)))
    assert (soak.outcome, "first: api green: status 503" in soak.why) == (Outcome.FAIL, True)


def test_too_many_errors_fail() -> None:
    """By the share of all requests; a handful at the begin says nothing."""
    assert found([replace(look, errors=7) for look in looks()]).outcome is Outcome.FAIL
    assert found([replace(look, errors=5) for look in looks()]).outcome is Outcome.PASS
    assert found([replace(look, requests=10, errors=1) for look in looks(1)]).outcome is Outcome.UNDECIDED


def test_a_process_that_began_anew_fails() -> None:
    """A crash is one, whatever the probes saw between two looks."""
    given = changed(looks(), 2000, 9999, instances={"green/api": "2"})
    soak = found(given)
    assert (soak.outcome, soak.restarts) == (Outcome.FAIL, 1)
    assert "a process began anew: green/api at 120000" in soak.why


def test_a_leak_fails_with_the_day_on_which_it_is_too_much() -> None:
    """2 MiB an hour, in a service that may hold 400 MB."""
    soak = found(looks(shapes={"green/api": "leak of 2 MiB an hour"}), replace(DAYS2, memory={"api": 400.0}))
    assert soak.outcome is Outcome.FAIL
    assert "green/api: +2.08 MB an hour" in soak.why
    assert "reaches 400 MB in 2.0 days" in soak.why


@pytest.mark.parametrize("shape", ["flat", "sawtooth", "one step", "plateau"])
def test_what_comes_to_rest_passes(shape: str) -> None:
    """Warm-up, what is collected now and then, and one step are no leak."""
    assert found(looks(shapes={"green/api": shape})).outcome is Outcome.PASS


def test_a_growth_that_both_have_is_not_the_new_release_s() -> None:
    """With the old one beside it under load it is told, and fails nothing; an idle one is no control."""
    both = dict.fromkeys(("green/api", "blue/api"), "leak of 2 MiB an hour")
    soak = found(looks(shapes=both, loads={"green": 600, "blue": 300}))
    assert soak.outcome is Outcome.PASS
    assert any("so does blue/api" in line for line in soak.lines)
    assert found(looks(shapes=both, loads={"green": 600, "blue": 0})).outcome is Outcome.FAIL


def test_a_short_one_says_nothing_of_memory() -> None:
    """Too few blocks are told as that."""
    assert found(looks(6)).lines == ("green/api: too short to say whether memory grows",)


def test_nothing_looked_at_is_not_measured() -> None:
    """Without a look, and with one, there is no time between."""
    assert found([]).outcome is Outcome.UNMEASURED
    assert found(looks()[:1]).outcome is Outcome.UNMEASURED


def test_a_look_is_kept_as_it_was() -> None:
    """What is written of it reads back to the same."""
    look = looks(1)[5]
    assert Look.from_record(look.to_record()) == look
