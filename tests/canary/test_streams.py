"""The generator of counts: means, shares, joint draws, what each kind of noise does, and that a seed draws the same again."""

from itertools import pairwise

import numpy as np
import pytest
from canary.streams import (
    OBJECTIVE,
    QUANTILE_EDGES,
    QUANTILES,
    RATE,
    Arm,
    Latency,
    Source,
    Stream,
    Tick,
    quantile,
    survival,
)

BLUE_EDGES, GREEN_EDGES = QUANTILE_EDGES.blue, QUANTILE_EDGES.green
RUNS = 400
HALF = ((0.0, 0.5),)


def drawn(stream: Stream, horizon: float = 60.0, seconds: float = 1.0) -> list[Tick]:
    """The ticks of a stream, from a fixed seed."""
    return list(Source(stream, RUNS, 11, seconds).ticks(horizon))


def total(ticks: list[Tick]) -> tuple[Arm, Arm]:
    """Sums over all ticks of green and of blue, run by run."""
    green, blue = ticks[0].green, ticks[0].blue
    for tick in ticks[1:]:
        green, blue = green + tick.green, blue + tick.blue
    return green, blue


def near(counts: np.ndarray, mean: float, spread: float | None = None) -> bool:
    """Is the mean of these counts what it should be, within five standard errors? Poisson, unless a spread is given."""
    return abs(counts.mean() - mean) < 5.0 * (spread or np.sqrt(mean)) / np.sqrt(counts.size)


@pytest.mark.parametrize("seconds", [0.25, 1.0])
def test_requests_follow_the_rate_and_the_share(seconds: float) -> None:
    """Each slot gets its share of the requests, whatever the length of a tick, and fails at its own rate."""
    green, blue = total(drawn(Stream("x", 200, ((0.0, 0.25),), green=0.02), seconds=seconds))
    assert near(green.requests, 3000)
    assert near(blue.requests, 9000)
    assert near(green.errors, 60)
    assert near(blue.errors, 9)
    assert near(green.requests.astype(float) ** 2, 3000**2 + 3000, 2 * 3000**1.5)


def test_slow_requests_are_drawn_together() -> None:
    """Beyond a higher edge are never more requests, and of those beyond one edge the right share is beyond the next."""
    for arm in total(drawn(Stream("x", 500, HALF, latency=Latency(ratio=1.05)))):
        beyond = np.vstack([arm.requests, arm.slow])
        assert (np.diff(beyond, axis=0) <= 0).all()
        for (below, above), (one, other) in zip(pairwise(beyond), pairwise((0.0, *QUANTILES)), strict=True):
            share = (1.0 - other) / (1.0 - one)
            assert above.sum() / below.sum() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / below.sum()))


def test_counts_beyond_edges_are_multinomial() -> None:
    """Given the requests of a tick, counts beyond two edges vary and go together as in one multinomial draw."""
    arm = next(Source(Stream("x", 2000, HALF), 20_000, 5, 1.0).ticks(1.0)).blue
    for first, second in ((0, 1), (1, 3)):
        high, low = 1.0 - QUANTILES[first], 1.0 - QUANTILES[second]
        left, right = arm.slow[first] - high * arm.requests, arm.slow[second] - low * arm.requests
        assert np.cov(left, right)[0, 1] == pytest.approx(1000 * low * (1.0 - high), rel=0.07)
        assert abs(np.corrcoef(left, arm.requests)[0, 1]) < 0.03


def test_edges() -> None:
    """Blue's edges are its quantiles, and green's are 1.05 times those."""
    assert [survival(edge) for edge in BLUE_EDGES] == pytest.approx([1.0 - each for each in QUANTILES])
    assert np.divide(GREEN_EDGES, BLUE_EDGES) == pytest.approx([1.05] * 6)
    green, blue = total(drawn(Stream("x", 500, HALF, latency=Latency(ratio=1.05))))
    assert near(green.slow[4], 0.05 * 15000)
    assert near(blue.over, survival(OBJECTIVE) * 15000)
    assert near(green.over, survival(OBJECTIVE / 1.05) * 15000)


def test_a_slow_tail_moves_nothing_else() -> None:
    """A fault of the slowest fiftieth doubles what is beyond the 99th percentile and leaves the rest alone."""
    slow, plain = Latency(share=0.02, factor=2.0, slowest=True), Latency()
    for edge in BLUE_EDGES[:5]:
        assert slow.beyond(edge) == plain.beyond(edge)
    assert slow.beyond(quantile(0.99)) == pytest.approx(2 * plain.beyond(quantile(0.99)))


def test_a_second_mode_takes_its_share() -> None:
    """With one request in twenty ten times slower, about that many more are beyond a high edge."""
    assert Latency(share=0.05, factor=10.0).beyond(quantile(0.99)) == pytest.approx(0.95 * 0.01 + 0.05, abs=1e-3)


def test_a_fault_begins_and_grows() -> None:
    """Before its second there is no fault, and from then on it grows evenly to its full size."""
    stream = Stream("x", 1, HALF, at=10.0, grows=20.0, latency=Latency(ratio=1.5))
    assert [stream.severity(second) for second in (0.0, 9.9, 10.0, 20.0, 30.0, 99.0)] == [0.0, 0.0, 0.0, 0.5, 1.0, 1.0]
    assert stream.latency.at(0.0) == Latency()
    assert stream.latency.at(0.5).ratio == pytest.approx(1.5**0.5)
    ticks = drawn(Stream("x", 1000, HALF, green=1.0, at=30.0))
    assert total(ticks[30:])[0].errors.sum() == total(ticks[30:])[0].requests.sum()
    assert near(total(ticks[:30])[0].errors, 15)


def test_steps_set_the_share() -> None:
    """The weights change at the second of a step, all at once, and at 100 percent blue gets nothing."""
    ticks = drawn(Stream("x", 100, ((0.0, 0.05), (20.0, 0.5), (40.0, 1.0))))
    assert [ticks[index].step for index in (0, 19, 20, 39, 40)] == [0, 0, 1, 1, 2]
    assert near(total(ticks[20:40])[0].requests, 1000)
    assert total(ticks[40:])[1].requests.sum() == 0


def test_a_seed_draws_the_same_again() -> None:
    """The same seed gives the same counts, and another seed others; for each kind of noise."""
    for noise in ("none", "clumps", "wander", "sticky"):
        stream = Stream("x", 50, HALF, noise=noise, clump=5)
        one, two = (total(list(Source(stream, RUNS, 3).ticks(20.0)))[0] for _ in range(2))
        other = total(list(Source(stream, RUNS, 4).ticks(20.0)))[0]
        assert (one.errors == two.errors).all()
        assert (one.slow == two.slow).all()
        assert (one.requests != other.requests).any()


@pytest.mark.parametrize("noise", ["clumps", "wander", "sticky", "warmup"])
def test_noise_of_one_slot_leaves_the_mean(noise: str) -> None:
    """Clumps, wandering rates and sticky users change how errors come, not how many."""
    green, blue = total(drawn(Stream("x", 400, HALF, noise=noise, clump=5), horizon=200.0))
    for arm in (green, blue):
        assert arm.errors.mean() == pytest.approx(RATE * 40_000, rel=0.12)


def test_clumps_have_their_size() -> None:
    """Errors in clumps of mean m vary 2 m - 1 times as much as single ones."""
    counts = np.concatenate([tick.blue.errors for tick in drawn(Stream("x", 4000, HALF, noise="clumps", clump=5), horizon=200.0)])
    assert counts.var() / counts.mean() == pytest.approx(9.0, rel=0.1)


def test_what_both_feel_is_shared() -> None:
    """A burst and a day's wave change both slots alike."""
    green, blue = total(drawn(Stream("x", 100, HALF, noise="bursts"), horizon=600.0))
    assert near(green.errors, 40 * 50 * 0.2 + 560 * 50 * RATE)
    assert near(blue.errors, 40 * 50 * 0.2 + 560 * 50 * RATE)
    day = drawn(Stream("x", 100, HALF, noise="diurnal"), horizon=1800.0)
    for side in (0, 1):
        busy, idle = total(day[400:500])[side], total(day[1300:1400])[side]
        assert busy.requests.mean() == pytest.approx(8000, rel=0.01)
        assert idle.requests.mean() == pytest.approx(2000, rel=0.02)
        assert busy.slow[3].sum() / busy.requests.sum() > 2 * idle.slow[3].sum() / idle.requests.sum()


def test_gaps_delay_and_misses_lose() -> None:
    """Readings that were late come with the next one; those that were missed never come."""
    late, lost, plain = (drawn(Stream("x", 100, HALF, noise=noise), 70.0) for noise in ("gaps", "missing", "none"))
    for ticks in (late, lost):
        assert sum(tick.green.requests.sum() for tick in ticks[55:60]) == 0
    assert (late[60].green.slow == total(plain[55:61])[0].slow).all()
    assert (lost[60].green.requests == plain[60].green.requests).all()


def test_warmth() -> None:
    """A new process is slow at first and then as fast as any; blue is not touched."""
    ticks = drawn(Stream("x", 1000, HALF, noise="warmup"))
    assert ticks[0].green.slow[4].mean() > 5 * ticks[0].blue.slow[4].mean()
    assert near(total(ticks[30:])[1].slow[4], 0.05 * 15000)
    assert near(total(ticks[30:])[0].slow[4], survival(GREEN_EDGES[4]) * 15000)
