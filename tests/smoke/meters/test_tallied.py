"""What holds for the numbers of a user's own, wherever they come from."""

import time
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import Json
from smoke.errors import MeterError
from smoke.meters.tallied import Asked, Tallied, Tally, counts
from smoke.model import Counts
from tests.smoke.routers.envoy_harness import wait_for

SAID = some.tuples(some.integers(0, 50), some.integers(0, 50)).map(lambda pair: Counts(max(pair), min(pair)))
NO_NUMBERS: dict[str, Json] = {
    "NaN": float("nan"),
    "infinite": float("inf"),
    "negative": -1,
    "a part": 1.5,
    "true": True,
    "text": "3",
    "nothing": None,
    "a list": [3],
}


def values(above: float | None, *answers: Mapping[str, Json]) -> Tallied:
    """A meter of slot ``blue`` whose source gives these answers, one after the other."""
    given: Iterator[Mapping[str, Json]] = iter(answers)
    return Tallied(Asked(["blue"], 5.0, above), lambda *_: next(given))


@pytest.mark.parametrize("name", ["bad", "all"])
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_what_cannot_be_counted_is_refused(name: str, kind: str) -> None:
    """Whatever is no whole number from 0 on is an error that says which number, and what it was: never zero."""
    with pytest.raises(MeterError, match=f"blue: {name} is ") as caught:
        values(None, {"bad": 0, "all": 2, name: NO_NUMBERS[kind]}).read()
    assert repr(NO_NUMBERS[kind]) in caught.value.what


@pytest.mark.parametrize("kind", [kind for kind in NO_NUMBERS if kind not in {"negative", "a part"}])
def test_what_is_no_value_is_refused(kind: str) -> None:
    """A value may be any number, and nothing else."""
    with pytest.raises(MeterError, match=r"blue: value is .*, and no number"):
        values(5, {"value": NO_NUMBERS[kind]}).read()


def test_a_missing_number_is_refused() -> None:
    """A number that is not there is named, with what is there."""
    with pytest.raises(MeterError, match="blue: all is missing") as caught:
        values(None, {"bad": 0, "ok": 2}).read()
    assert caught.value.cause == "it says bad, ok"


def test_more_bad_than_all_is_refused() -> None:
    """Bad ones are a part of all."""
    with pytest.raises(MeterError, match="blue: 3 are bad, and all are only 2"):
        values(None, {"bad": 3, "all": 2}).read()


def test_numbers_may_be_written_with_a_point_and_be_large() -> None:
    """A whole number is one however it is written, and however large."""
    assert counts({"bad": 3.0, "all": 10**18}) == Counts(10**18, 3)


def test_a_value_is_one_observation_a_read() -> None:
    """With a limit each read is one more observation, bad when it is above the limit and not when it is at it."""
    mine = values(5, {"value": 4}, {"value": 5}, {"value": 5.1}, {"value": -2})
    found = [mine.read().slots["blue"] for _ in range(4)]
    assert found == [Counts(1, 0), Counts(2, 0), Counts(3, 1), Counts(4, 1)]


def test_a_read_that_failed_counts_for_no_slot() -> None:
    """Where one slot cannot be read, the other has no observation either."""
    answers: Iterator[Mapping[str, Json]] = iter([{"value": 1}, {}, {"value": 1}, {"value": 9}])
    mine = Tallied(Asked(["blue", "green"], 5.0, 5), lambda *_: next(answers))
    with pytest.raises(MeterError, match="green: value is missing"):
        mine.read()
    assert mine.read().slots == {"blue": Counts(1, 0), "green": Counts(1, 1)}


def test_a_counter_that_began_anew_takes_nothing_back() -> None:
    """After a restart of the source what was counted stays, and what it counts from then on is added."""
    mine = values(None, *({"bad": bad, "all": total} for bad, total in [(2, 100), (4, 110), (0, 3), (5, 13)]))
    assert [mine.read().slots["blue"] for _ in range(4)] == [Counts(100, 2), Counts(110, 4), Counts(110, 4), Counts(120, 9)]


def test_bad_ones_that_went_down_are_a_new_beginning() -> None:
    """Where only the bad ones went down, the source began anew too: the others that were counted since hide no bad ones."""
    mine = values(None, *({"bad": bad, "all": total} for bad, total in [(10, 20), (3, 500), (4, 501)]))
    assert [mine.read().slots["blue"] for _ in range(3)] == [Counts(20, 10), Counts(20, 10), Counts(21, 11)]


@given(some.lists(SAID, min_size=1))
def test_a_tally_never_goes_down(said: list[Counts]) -> None:
    """Whatever a source says, what was counted never goes down, and has no more bad ones than all."""
    tally = Tally(Counts())
    for each in said:
        before, tally = tally.counts, tally.with_counts(each)
        assert before.requests <= tally.counts.requests
        assert before.errors <= tally.counts.errors <= tally.counts.requests


@given(some.lists(SAID, min_size=1))
def test_a_tally_is_what_was_said_while_nothing_began_anew(more: list[Counts]) -> None:
    """As long as no number goes down, the counts are those of the source."""
    tally, total = Tally(Counts()), Counts()
    for each in more:
        total = Counts(total.requests + each.requests, total.errors + each.errors)
        tally = tally.with_counts(total)
    assert tally.counts == total


def test_a_slow_slot_leaves_no_time_for_the_other() -> None:
    """The limit is that of a whole read: where one slot uses it up, the next is not asked any more."""
    asked: list[str] = []

    def ask(slot: str, left: float) -> Mapping[str, Json]:
        asked.append(slot)
        until = time.monotonic() + left
        wait_for(lambda: time.monotonic() > until)
        return {"bad": 0, "all": 0}

    with pytest.raises(MeterError, match=r"green: not asked, the others took all of 0\.05 s"):
        Tallied(Asked(["blue", "green"], 0.05, None), ask).read()
    assert asked == ["blue"]
