"""What was counted between two readings, and how a journal keeps it."""

import json
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis.counts import Increment, Slice, Tail, between, grid_of, merged
from smoke.model import Counts, Sample

EDGES = (1.0, 2.0, 5.0, 10.0, float("inf"))
BINS = st.lists(st.integers(0, 9), min_size=len(EDGES), max_size=len(EDGES))
SEEN = st.tuples(st.integers(0, 50), st.integers(0, 50), BINS)
"""Requests, errors, and requests by bucket, that one slot answered."""


def cumulative(requests: int, errors: int, bins: list[int]) -> Counts:
    """Counts as a meter gives them."""
    return Counts(requests, errors, tuple(zip(EDGES, accumulate(bins), strict=True)))


def added(first: tuple[int, int, list[int]], second: tuple[int, int, list[int]]) -> tuple[int, int, list[int]]:
    """What was counted in both."""
    return first[0] + second[0], first[1] + second[1], [one + other for one, other in zip(first[2], second[2], strict=True)]


def part(requests: int, errors: int, bins: list[int]) -> Slice:
    """The same as a slice."""
    places = tuple(place for place, count in enumerate(bins) if count)
    return Slice(requests, errors, places, tuple(bins[place] for place in places))


@given(SEEN, SEEN, SEEN, SEEN)
def test_an_increment_is_what_came_on_top(live: tuple, more: tuple, candidate: tuple, extra: tuple) -> None:  # type: ignore[type-arg]
    """Whatever was counted before the first reading, the increment is what was counted since, of each slot its own."""
    before = Sample(3.0, {"blue": cumulative(*live), "green": cumulative(*candidate)})
    after = Sample(3.5, {"blue": cumulative(*added(live, more)), "green": cumulative(*added(candidate, extra))})

    assert between(before, after, "blue", "green") == Increment(0.5, part(*more), part(*extra))


@given(SEEN, SEEN, SEEN, SEEN)
def test_the_journal_gives_back_an_equal_increment(live: tuple, candidate: tuple, more: tuple, extra: tuple) -> None:  # type: ignore[type-arg]
    """Through JSON and back, an increment is equal to what it was."""
    for increment in (Increment(0.1 + 0.2, part(*live), part(*candidate)), Increment(1e-3, part(*more), part(*extra))):
        assert Increment.from_json(json.loads(json.dumps(increment.to_json()))) == increment


@pytest.mark.parametrize("document", [[1.0, [0, 0]], [1.0, [0], [0, 0]], ["soon", [0, 0], [0, 0]], 7])
def test_what_is_no_increment_is_refused(document: object) -> None:
    """A row of another form is refused, not guessed at."""
    with pytest.raises((ValueError, TypeError)):
        Increment.from_json(document)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Counts(10, 0), Counts(9, 0)),
        (Counts(10, 3), Counts(12, 2)),
        (Counts(4, 0, ((1.0, 3), (float("inf"), 4))), Counts(6, 0, ((1.0, 2), (float("inf"), 6)))),
        (Counts(4, 0, ((1.0, 3), (float("inf"), 4))), Counts(6, 0, ((1.0, 3), (2.0, 4), (float("inf"), 6)))),
        (Counts(4, 0, ((1.0, 3), (float("inf"), 4))), Counts(6, 0)),
    ],
    ids=["requests", "errors", "a bucket", "more buckets", "no buckets"],
)
@pytest.mark.parametrize("slot", ["blue", "green"])
def test_what_went_backwards_is_no_increment(before: Counts, after: Counts, slot: str) -> None:
    """If a number of either slot went down, or its buckets are others, nothing is known of what came between."""
    other = {"blue": "green", "green": "blue"}[slot]
    first = Sample(0.0, {slot: before, other: Counts(1)})
    second = Sample(1.0, {slot: after, other: Counts(2)})

    assert between(first, second, "blue", "green") is None


def test_a_slot_that_appears_was_at_zero() -> None:
    """A proxy names a slot from its first request on: until then it has counted nothing."""
    first, second = Sample(0.0, {"blue": Counts(10)}), Sample(1.0, {"blue": Counts(14, 1), "green": Counts(3, 2)})

    assert between(first, second, "blue", "green") == Increment(1.0, Slice(4, 1), Slice(3, 2))


def test_latency_may_come_a_read_after_its_request() -> None:
    """A meter whose latency lags adds requests without latency, then latency without requests."""
    readings = [cumulative(0, 0, [0] * 5), cumulative(5, 0, [0] * 5), cumulative(5, 0, [0, 5, 0, 0, 0])]
    samples = [Sample(float(at), {"blue": each}) for at, each in enumerate(readings)]

    assert between(samples[0], samples[1], "blue", "green") == Increment(1.0, Slice(5))
    assert between(samples[1], samples[2], "blue", "green") == Increment(1.0, Slice(0, 0, (1,), (5,)))


def test_the_grid_is_that_of_any_slot_with_latency() -> None:
    """A slot without a request has no latency yet; the other one shows the buckets."""
    assert grid_of(Sample(0.0, {"blue": Counts(1), "green": cumulative(1, 0, [1, 0, 0, 0, 0])})) == EDGES
    assert grid_of(Sample(0.0, {"blue": Counts(1)})) == ()


@given(BINS)
def test_a_tail_is_all_beyond_an_edge(bins: list[int]) -> None:
    """What is above a place is the sum of all buckets beyond it; above -1 are all."""
    tail = Tail(part(0, 0, bins))

    assert tail.total == sum(bins)
    assert [tail.above(place) for place in range(-1, len(bins))] == [sum(bins[place + 1 :]) for place in range(-1, len(bins))]


@given(st.lists(SEEN, max_size=4))
def test_merged_slices_are_their_sum(each: list[tuple[int, int, list[int]]]) -> None:
    """Requests, errors and every bucket add up, in any order."""
    total = (0, 0, [0] * len(EDGES))
    for one in each:
        total = added(total, one)

    assert merged([part(*one) for one in each]) == merged([part(*one) for one in each[::-1]]) == part(*total)
