"""The product's decision engine (``smoke.analysis``) over many runs at once: the same formulas on arrays of one run a column.

A twin, so that what the benchmark measures is what ships: constants are the product's own, and a test holds every number of
evidence to that of the real engine. What is not here: the choice of edges of latency (they are given), and the slope of memory
(no evidence).
"""

from collections.abc import Mapping, Sequence
from math import log

import numpy as np

from canary.mixtures import Dispersion, Mixture, order_factors, rate_factors, ratio_factors
from canary.peers import Flags, column
from canary.streams import OBJECTIVE, Arm, Floats, Source, Stream, Tick
from smoke.analysis.thresholds import BETTER, NORMAL, SLOW, TAIL, WORSE
from smoke.analysis.trial import (
    ERROR_OBJECTIVE,
    ERRORS,
    EVERY,
    LATENCY,
    LATENCY_OBJECTIVE,
    LATER,
    LEAST_OUT,
    LEAST_RATE,
    LESS,
    MORE,
    OFTENER,
    OUTAGE,
    RARER,
    SECOND,
    SLOW_SHARE,
    WEIGHTS,
    step_weight,
)
from smoke.plan import Gates

PLAN_STEPS = 4
"""Steps of the default plan; a stream whose share never changes stays in the first."""
PROVING = 60.0
"""Seconds for which the engine sees blue alone before green gets its first request."""
MEMORY = 1.0 - sum(WEIGHTS.values())
"""Weight of the test that sees nothing here."""


class Slowness:
    """Is green slower than blue allows? Classes of latency, worse and better."""

    def __init__(self, runs: int, *, certify: bool) -> None:
        self.worse, self.better = Mixture(len(WORSE), runs), Mixture(len(BETTER), runs)
        self.whole, self.tail = Dispersion(runs), Dispersion(runs)
        self._certify = certify

    def compare(self, green: Arm, blue: Arm) -> None:
        """One second of both later."""
        tested, other = _classes(green), _classes(blue)
        worse = order_factors(tested, other, WORSE)
        self.worse.times(np.concatenate([self.whole.temper(worse[: -len(TAIL)]), self.tail.temper(worse[-len(TAIL) :])]))
        if self._certify:
            self.better.times(self.whole.temper(order_factors(other, tested, BETTER)))

    def learn(self, blue: Arm) -> None:
        """How blue's latency comes in clumps."""
        counts = _classes(blue)
        for clump, scores in ((self.whole, np.array(NORMAL)), (self.tail, np.array(SLOW))):
            clump.after(counts.sum(axis=0), scores @ counts, scores**2 @ counts)


def _classes(arm: Arm) -> Floats:
    """Requests by class of latency, from the fastest on: (J + 1, R)."""
    beyond = np.vstack([arm.requests, arm.slow, np.zeros_like(arm.over)])
    return -np.diff(beyond, axis=0).astype(np.float64)


class Judged:
    """What one set of gates asks of errors and of the objectives."""

    def __init__(self, gates: Gates, runs: int, *, certify: bool) -> None:
        self.gates, self._certify = gates, certify
        self.worse = {
            ERRORS: Mixture(len(MORE), runs),
            ERROR_OBJECTIVE: Mixture(len(OFTENER), runs),
            LATENCY_OBJECTIVE: Mixture(len(OFTENER), runs),
        }
        self.better = {
            ERRORS: Mixture(len(LESS), runs),
            ERROR_OBJECTIVE: Mixture(len(RARER), runs),
            LATENCY_OBJECTIVE: Mixture(len(RARER), runs),
        }

    def look(self, green: Arm, blue: Arm, clump: Dispersion) -> None:
        """Are there too many errors? Asked at every look."""
        if self.gates.error_ratio > 0.0:
            factors = ratio_factors(green, blue, self.gates.error_ratio, self.gates.error_margin, MORE)
            self.worse[ERRORS].times(clump.temper(factors, _out(green)))

    def settle(self, green: Arm, blue: Arm, errors: Dispersion, slow: Dispersion) -> None:
        """What is asked once a second."""
        gates = self.gates
        if self._certify and gates.error_ratio > 0.0:
            factors = ratio_factors(green, blue, gates.error_ratio, gates.error_margin, LESS)
            self.better[ERRORS].times(errors.temper(factors))
        if gates.errors < 1.0:
            allowed = max(gates.errors, LEAST_RATE)
            self._objective(ERROR_OBJECTIVE, green.errors, green, allowed, errors, _out(green))
        self._objective(LATENCY_OBJECTIVE, over(green, gates), green, SLOW_SHARE, slow)

    def _objective(  # noqa: PLR0913, PLR0917 - a step of the engine's own
        self, name: str, bad: Floats, green: Arm, allowed: float, clump: Dispersion, outage: Floats | None = None
    ) -> None:
        self.worse[name].times(clump.temper(rate_factors(bad, green.requests, allowed, OFTENER), outage))
        if self._certify:
            self.better[name].times(clump.temper(rate_factors(bad, green.requests, allowed, RARER)))


def _out(green: Arm) -> Floats:
    """1 where green is out, at this look."""
    return ((green.requests >= LEAST_OUT) & (green.errors >= OUTAGE * green.requests)).astype(np.float64)


def over(arm: Arm, gates: Gates) -> Floats:
    """Requests over the objective of latency; none where that is set out of the way."""
    return arm.over if gates.p95_ms == OBJECTIVE else np.zeros_like(arm.over)


class Engine:
    """The engine under several sets of gates, whose latency is the same."""

    def __init__(self, gates: Mapping[str, Gates], runs: int, seconds: float, *, certify: bool = False) -> None:
        self.latency = Slowness(runs, certify=certify)
        self.judged = {name: Judged(each, runs, certify=certify) for name, each in gates.items()}
        self.errors, self.slow = Dispersion(runs), Dispersion(runs)
        self._first = next(iter(gates.values()))
        self._seconds, self._waited, self._waiting = seconds, 0.0, None
        self._age, self._later, self._step = 0.0, -1, -1
        self._seen: Tick | None = None

    def prove(self, stream: Stream, seed: int) -> None:
        """See blue alone for a while, as a rollout does before green gets its first request."""
        alone = Stream(stream.name, stream.rps, ((0.0, 0.0),), noise=stream.noise, clump=stream.clump)
        for tick in Source(alone, len(self.errors.by), seed, self._seconds).ticks(PROVING):
            self.see(tick)

    def see(self, tick: Tick) -> None:
        """One tick later; the same tick again changes nothing. Green's first share above 0 begins the first step."""
        if tick is self._seen:
            return
        self._seen = tick
        if tick.share > 0.0 and tick.step != self._step:
            self._begin(tick.step)
        if self._later >= 0:
            for judged in self.judged.values():
                judged.look(tick.green, tick.blue, self.errors)
        both = (tick.green, tick.blue)
        self._waiting = both if self._waiting is None else (self._waiting[0] + both[0], self._waiting[1] + both[1])
        self._waited += self._seconds
        if self._waited >= SECOND:
            self._settle(*self._waiting)

    def _begin(self, step: int) -> None:
        for worse, better in self._mixtures():
            worse.begun(step_weight(step, PLAN_STEPS))
            better.anew()
        self.latency.whole.pause()
        self.latency.tail.pause()
        self._waiting, self._waited, self._later, self._step = None, 0.0, max(self._later, 0), step

    def _settle(self, green: Arm, blue: Arm) -> None:
        if self._later >= 0:
            for judged in self.judged.values():
                judged.settle(green, blue, self.errors, self.slow)
            self.latency.compare(green, blue)
        slow = over(blue, self._first)
        self.errors.after(blue.requests, blue.errors, blue.errors)
        self.slow.after(blue.requests, slow, slow)
        self.latency.learn(blue)
        if self._later >= 0:
            self._aged()
        self._waiting, self._waited = None, 0.0

    def _aged(self) -> None:
        """What is wrong may have begun every half minute, with less and less weight."""
        self._age += self._waited
        if self._age >= EVERY * (self._later + 1):
            for worse, _ in self._mixtures():
                worse.begun(LATER / ((self._later + 1) * (self._later + 2)))
            self._later += 1

    def _mixtures(self) -> list[tuple[Mixture, Mixture]]:
        every = [(judged.worse[name], judged.better[name]) for judged in self.judged.values() for name in judged.worse]
        return [(self.latency.worse, self.latency.better), *every]

    def evidence(self, name: str) -> Floats:
        """Logarithm of the rollout's evidence under these gates, run by run."""
        tests = {**self.judged[name].worse, LATENCY: self.latency.worse}
        parts = [log(WEIGHTS[each]) + test.log() for each, test in tests.items()]
        return np.logaddexp.reduce([*parts, np.full_like(parts[0], log(MEMORY))])


class Aborts:
    """The engine as a contestant: it aborts when its evidence is enough. Varied: the logarithm of that."""

    def __init__(self, name: str, engine: Engine, settings: Sequence[float]) -> None:
        self.name, self._engine, self._settings = name, engine, column(settings)

    def look(self, tick: Tick) -> Flags | None:
        """In which runs it aborts."""
        self._engine.see(tick)
        return self._engine.evidence(self.name) >= self._settings


class Certifies:
    """When a step may pass: each of these tests says, at one look, that green is surely not worse than allowed."""

    def __init__(self, name: str, engine: Engine, gates: str, tests: Sequence[str], alpha: float = 0.05) -> None:
        self.name, self._engine, self._level = name, engine, log(1.0 / alpha)
        judged = engine.judged[gates]
        worse, better = {**judged.worse, LATENCY: engine.latency.worse}, {**judged.better, LATENCY: engine.latency.better}
        self._tests = [(worse[each], better[each]) for each in tests]

    def look(self, tick: Tick) -> Flags | None:
        """In which runs all of them do."""
        self._engine.see(tick)
        shown = [(better.log() >= self._level) & (worse.log() < self._level) for worse, better in self._tests]
        return np.all(shown, axis=0)[None, :]
