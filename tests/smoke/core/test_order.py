"""The factors that compare latency, and the bound that they are divided by: against exact sums over all draws."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import comb, exp, fsum, inf, log, prod
from operator import add, mul
from random import Random
from statistics import median

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smoke.analysis.likelihood import Tilt, log_draw, log_marked, order_factors
from smoke.analysis.thresholds import BETTER, CLASSES, WORSE

ROUNDING = 1e-9
SCORES = st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3).map(sorted)
POOL = st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(lambda pooled: sum(pooled) >= 2)


def draws(pooled: Sequence[int], drawn: int) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Every way to draw so many of a pool, by class, with its probability."""
    for each in product(*(range(count + 1) for count in pooled)):
        if sum(each) == drawn:
            yield prod(map(comb, pooled, each)) / comb(sum(pooled), drawn), each


def expected_order(pooled: Sequence[int], drawn: int, tilts: Sequence[Tilt]) -> list[float]:
    """Expectation of each tilt's factor over all draws."""
    terms = [
        [chance * exp(each) for each in order_factors(mine, [a - b for a, b in zip(pooled, mine, strict=True)], tilts)]
        for chance, mine in draws(pooled, drawn)
    ]
    return [fsum(column) for column in zip(*terms, strict=True)]


@given(st.lists(st.integers(0, 2), min_size=CLASSES, max_size=CLASSES), st.integers(1, 13))
@settings(max_examples=40)
def test_exchangeable_latencies_are_no_evidence(pooled: list[int], drawn: int) -> None:
    """However many requests of a pool are drawn, by whatever routing, no tilt of the engine is expected above one."""
    assume(sum(pooled) >= 2)
    drawn = 1 + drawn % (sum(pooled) - 1)

    assert max(expected_order(pooled, drawn, (*WORSE, *BETTER))) <= 1.0 + ROUNDING


@given(POOL, SCORES, st.integers(1, 8))
def test_any_tilt_of_exchangeable_latencies_is_no_evidence(pooled: list[int], scores: list[float], drawn: int) -> None:
    """The same for every other tilt, whether fewer or more than half are drawn."""
    drawn = 1 + drawn % (sum(pooled) - 1)

    assert max(expected_order(pooled, drawn, (Tilt.of(scores),))) <= 1.0 + ROUNDING


def compositions(total: int) -> Iterator[tuple[int, int, int]]:
    """Every way to put so many requests into three classes."""
    for first in range(total + 1):
        for second in range(total - first + 1):
            yield first, second, total - first - second


TAILS = st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
"""Shares beyond two edges, in any order."""


@given(TAILS, TAILS, st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=40)
def test_a_faster_side_is_no_evidence(one: tuple[float, float], two: tuple[float, float], tested: int, other: int) -> None:
    """If the tested side's latency is stochastically not above the other's, no factor is expected above one."""

    def chances(first: float, second: float, total: int) -> list[tuple[float, tuple[int, int, int]]]:
        by_class = (1.0 - first, first - second, second)
        ways = ((comb(total, each[0]) * comb(total - each[0], each[1]), each) for each in compositions(total))
        return [
            (count * prod(chance**number for chance, number in zip(by_class, each, strict=True)), each) for count, each in ways
        ]

    one, two = (max(one), min(one)), (max(two), min(two))
    faster = chances(min(one[0], two[0]), min(one[1], two[1]), tested)
    slower = chances(max(one[0], two[0]), max(one[1], two[1]), other)
    tilts = (Tilt.of((-1.0, 0.1, 1.5)), Tilt.of((-0.1, 0.0, 0.1)), Tilt.of((-0.3, -0.3, 2.0)))
    terms = [
        [chance * rest * exp(each) for each in order_factors(mine, its, tilts)] for chance, mine in faster for rest, its in slower
    ]

    assert max(fsum(column) for column in zip(*terms, strict=True)) <= 1.0 + ROUNDING


def exact_draw(pooled: Sequence[int], drawn: int, odds: Sequence[float]) -> float:
    """Logarithm of the mean product of so many odds, drawn without replacement: an elementary symmetric polynomial."""
    sums = [1.0] + [0.0] * drawn
    done = 0
    for count, odd in zip(pooled, odds, strict=True):
        for _ in range(count):
            done += 1
            # Means, not sums, which grow out of bounds: e_k(n) / C(n, k) from those of n - 1.
            for size in range(min(done, drawn), 0, -1):
                stays = sums[size] * (done - size) / done if size < done else 0.0
                sums[size] = stays + odd * sums[size - 1] * size / done
    return log(sums[drawn])


@given(st.lists(st.integers(0, 12), min_size=3, max_size=3), SCORES, st.integers(0, 40))
def test_the_bound_of_a_draw_is_never_below(pooled: list[int], scores: list[float], drawn: int) -> None:
    """The bound is at least the exact mean, for any pool and any odds."""
    total = sum(pooled)
    assume(total >= 2)
    drawn = 1 + drawn % (total - 1)
    tilt = Tilt.of(scores)

    assert log_draw(pooled, drawn, total, (tilt.odds, tilt.squares), tilt.odds[-1]) >= exact_draw(pooled, drawn, tilt.odds) - 1e-9


@pytest.mark.parametrize(
    ("share", "middle", "most"), [(0.05, 0.03, 0.15), (0.25, 0.12, 0.35), (0.5, 0.4, 1.0), (0.75, 0.12, 0.35), (0.95, 0.03, 0.15)]
)
def test_little_is_lost_to_the_bound(share: float, middle: float, most: float) -> None:
    """Of what a tilt costs in a look the bound adds a small part, whichever side is the smaller; more where they are equal.

    The cost is how far the logarithm of the mean product is above the mean of its logarithm.
    """
    chance, parts = Random(5), []  # noqa: S311
    drawn = round(share * 200)
    for tilt in (*WORSE, *BETTER):
        for _ in range(5):
            places = chance.choices(range(CLASSES), (0.2, 0.2, 0.2, 0.2, 0.12, 0.06, 0.02), k=200)
            tested, other = ([part.count(place) for place in range(CLASSES)] for part in (places[:drawn], places[drawn:]))
            pooled = [*map(add, tested, other)]
            exact = exact_draw(pooled, drawn, tilt.odds)
            cost = exact - drawn * sum(map(mul, pooled, tilt.scores)) / 200
            (found,) = order_factors(tested, other, (tilt,))
            parts.append((sum(map(mul, tested, tilt.scores)) - exact - found) / cost)

    assert min(parts) >= -1e-9
    assert median(parts) < middle
    assert max(parts) < most


@pytest.mark.parametrize(
    "pooled",
    [[10**9, 1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 10**9], [1, 1, 0, 0, 0, 0, 10**8], [0, 0, 10**7, 0, 0, 10**7, 0], [2] * 7],
)
def test_the_bound_of_a_draw_is_finite(pooled: list[int]) -> None:
    """Whatever the numbers, one among a thousand million or as many in each class, the bound is a number, and one that can be."""
    total = sum(pooled)
    for tilt in (*WORSE, *BETTER):
        for drawn in (1, total // 2):
            bound = log_draw(pooled, drawn, total, (tilt.odds, tilt.squares), tilt.odds[-1]) / drawn
            assert min(tilt.scores) - 1e-6 <= bound <= max(tilt.scores) + 1e-6


@given(st.integers(2, 40), st.integers(1, 39), st.integers(1, 39), st.floats(0.01, 4.0))
def test_the_bound_of_marked_ones_is_never_below(total: int, marked: int, drawn: int, odds: float) -> None:
    """The bound is at least the exact sum over the hypergeometric distribution, and exact where one is drawn."""
    marked, drawn = 1 + marked % (total - 1), 1 + drawn % (total - 1)
    exact = log(
        fsum(
            comb(marked, each) * comb(total - marked, drawn - each) / comb(total, drawn) * exp(odds * each)
            for each in range(max(0, drawn + marked - total), min(drawn, marked) + 1)
        )
    )
    found = log_marked(drawn, marked, total, odds)

    assert found >= exact - 1e-9
    if drawn == 1:
        assert found == pytest.approx(exact, abs=1e-9)


def test_slower_is_evidence_and_the_other_way_round_it_is_not() -> None:
    """A side in slower classes gains by every tilt; swapped it loses, whichever side is the smaller one."""
    slow, fast = (0, 0, 1, 2, 3, 2, 2), (5, 4, 3, 2, 1, 0, 0)
    for size in (1, 20):
        many = tuple(size * count for count in fast)
        assert min(order_factors(slow, many, WORSE)) > 0.0
        assert max(order_factors(many, slow, WORSE)) < 0.0
    assert order_factors(slow, (0,) * CLASSES, WORSE) == order_factors((0,) * CLASSES, slow, WORSE) == (0.0,) * len(WORSE)


def test_scores_of_a_tilt_ascend() -> None:
    """Each class is at least as likely to be slow as the one before it, and no alternative is without limit."""
    for tilt in (*WORSE, *BETTER):
        assert list(tilt.scores) == sorted(tilt.scores)
        assert len(tilt.scores) == CLASSES
        assert max(tilt.odds) < inf
        assert tilt.inverse == pytest.approx([1.0 / each for each in tilt.odds])
