"""The peers' rules on cases made by hand whose answers are known, and the many-runs versions against those of one run."""

from collections.abc import Iterator, Sequence
from math import comb, exp, lgamma, log, sqrt

import numpy as np
import pytest
from canary.kayenta import Judge
from canary.peers import (
    EmpiricalBernstein,
    LindonMalek,
    LogGamma,
    Msprt,
    Peeking,
    Rule,
    argo,
    argo_relative,
    flagger,
    p95_over,
)
from canary.race import Heat, race
from canary.series import KayentaLike, Percentile, high, p95_above, percent_of_errors
from canary.streams import Arm, Latency, Source, Stream, Tick, quantile

LEVEL = log(100.0)


def arm(requests: int, errors: int, over: int = 0) -> Arm:
    """One run's counts."""
    return Arm(np.array([requests]), np.array([errors]), np.zeros((5, 1), dtype=np.int64), np.array([over]))


def ticks(seconds: float, *looks: tuple[int, int, int, int], share: float = 0.5) -> Iterator[Tick]:
    """Ticks of this length with requests and errors of green, then of blue."""
    for number, (green, failed, blue, lost) in enumerate(looks, 1):
        yield Tick(number * seconds, 0, share, arm(green, failed), arm(blue, lost))


def aborts(rule: Rule, seen: Iterator[Tick]) -> list[bool | None]:
    """What a rule of one setting says at each tick."""
    said = [rule.look(tick) for tick in seen]
    return [None if each is None else bool(each[0, 0]) for each in said]


def test_flagger_counts_its_failed_checks() -> None:
    """A check a minute: failed ones add up even with good ones between, and the second aborts here."""
    looks = [(100, 2, 0, 0), (100, 0, 0, 0), (100, 1, 0, 0), (100, 2, 0, 0)]
    assert aborts(flagger("f", 60, [0.99], 2), ticks(60, *looks)) == [False, False, False, True]


def test_flagger_looks_at_a_full_minute() -> None:
    """Looking each ten seconds, it first judges after a minute, and then the last minute only."""
    looks = [(10, 5, 0, 0), *[(10, 0, 0, 0)] * 5, (10, 0, 0, 0), (10, 1, 0, 0)]
    assert aborts(flagger("f", 10, [0.99], 1), ticks(10, *looks)) == [None] * 5 + [True] * 3
    assert aborts(flagger("f", 10, [0.99], 2), ticks(10, *looks)) == [None] * 5 + [False, False, True]


def test_a_window_without_answers_fails() -> None:
    """No answer of green at all is a failed check."""
    assert aborts(flagger("f", 60, [0.0], 1), ticks(60, (0, 0, 100, 0))) == [True]
    assert aborts(flagger("f", 60, [0.0], 1), ticks(60, (1, 1, 100, 0))) == [False]


def test_argo_tolerates_three_failures() -> None:
    """The fourth failed measurement of five minutes aborts."""
    looks = [(100, 6, 0, 0)] * 20
    said = aborts(argo("a", [0.95]), ticks(60, *looks))
    assert [second for second, each in enumerate(said, 1) if each is not None] == [5, 10, 15, 20]
    assert said[19] is True
    assert said[14] is False


def test_argo_relative_compares_the_slots() -> None:
    """More than 1.2 times blue's share of errors fails; the fourth failure, at 480 seconds, aborts. Equal shares never do."""
    worse = aborts(argo_relative("a", [1.2]), ticks(60, *[(100, 13, 1000, 100)] * 9))
    assert worse == [None] * 4 + [False] * 3 + [True] * 2
    assert not any(aborts(argo_relative("a", [1.2]), ticks(60, *[(100, 12, 1000, 100)] * 12)))


def test_p95_over_the_objective() -> None:
    """One request in twenty over the objective is allowed, one more is not."""
    judge = p95_over()
    assert not judge(arm(100, 0, over=5), arm(1, 0))[0, 0]
    assert judge(arm(100, 0, over=6), arm(1, 0))[0, 0]


def test_log_gamma() -> None:
    """The table is the logarithm of the gamma function, however far it must grow."""
    table = LogGamma(2.5)
    for counts in ([0, 3], [500, 7]):
        assert table(np.array(counts)) == pytest.approx([lgamma(2.5 + each) for each in counts], rel=1e-14)


def beta(first: float, second: float) -> float:
    """Logarithm of the beta function."""
    return lgamma(first) + lgamma(second) - lgamma(first + second)


def test_lindon_malek() -> None:
    """The evidence is the ratio of Beta functions, anew at each step, and aborts only where green has too many errors."""
    share, concentration = 0.2, 10.0
    known = beta(2.0 + 6, 8.0 + 2) - beta(2.0, 8.0) - 6 * log(share) - 2 * log(1 - share)
    for settings, expected in ((known - 1e-9, True), (known + 1e-9, False)):
        rule = LindonMalek("lm", concentration, [settings])
        assert aborts(rule, ticks(1, (10, 4, 40, 1), (10, 2, 40, 1), share=share))[-1] is expected
        rule.look(Tick(3.0, 1, 0.5, arm(10, 0), arm(10, 0)))
        assert bool(rule.look(Tick(4.0, 1, 0.5, arm(10, 0), arm(10, 0)))[0, 0]) is False
    assert aborts(LindonMalek("lm", concentration, [0.0]), ticks(1, (10, 0, 40, 9), share=share)) == [False]


def test_lindon_malek_keeps_what_earlier_steps_said() -> None:
    """Evidence of a step is added to that of the steps before it."""
    first = beta(5.0 + 6, 5.0 + 1) - beta(5.0, 5.0) + 7 * log(2)
    second = beta(8.0 + 9, 2.0) - beta(8.0, 2.0) - 9 * log(0.8)
    for settings, expected in ((first + second - 1e-9, True), (first + second + 1e-9, False)):
        rule = LindonMalek("lm", 10.0, [settings])
        rule.look(Tick(1.0, 0, 0.5, arm(10, 6), arm(10, 1)))
        said = rule.look(Tick(2.0, 1, 0.8, arm(40, 9), arm(10, 0)))
        assert said is not None
        assert bool(said[0, 0]) is expected


def test_no_blue_traffic_is_no_comparison() -> None:
    """Where one slot gets nothing, what compares the two does not look."""
    for rule in (LindonMalek("lm", 10.0, [0.0]), EmpiricalBernstein("eb", [0.0])):
        assert aborts(rule, ticks(1, (10, 9, 0, 0), share=1.0)) == [None]
    for rule in (Msprt("m", [0.0]), Peeking("z", [0.0])):
        assert aborts(rule, ticks(1, (10, 9, 0, 0), share=1.0)) == [False]


def test_lindon_malek_is_fair() -> None:
    """On average over all ways in which n errors may fall, the evidence is exactly 1."""
    share, errors, prior = 0.3, 12, (3.0, 7.0)
    ways = [comb(errors, green) * share**green * (1 - share) ** (errors - green) for green in range(errors + 1)]
    rule = LindonMalek("lm", 10.0, [0.0])
    rule.look(Tick(1.0, 0, share, arm(1, 0), arm(1, 0)))
    evidence = []
    for green in range(errors + 1):
        rule._green, rule._blue = np.array([green]), np.array([errors - green])  # noqa: SLF001
        evidence.append(float(rule._evidence()[0]))  # noqa: SLF001
        closed = beta(prior[0] + green, prior[1] + errors - green) - beta(*prior)
        assert evidence[-1] == pytest.approx(closed - green * log(share) - (errors - green) * log(1 - share))
    assert sum(way * exp(each) for way, each in zip(ways, evidence, strict=True)) == pytest.approx(1.0)


def test_empirical_bernstein() -> None:
    """Two looks, worked out by hand: the bet is fixed before a look from what was seen before it."""
    share, count = 0.5, 0.0
    evidence, total, square = 0.0, 0.0, 0.0
    looks = [(20, 6, 20, 0), (20, 5, 20, 1)]
    for green, failed, blue, lost in looks:
        mean, variance = total / (1 + count), (0.25 + square) / (1 + count)
        after = count + green + blue
        bet = min(sqrt(2 * LEVEL / (variance * after * log(1 + after))), 0.5)
        scores = [0.5] * failed + [-0.5] * lost + [0.0] * (green + blue - failed - lost)
        off = sum((each - mean) ** 2 for each in scores)
        evidence += bet * sum(scores) - (-log(1 - bet) - bet) * off
        count, total, square = after, total + sum(scores), square + off
    for settings, expected in ((evidence - 1e-9, True), (evidence + 1e-9, False)):
        assert aborts(EmpiricalBernstein("eb", [settings]), ticks(1, *looks, share=share))[-1] is expected


def test_msprt_and_peeking() -> None:
    """Both pool the two slots: the mixture ratio and the z value are those worked out by hand, and only an excess aborts."""
    rate, variance, spread = 12 / 300, 12 / 300 * (288 / 300) * (1 / 100 + 1 / 200), 0.01
    z = (8 / 100 - 4 / 200) / sqrt(variance)
    mixed = variance + spread**2
    evidence = 0.5 * log(variance / mixed) + spread**2 * z**2 / (2 * mixed)
    assert rate == pytest.approx(0.04)
    looks = [(50, 8, 100, 0), (50, 0, 100, 4)]
    assert aborts(Peeking("z", [z - 1e-9]), ticks(1, *looks))[-1] is True
    assert aborts(Peeking("z", [z + 1e-9]), ticks(1, *looks))[-1] is False
    assert aborts(Msprt("m", [evidence - 1e-9]), ticks(1, *looks))[-1] is True
    assert aborts(Msprt("m", [evidence + 1e-9]), ticks(1, *looks))[-1] is False
    fewer = [(100, 0, 100, 50)]
    assert aborts(Msprt("m", [0.0]), ticks(1, *fewer)) == aborts(Peeking("z", [0.0]), ticks(1, *fewer)) == [False]


def test_percentiles_are_those_of_the_requests() -> None:
    """Drawn from counts, the 95th percentile has the mean and the spread that the one of real requests has."""
    point, random = Percentile(Latency(ratio=1.1), 1), np.random.default_rng(2)
    tick = next(Source(Stream("x", 400, ((0.0, 0.5),), latency=Latency(ratio=1.1)), 4000, 3).ticks(1.0))
    for drawn, ratio in zip(point(tick.green, tick.blue), (1.1, 1.0), strict=True):
        real = [np.sort(ratio * random.lognormal(log(40.0), 0.5, n))[int(np.ceil(0.95 * n)) - 1] for n in tick.blue.requests]
        assert drawn.mean() == pytest.approx(np.mean(real), rel=0.01)
        assert drawn.std() == pytest.approx(np.std(real), rel=0.1)
        assert drawn.mean() == pytest.approx(ratio * quantile(0.95), rel=0.02)


def test_a_percentile_agrees_with_the_counts() -> None:
    """A percentile that is drawn is over the objective exactly where the counts say so, for both slots."""
    tick = next(Source(Stream("x", 200, ((0.0, 0.5),), latency=Latency(ratio=1.08)), 500, 3).ticks(1.0))
    drawn, _ = Percentile(Latency(ratio=1.08), 1)(tick.green, tick.blue)
    assert ((drawn > 100.0) == p95_over()(tick.green, tick.blue)[0]).all()


def test_p95_above() -> None:
    """Green's percentile is compared with so many times blue's, one ratio a row."""
    judge = p95_above(lambda green, blue: (green.requests * 1.0, blue.requests * 1.0), [1.05, 1.2])
    assert judge(arm(110, 0), arm(100, 0))[:, 0].tolist() == [True, False]


def points(green: Sequence[float], blue: Sequence[float]) -> bool:
    """Kayenta's verdict over many runs, of one run."""
    return bool(high(np.array([green], dtype=float), np.array([blue], dtype=float), (0.25,), 0.98)[0, 0])


def test_kayenta_published() -> None:
    """Ten points of 1 against seven of 100 and three of 1 pass, as published; with eight of 100 they are high."""
    assert not points([100] * 7 + [1] * 3, [1] * 10)
    assert points([100] * 8 + [1] * 2, [1] * 10)


@pytest.mark.parametrize("count", [10, 20])
def test_kayenta_of_many_runs_is_that_of_one(count: int) -> None:
    """The verdicts without a search for roots are those of the emulated judge, but for what its tolerance decides."""
    random, judge = np.random.default_rng(7), Judge(confidence=0.98)
    shape = (60, count)
    series = [
        (random.normal(93.0, 3.0, shape), random.normal(90.0, 1.0, shape)),
        (random.lognormal(4.55, 0.1, shape), random.lognormal(4.45, 0.1, shape)),
        (random.poisson(4.0, shape) / 30.0, random.poisson(0.9, shape) / 10.0),
    ]
    for green, blue in series:
        alone = [judge.classify(list(one), list(other)) == "High" for one, other in zip(green, blue, strict=True)]
        assert (high(green, blue, (0.25,), 0.98)[0] != alone).sum() <= 1
        assert 0 < sum(alone) < len(alone) or count == 10


def test_kayenta_looks_each_minute_from_the_tenth() -> None:
    """A point a minute, no verdict before ten of them, and a clear shift is high at the first."""
    rule = KayentaLike("k", percent_of_errors)
    looks = [(100, 10 + index, 100, index % 3) for index in range(12) for _ in range(2)]
    said = aborts(rule, ticks(30, *looks))
    assert said[:19] == [None] * 19
    assert said[19] is True
    assert said[20] is None


def test_a_race_keeps_the_first_abort_and_what_it_cost() -> None:
    """Each rule's first abort counts, with green's requests and errors until then, or until the end where it had none."""
    heat = Heat(Stream("x", 100, ((0.0, 0.5),), green=1.0, at=5.0), 20, 1, 1.0, 30.0)
    found = race(heat, [Peeking("soon", [2.3, 30.0]), Peeking("never", [1e9])])
    assert (found["soon"].seconds >= 6.0).all()
    assert (found["soon"].seconds[1] >= found["soon"].seconds[0]).all()
    assert found["soon"].bad[0].mean() == pytest.approx(50.0 * (found["soon"].seconds[0].mean() - 5.0), rel=0.2)
    assert not found["never"].aborted.any()
    assert found["never"].requests.mean() == pytest.approx(1500, rel=0.03)
