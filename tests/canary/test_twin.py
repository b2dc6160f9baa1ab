"""The engine over many runs is the engine that ships: every number of evidence is that of the real one, run by run."""

from dataclasses import replace
from itertools import pairwise
from math import inf, log

import numpy as np
import pytest
from canary.engine import MEMORY, PLAN_STEPS, Aborts, Certifies, Engine
from canary.streams import OBJECTIVE, QUANTILE_EDGES, Arm, Latency, Source, Stream, Tick

from smoke.analysis.counts import Increment, Slice
from smoke.analysis.mixture import log_total
from smoke.analysis.thresholds import Thresholds
from smoke.analysis.trial import WEIGHTS, Trial, step_weight
from smoke.plan import Gates

RUNS = 3
GRID = (*sorted({*QUANTILE_EDGES.green, *QUANTILE_EDGES.blue, OBJECTIVE}), inf)
PAIRS = tuple(
    (GRID.index(blue), GRID.index(green)) for blue, green in zip(QUANTILE_EDGES.blue, QUANTILE_EDGES.green, strict=True)
)
GATES = {
    "plain": Gates(error_ratio=1.0, error_margin=0.0, errors=0.5, p95_ms=OBJECTIVE),
    "default": Gates(p95_ms=OBJECTIVE),
    "objectives": Gates(error_ratio=0.0, errors=0.0, p95_ms=OBJECTIVE),
}
RAMP = ((0.0, 0.05), (20.0, 0.25), (40.5, 0.6), (60.0, 1.0))
# Every kind of look: both ways to draw, none and few requests, steps, clumps, faults that come late, and what is read late.
STREAMS = [
    Stream("ramp", 300, RAMP, green=0.01, at=30.0),
    Stream("clumps", 400, ((0.0, 0.1), (30.0, 0.5)), noise="clumps", clump=6.0, green=0.02),
    Stream("few", 3, ((0.0, 0.3), (50.0, 0.5), (60.0, 0.7)), green=0.3, latency=Latency(ratio=1.5)),
    Stream("slow", 200, ((0.0, 0.5),), latency=Latency(ratio=1.2, share=0.05, factor=5.0), at=10.0),
    Stream("late", 100, ((0.0, 0.2), (30.0, 0.8)), noise="gaps", green=0.2),
    Stream("bursts", 60, ((0.0, 0.4),), noise="bursts", green=1.0, at=80.0),
]


def part(arm: Arm, run: int, edges: tuple[float, ...]) -> Slice:
    """What one run of one slot answered, as a meter with this grid counts it."""
    every = sorted([*zip(edges, arm.slow[:, run], strict=True), (OBJECTIVE, arm.over[run])])
    beyond = [int(arm.requests[run]), *(int(count) for _, count in every), 0]
    places = [*(GRID.index(edge) for edge, _ in every), GRID.index(inf)]
    bins = [(place, more - less) for place, (more, less) in zip(places, pairwise(beyond), strict=True) if more > less]
    found = (tuple(place for place, _ in bins), tuple(count for _, count in bins))
    return Slice(int(arm.requests[run]), int(arm.errors[run]), *found)


class Real:
    """The product's own trials, one a run, fed as the driver feeds them."""

    def __init__(self, gates: Gates) -> None:
        self.trials = [Trial(gates, thresholds=Thresholds(PAIRS, PAIRS)) for _ in range(RUNS)]
        self._step = -1

    def see(self, tick: Tick, seconds: float) -> None:
        """One tick later."""
        for run, trial in enumerate(self.trials):
            now = trial
            if tick.share > 0.0 and tick.step != self._step:
                # What was learned would choose other edges; here they are given.
                now = replace(now, learned=()).for_step(step_weight(tick.step, PLAN_STEPS), GRID)
            live, candidate = part(tick.blue, run, QUANTILE_EDGES.blue), part(tick.green, run, QUANTILE_EDGES.green)
            self.trials[run] = now.after(Increment(seconds, live, candidate), GRID)
        self._step = tick.step if tick.share > 0.0 else self._step

    def evidence(self, run: int) -> float:
        """Logarithm of the rollout's evidence, where memory says nothing."""
        parts = [log(WEIGHTS[name]) + test.worse.log() for name, test in self.trials[run].tests().items()]
        return log_total((*parts, log(MEMORY)))


@pytest.mark.parametrize("seconds", [0.25, 1.0])
@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_the_twin_is_the_engine(stream: Stream, seconds: float) -> None:
    """Each test's evidence for and against, the rollout's, and the brakes for clumps are the same within a billionth."""
    twin, real = Engine(GATES, RUNS, seconds, certify=True), {name: Real(gates) for name, gates in GATES.items()}
    alone = Source(replace(stream, steps=((0.0, 0.0),)), RUNS, 1, seconds).ticks(25.0)
    moved = 0.0
    for number, tick in enumerate([*alone, *Source(stream, RUNS, 2, seconds).ticks(100.0)]):
        twin.see(tick)
        for each in real.values():
            each.see(tick, seconds)
        if number % 7 == 0:
            moved = max(moved, *(compared(twin, name, each) for name, each in real.items()))
    assert moved > 1.0


def compared(twin: Engine, name: str, real: Real) -> float:
    """The most that any evidence differs from none, all of it being that of the real engine."""
    judged, most = twin.judged[name], 0.0
    for run, trial in enumerate(real.trials):
        for test, theirs in trial.tests().items():
            mixtures = (
                (twin.latency.worse, twin.latency.better) if test == "latency" else (judged.worse[test], judged.better[test])
            )
            ours = [float(mixture.log()[run]) for mixture in mixtures]
            assert ours == pytest.approx([theirs.worse.log(), theirs.better.log()], rel=1e-9, abs=1e-9), f"{test}, run {run}"
            most = max(most, *map(abs, ours))
        clumps = {"errors": twin.errors, "slow": twin.slow, "latency": twin.latency.whole, "tail": twin.latency.tail}
        for kind, clump in clumps.items():
            known = getattr(trial.clumps, kind)
            assert (clump.by[run], clump.cap[run]) == pytest.approx((known.by, known.cap), rel=1e-9), kind
        assert twin.evidence(name)[run] == pytest.approx(real.evidence(run), rel=1e-9, abs=1e-9)
    return most


def test_clumps_are_braked() -> None:
    """In the comparison with the real engine some looks were divided, some capped and some neither."""
    brakes = set()
    for stream in STREAMS[:2]:
        twin = Engine(GATES, RUNS, 1.0)
        for tick in Source(stream, RUNS, 2).ticks(90.0):
            twin.see(tick)
        brakes |= set(zip(twin.errors.by > 1.0, np.isinf(twin.errors.cap), strict=True))
    assert len(brakes) > 1


def test_contestants_ask_the_same_engine() -> None:
    """It aborts where the evidence reaches a setting, certifies where all tests say so, and sees a tick once."""
    engine = Engine(GATES, 50, 1.0, certify=True)
    engine.prove(Stream("x", 200, ((0.0, 0.5),)), 1)
    aborts, certifies = Aborts("default", engine, (log(100.0), 0.5)), Certifies("pass", engine, "default", ("errors", "latency"))
    passed = np.zeros(50, dtype=bool)
    for tick in Source(Stream("x", 200, ((0.0, 0.5),), green=0.02), 50, 2).ticks(60.0):
        said, fine = aborts.look(tick), certifies.look(tick)
        assert (said == (engine.evidence("default") >= np.array([[log(100.0)], [0.5]]))).all()
        passed |= fine[0]
    assert said[0].mean() > 0.9
    assert (said[1] >= said[0]).all()
    assert not passed.any()
