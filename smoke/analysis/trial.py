"""The evidence about one service, folded increment by increment: is its candidate worse than allowed, is it surely not?"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import add, mul
from typing import Any, Self

from smoke.analysis.counts import Increment, Slice, Tail, merged
from smoke.analysis.dispersion import Dispersion
from smoke.analysis.likelihood import Two, order_factors, rate_factors, rates_at, ratio_factors
from smoke.analysis.mixture import Test
from smoke.analysis.thresholds import BETTER, CLASSES, NORMAL, SLOW, TAIL, WORSE, Thresholds, beside, chosen, classes
from smoke.plan import Gates

ERRORS, LATENCY, ERROR_OBJECTIVE, LATENCY_OBJECTIVE = "errors", "latency", "error objective", "latency objective"
WEIGHTS = {ERRORS: 0.48, LATENCY: 0.36, ERROR_OBJECTIVE: 0.06, LATENCY_OBJECTIVE: 0.06}
"""What each test has of the rollout's probability of a false abort. What is left is that of the slope of memory."""
FIRST, AT_STEPS, LATER = 0.6, 0.2, 0.2
"""Weight of what began with the first request, with a later step, and at some time in between."""
EVERY = 30.0
"""Watched seconds after which evidence begins anew once more."""
ENOUGH = 200
"""Requests of the live slot that show that it has become quicker or slower."""
SLOW_SHARE = 0.05
"""Share of requests that may be beyond the 95th percentile's objective."""

MORE = (2.5, 6.0, 16.0, 50.0)
"""Alternatives of "too many errors": so many times as many as are allowed."""
LESS = (0.1, 0.3, 0.6)
RARER = (0.02, 0.2, 0.5)
"""Alternatives of "surely within the objective", as odds ratios."""
OFTENER = (2.0, 5.0, 20.0)
LEAST_RATE = 1e-6
"""An objective of no failure at all is kept to this: no number of good requests shows that there is none."""

OUTAGE = 0.4
"""Share of the candidate's requests in one look that must fail for it to be out: one of its workers that ends fails fewer."""
LEAST_OUT = 8
"""Requests of the candidate in a look that can show that."""
SECOND = 0.99
"""Seconds of increments that are looked at together, in all but the comparison of errors."""
USUAL = 10.0
"""Seconds over which the usual rate of requests is taken."""

Classes = tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]
"""Requests by class of latency: of the live slot and of the candidate, for "worse"; and of both for "better"."""
NO_CLASSES: Classes = ((0,) * CLASSES,) * 4


@dataclass(frozen=True, slots=True)
class Flow:
    """How many requests there usually are, and for how long there has been none."""

    rate: float = 0.0
    """Requests a second of both slots, over about the last ten seconds in which there were any."""
    idle: float = 0.0

    def after(self, requests: int, seconds: float) -> Self:
        """One increment later."""
        idle = self.idle + seconds
        if not requests or idle <= 0.0:
            return type(self)(self.rate, idle)
        part = idle / (idle + USUAL)
        return type(self)(self.rate + part * (requests / idle - self.rate), 0.0)


NOTHING = Dispersion()


@dataclass(frozen=True, slots=True)
class Clumps:
    """How what each test looks at comes in clumps."""

    errors: Dispersion = NOTHING
    slow: Dispersion = NOTHING
    """Requests beyond the objective of latency."""
    latency: Dispersion = NOTHING
    tail: Dispersion = NOTHING

    def of_errors(self, live: Slice) -> Self:
        """One second of the live slot later, as to its errors."""
        return replace(self, errors=self.errors.after(live.requests, live.errors, live.errors))

    def of_slow(self, total: int, slow: int) -> Self:
        """As to its requests beyond the objective."""
        return replace(self, slow=self.slow.after(total, slow, slow))

    def of_latency(self, counts: Sequence[int]) -> Self:
        """As to its classes of latency."""
        return replace(self, latency=_scored(self.latency, counts, NORMAL), tail=_scored(self.tail, counts, SLOW))

    def paused(self) -> Self:
        """Classes may have other edges from here on."""
        return replace(self, latency=self.latency.paused(), tail=self.tail.paused())


@dataclass(frozen=True, slots=True)
class Trial:
    """One service's evidence: a few numbers, whatever time passes. A fold of its increments and of the steps that begin.

    Whether errors came up is asked at every look; everything else about once a second, of all that was seen until then.
    """

    gates: Gates
    errors: Test = field(default_factory=lambda: Test.of(MORE, LESS))
    latency: Test = field(default_factory=lambda: Test.of(WORSE, BETTER))
    error_objective: Test = field(default_factory=lambda: Test.of(OFTENER, RARER))
    latency_objective: Test = field(default_factory=lambda: Test.of(OFTENER, RARER))
    clumps: Clumps = Clumps()
    flow: Flow = Flow()
    thresholds: Thresholds | None = None
    learned: tuple[int, ...] = ()
    """Requests of the live slot by place in the grid, since the thresholds were chosen: what the next choice is made from."""
    waiting: tuple[Increment, ...] = ()
    waited: float = 0.0
    """Seconds for which it has waited."""
    compared: Classes = NO_CLASSES
    """What was compared during the step."""
    slow: tuple[int, int] = (0, 0)
    """Requests of the candidate beyond the objective of latency, and all of them, during the step."""
    age: float = 0.0
    """Seconds since the first step began."""
    later: int = -1
    """How often evidence began anew for what may begin between steps; -1 before the first step."""
    window: float = 0.0
    """Seconds of a window, of this step."""
    left: float = 0.0
    """Seconds of this window that are left."""

    def for_step(self, weight: float, grid: Sequence[float], window: float = EVERY) -> Self:
        """The trial at the beginning of a step, whose weight is 0 if it began before. What still waits belongs to neither.

        ``window``: for how many seconds, or up to twice as many, evidence against the candidate is a doubt.
        """
        thresholds = chosen(self.learned, grid, self.gates.latency_ratio)
        return replace(
            self,
            **{name: test.for_step(weight) for name, test in self._tests().items()},
            clumps=self.clumps.paused(),
            thresholds=thresholds or self.thresholds,
            learned=self.learned if thresholds is None else (),
            waiting=(),
            waited=0.0,
            compared=NO_CLASSES,
            slow=(0, 0),
            later=max(self.later, 0),
            window=window,
            left=window,
        )

    def without_grid(self) -> Self:
        """The trial once the meter has other buckets: places in the old ones mean nothing any more."""
        return replace(
            self, thresholds=None, learned=(), waiting=(), waited=0.0, compared=NO_CLASSES, clumps=self.clumps.paused()
        )

    def after(self, increment: Increment, grid: Sequence[float]) -> Self:
        """The trial one increment later; ``grid`` is that of its places."""
        live, candidate, seconds = increment.live, increment.candidate, increment.seconds
        changes: dict[str, Any] = {
            "flow": self.flow.after(live.requests + candidate.requests, seconds),
            "waiting": (*self.waiting, increment),
            "waited": self.waited + seconds,
        }
        gates = self.gates
        if gates.error_ratio > 0.0 and live.requests and candidate.requests and self.later >= 0:
            seen = Two(candidate.errors, candidate.requests, live.errors, live.requests)
            more = ratio_factors(seen, gates.error_ratio, gates.error_margin, MORE)
            factors = self.clumps.errors.temper(more, outage=_out(candidate))
            changes["errors"] = Test(self.errors.worse.times(factors), self.errors.better, self.errors.marks)
        after = replace(self, **changes)
        return after.settled(grid) if after.waited >= SECOND else after

    def settled(self, grid: Sequence[float]) -> Self:
        """The trial once everything has been asked of what waited."""
        live, candidate = (merged([getattr(each, side) for each in self.waiting]) for side in ("live", "candidate"))
        changes: dict[str, Any] = {"waiting": (), "waited": 0.0}
        if self.later >= 0 and candidate.requests:
            changes |= self._of_errors(live, candidate)
        clumps = self.clumps.of_errors(live)
        if live.bins or candidate.bins:
            seen, clumps = self._of_latency(Tail(live), Tail(candidate), grid, clumps)
            changes |= {"learned": _added(self.learned, live, len(grid)), **seen}
        after = replace(self, **changes, clumps=clumps)
        if after.thresholds is None:
            after = replace(after, thresholds=chosen(after.learned, grid, after.gates.latency_ratio))
        return after.aged(self.waited, grid) if self.later >= 0 else after

    def _of_errors(self, live: Slice, candidate: Slice) -> dict[str, Test]:
        gates, clump = self.gates, self.clumps.errors
        found: dict[str, Test] = {}
        if gates.error_ratio > 0.0 and live.requests:
            seen = Two(candidate.errors, candidate.requests, live.errors, live.requests)
            less = clump.temper(ratio_factors(seen, gates.error_ratio, gates.error_margin, LESS))
            found["errors"] = replace(self.errors, better=self.errors.better.times(less))
        if gates.errors < 1.0:
            allowed = max(gates.errors, LEAST_RATE)
            found["error_objective"] = _objective(
                self.error_objective, candidate.errors, candidate.requests, allowed, clump, outage=_out(candidate)
            )
        return found

    def _of_latency(self, live: Tail, candidate: Tail, grid: Sequence[float], clumps: Clumps) -> tuple[dict[str, Any], Clumps]:
        place = bisect_left(grid, self.gates.p95_ms)
        found: dict[str, Any] = {}
        if self.later >= 0 and candidate.total:
            clump = self.clumps.slow
            slow = candidate.above(place)
            found["latency_objective"] = _objective(self.latency_objective, slow, candidate.total, SLOW_SHARE, clump)
            found["slow"] = (self.slow[0] + slow, self.slow[1] + candidate.total)
        clumps = clumps.of_slow(live.total, live.above(place))
        if self.thresholds is None:
            return found, clumps
        seen = _classes(self.thresholds, live, candidate)
        if self.later >= 0:
            worse, better = order_factors(seen[1], seen[0], WORSE), order_factors(seen[2], seen[3], BETTER)
            whole, tail = self.clumps.latency, self.clumps.tail
            worse = (*whole.temper(worse[: -len(TAIL)]), *tail.temper(worse[-len(TAIL) :]))
            found |= {"latency": self.latency.times(worse, whole.temper(better)), "compared": _sum(self.compared, seen)}
        return found, clumps.of_latency(seen[0])

    def aged(self, seconds: float, grid: Sequence[float]) -> Self:
        """The trial that much later: where it is time, what may have begun meanwhile gets its weight."""
        age, later, left = self.age + seconds, self.later, self.left - seconds
        tests = self._tests()
        changes: dict[str, Any] = {}
        if left <= 0.0:
            left, tests = self.window, {name: test.marked() for name, test in tests.items()}
            changes = self._followed(grid)
        if age >= EVERY * (later + 1):
            weight = LATER / ((later + 1) * (later + 2))
            later, tests = later + 1, {name: test.begun(weight) for name, test in tests.items()}
        return replace(self, **tests, **changes, age=age, later=later, left=left)

    def _followed(self, grid: Sequence[float]) -> dict[str, Any]:
        """Other edges, where the live slot has gone away from those that there are; what it did long ago counts for less."""
        if sum(self.learned) < ENOUGH or self.thresholds is None:
            return {}
        if beside(self.thresholds, self.learned):
            other = chosen(self.learned, grid, self.gates.latency_ratio)
            if other not in {None, self.thresholds}:
                return {"thresholds": other, "learned": (), "compared": NO_CLASSES, "clumps": self.clumps.paused()}
        return {"learned": tuple([count // 2 for count in self.learned])}

    def _tests(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("errors", "latency", "error_objective", "latency_objective")}

    def tests(self) -> Mapping[str, Test]:
        """By gate."""
        return {name.replace("_", " "): test for name, test in self._tests().items()}


def step_weight(step: int, steps: int) -> float:
    """What begins with a step of a plan with that many."""
    if step == 0:
        return FIRST if steps > 1 else FIRST + AT_STEPS
    return AT_STEPS / (steps - 1)


def _out(candidate: Slice) -> bool:
    return candidate.requests >= LEAST_OUT and candidate.errors >= OUTAGE * candidate.requests


def _objective(  # noqa: PLR0913 - one look at one objective
    test: Test, bad: int, total: int, allowed: float, clump: Dispersion, *, outage: bool = False
) -> Test:
    oftener, rarer = rates_at(allowed, OFTENER), rates_at(allowed, RARER)
    worse = clump.temper(rate_factors(bad, total, allowed, oftener), outage=outage)
    return test.times(worse, clump.temper(rate_factors(bad, total, allowed, rarer)))


def _scored(clump: Dispersion, counts: Sequence[int], scores: Sequence[float]) -> Dispersion:
    weighted = [*map(mul, counts, scores)]
    return clump.after(sum(counts), sum(weighted), sum(map(mul, weighted, scores)))


def _classes(thresholds: Thresholds, live: Tail, candidate: Tail) -> Classes:
    worse, better = thresholds.worse, thresholds.better
    return (classes(live, worse, 0), classes(candidate, worse, 1), classes(live, better, 0), classes(candidate, better, 1))


def _sum(first: Classes, second: Classes) -> Classes:
    live, candidate, floor_live, floor_candidate = (
        tuple(map(add, mine, other)) for mine, other in zip(first, second, strict=True)
    )
    return live, candidate, floor_live, floor_candidate


def _added(bins: tuple[int, ...], part: Slice, size: int) -> tuple[int, ...]:
    found = [*bins] if len(bins) == size else [0] * size
    for place, count in zip(part.places, part.bins, strict=True):
        found[place] += count
    return tuple(found)
