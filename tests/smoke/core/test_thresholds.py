"""Where latency is compared, and with which scores."""

from collections.abc import Iterable
from itertools import accumulate
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis.counts import Slice, Tail
from smoke.analysis.thresholds import BETTER, CLASSES, LEAST, NORMAL, ROUNDING, SHARES, SLOW, SLOWEST, WORSE, chosen, classes

FINE = (*(round(1.05**power, 4) for power in range(40)), inf)
"""As the proxy's: rounded."""
BINS = st.lists(st.integers(0, 60), min_size=len(FINE), max_size=len(FINE)).filter(lambda bins: sum(bins) >= LEAST)


def tail(bins: list[int]) -> Tail:
    """Requests by bucket."""
    return Tail(Slice(sum(bins), 0, tuple(range(len(bins))), tuple(bins)))


@given(BINS)
def test_shares_of_the_live_slot_are_beyond_the_edges(bins: list[int]) -> None:
    """For "slower" a share at most is beyond its edge, and more beyond the one before; for "not slower" at least that."""
    thresholds = chosen(bins, FINE, 1.0)
    assert thresholds is not None
    total, upto = sum(bins), [0, *accumulate(bins)]
    for share, worse, better in zip(SHARES, thresholds.worse, thresholds.better, strict=True):
        if worse is not None:
            assert total - upto[worse[0] + 1] <= share * total < total - upto[worse[0]] or worse[0] == 0
        if better is not None:
            assert total - upto[better[0] + 1] >= share * total
            assert total - upto[better[0] + 2] < share * total


@given(BINS, st.sampled_from([1.0, 1.05, 1.2, 2.0]))
def test_both_edges_of_a_pair_are_the_ratio_apart(bins: list[int], ratio: float) -> None:
    """The candidate's edge is the first that is the tolerated ratio or more above the live slot's, but for their rounding."""
    thresholds = chosen(bins, FINE, ratio)
    assert thresholds is not None
    for place, other in (pair for pair in (*thresholds.worse, *thresholds.better) if pair is not None):
        least = FINE[place] * ratio / ROUNDING if place >= 0 else 0.0
        assert FINE[other] >= least
        assert other == 0 or FINE[other - 1] < least


@given(st.integers(0, 30))
def test_exactly_the_tolerated_ratio_is_tolerated(place: int) -> None:
    """On a grid of ratio 1.05, rounded, a candidate one bucket slower is in the live slot's classes; one two slower is not."""

    def all_at(bucket: int) -> list[int]:
        return [100 * (each == bucket) for each in range(len(FINE))]

    thresholds = chosen(all_at(place), FINE, 1.05)
    assert thresholds is not None
    live = classes(tail(all_at(place)), thresholds.worse, 0)

    assert classes(tail(all_at(place + 1)), thresholds.worse, 1) == live
    assert classes(tail(all_at(place + 2)), thresholds.worse, 1) != live


@given(BINS, BINS)
def test_classes_are_a_partition(bins: list[int], other: list[int]) -> None:
    """Every request is in exactly one class, on both sides, also where thresholds were chosen from other requests."""
    thresholds = chosen(bins, FINE, 1.05)
    assert thresholds is not None
    for pairs in (thresholds.worse, thresholds.better):
        for side in (0, 1):
            found = classes(tail(other), pairs, side)
            assert (len(found), sum(found)) == (CLASSES, sum(other))
            assert min(found) >= 0


def test_too_few_requests_choose_nothing() -> None:
    """Below fifty requests of the live slot nothing is chosen; at fifty it is."""
    bins = [0] * len(FINE)
    assert chosen([LEAST - 1, *bins[1:]], FINE, 1.05) is None
    assert chosen([LEAST, *bins[1:]], FINE, 1.05) is not None
    assert chosen([], FINE, 1.05) is None


def test_beyond_the_last_edge_there_is_nothing_to_compare() -> None:
    """Where the live slot is slower than the meter can say there is no second edge, and no comparison that could pass or fail."""
    thresholds = chosen([0, 0, 100], (1.0, 2.0, inf), 1.05)

    assert thresholds is not None
    assert thresholds.worse == (None,) * len(SHARES)
    assert classes(tail([0, 0, 100]), thresholds.worse, 1) == [100, *[0] * (CLASSES - 1)]


def test_a_wide_bucket_is_the_margin() -> None:
    """With buckets wider than the ratio, the pair is one bucket apart: nothing finer can be told."""
    thresholds = chosen([0, 100, 0, 0], (1.0, 10.0, 100.0, inf), 1.05)

    assert thresholds is not None
    assert set(thresholds.worse) == {(1, 2)}
    assert set(thresholds.better) == {(0, 1)}


def test_all_in_the_first_bucket() -> None:
    """A live slot whose requests are all in the first bucket is compared by that one: "longer than nothing" are all of them."""
    thresholds = chosen([100, 0, 0], (1.0, 2.0, inf), 1.05)

    assert thresholds is not None
    assert set(thresholds.better) == {(-1, 0)}
    assert classes(tail([100, 0, 0]), thresholds.better, 0) == [*[0] * (CLASSES - 1), 100]
    assert classes(tail([100, 0, 0]), thresholds.better, 1) == [100, *[0] * (CLASSES - 1)]


def test_scores_are_those_of_their_sources() -> None:
    """Normal scores are means of a normal variable between its quantiles; the others mark the slowest twentieth and hundredth."""
    sizes = [above - beyond for above, beyond in zip((1.0, *SHARES), (*SHARES, 0.0), strict=True)]

    def mean(scores: Iterable[float]) -> float:
        return sum(size * score for size, score in zip(sizes, scores, strict=True))

    assert mean(NORMAL) == pytest.approx(0.0, abs=1e-5)
    assert mean(score**2 for score in NORMAL) == pytest.approx(1.0, abs=0.1)
    assert NORMAL[1] == pytest.approx(-0.5319, abs=1e-3)
    assert NORMAL[2] == pytest.approx(0.0, abs=1e-9)
    assert (mean(SLOW), mean(SLOWEST)) == (pytest.approx(0.05), pytest.approx(0.01))
    assert all(list(scores) == sorted(scores) for scores in (NORMAL, SLOW, SLOWEST))
    assert all(tilt.odds[-1] > 1.0 >= tilt.odds[0] for tilt in (*WORSE, *BETTER))
