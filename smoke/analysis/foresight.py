"""How long a step takes with this traffic: to see what is wrong, and to show that nothing is. Said before anything is moved.

Evidence is a sum of weighted alternatives whose logarithms grow with time by what a second brings them; when it reaches its
threshold follows (Wald, 1945). Of the rollouts about half are a little sooner than that, and some are a good deal later.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, exp, inf, log
from typing import Any

from infra.contract.route import TOTAL
from smoke.analysis.load import Load
from smoke.analysis.mixture import log_total
from smoke.analysis.prospect import Gain, Prospect
from smoke.analysis.trial import ERROR_OBJECTIVE, ERRORS, LATENCY, LATENCY_OBJECTIVE, WEIGHTS, step_weight
from smoke.plan import Plan, Step

ERROR_RATES = (0.005, 0.01, 0.05)
"""Shares of the candidate's requests that fail, of which it is said when they are seen."""
SLOWDOWNS = (1.1, 1.2, 1.5)
"""So many times the live slot's latency, likewise."""
HORIZON = 1e7
"""Seconds; what takes longer never happens."""
NARROW = 1e-6
"""Width, relative, at which the search for a time stops."""
LOOSER: Mapping[str, tuple[str, tuple[float, ...]]] = {
    ERRORS: ("error_margin", (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)),
    LATENCY: ("latency_ratio", (1.1, 1.2, 1.5, 2.0, 3.0, 5.0)),
    ERROR_OBJECTIVE: ("errors", (0.02, 0.05, 0.1, 0.2, 0.5)),
    LATENCY_OBJECTIVE: ("p95_ms", (2e3, 5e3, 1e4, 3e4, 6e4)),
}
"""By gate: which of its numbers may be set to something looser, and to what."""
ROOM = 2.0
"""A limit that is advised is so many times what is expected, which is enough for most healthy candidates and not for half."""
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Foresight:
    """What one step of a plan takes for one service; seconds, infinite where it never happens."""

    service: str
    number: int
    """Of the step, from 0."""
    step: Step
    prospect: Prospect
    errors: tuple[float, ...]
    """Until ``ERROR_RATES`` are seen, if they begin with the step."""
    latency: tuple[float, ...]
    """Until ``SLOWDOWNS`` are seen."""
    certify: Mapping[str, float]
    """By gate: until it is shown that a candidate just like the live slot is not worse than allowed. Empty: nothing is asked."""
    requests: float
    """Until as many requests as asked were answered."""

    @property
    def lasts(self) -> float:
        """How long the step takes with a candidate just like the live slot."""
        return max(self.step.bake, self.requests, *self.certify.values())

    @property
    def decides(self) -> bool:
        """Within its limit."""
        return self.lasts <= self.step.limit


@dataclass(frozen=True, slots=True)
class Advice:
    """What would let a step decide within its limit; each of the three by itself, and None where it would not."""

    share: int | None
    """Percent for the candidate, the least that does."""
    limit: float | None
    """Seconds; whole minutes."""
    gates: Mapping[str, float]
    """Fields of ``Gates``, to be changed together; empty where that does not help."""


def foresee(plan: Plan, service: str, load: Load, services: int) -> tuple[Foresight, ...]:
    """Every step of a plan, for one service that is asked something.

    Args:
        plan: the steps and gates.
        service: its name.
        load: its traffic; the rate is above 0.
        services: how many services and metrics are judged: they share the probability of a false abort.
    """
    found: list[Foresight] = []
    looked = learned = 0.0
    for number, step in enumerate(plan.steps):
        prospect = Prospect(plan.gates_of(service), load, step.share / 100.0, plan.tick, looked, learned)
        weight = step_weight(number, len(plan.steps))
        look = plan.tick if step.share < TOTAL else prospect.look  # errors alone are compared at every look
        errors = (_seen(plan, prospect.worse(each, 1.0), weight, services, look) for each in ERROR_RATES)
        latency = (_seen(plan, prospect.worse(load.errors, each), weight, services, prospect.look) for each in SLOWDOWNS)
        certify, requests = _certified(plan, prospect, step)
        found.append(Foresight(service, number, step, prospect, tuple(errors), tuple(latency), certify, requests))
        looked, learned = prospect.after(min(found[-1].lasts, step.limit))
    return tuple(found)


def advice(plan: Plan, late: Foresight) -> Advice:
    """What would let a step decide that does not."""
    step, prospect = late.step, late.prospect
    shares = range(step.share + 1, TOTAL) if step.share < TOTAL else ()
    share = next((each for each in shares if _decides(plan, replace(prospect, share=each / 100.0), step)), None)
    limit = MINUTE * ceil(ROOM * late.lasts / MINUTE) if late.lasts < inf else None
    changed: dict[str, float] = {}
    for gate in (gate for gate, seconds in late.certify.items() if seconds > step.limit):
        name, values = LOOSER[gate]
        looser = (value for value in values if value > getattr(prospect.gates, name))
        does = next(
            (each for each in looser if _certified(plan, _with(prospect, {name: each}), step)[0][gate] <= step.limit), None
        )
        changed |= {} if does is None else {name: does}
    return Advice(share, limit, changed if changed and _decides(plan, _with(prospect, changed), step) else {})


def _with(prospect: Prospect, changed: Mapping[str, Any]) -> Prospect:
    return replace(prospect, gates=replace(prospect.gates, **changed))


def _decides(plan: Plan, prospect: Prospect, step: Step) -> bool:
    certify, requests = _certified(plan, prospect, step)
    return max(step.bake, requests, *certify.values()) <= step.limit


def _certified(plan: Plan, prospect: Prospect, step: Step) -> tuple[Mapping[str, float], float]:
    """Seconds by gate, and until enough was asked."""
    needed = prospect.gates.needed(step)
    if not needed:
        return {}, 0.0
    threshold = log(1.0 / plan.false_passes)
    found = {
        gate: _first(partial(gain.evidence, weight=1.0), threshold, prospect.look)  # all of it begins with the step
        for gate, gain in prospect.better()
    }
    return found, needed / prospect.sides[1]


def _seen(plan: Plan, gains: Iterable[tuple[str, Gain]], weight: float, services: int, look: float) -> float:
    """Seconds until the rollout's evidence says "worse than allowed", if it begins with a step that has this weight."""
    parts = [(log(WEIGHTS[gate] / services), gain) for gate, gain in gains]
    rest = log(1.0 - sum(exp(part) for part, _ in parts))
    return _first(
        lambda seconds: log_total([rest, *(part + gain.evidence(seconds, weight) for part, gain in parts)]),
        log(1.0 / plan.false_aborts),
        look,
    )


def _first(evidence: Callable[[float], float], threshold: float, look: float) -> float:
    """The first look at which the logarithm of evidence has reached a threshold, in seconds."""
    low, high = 0.0, HORIZON
    if evidence(high) < threshold:
        return inf
    while high - low > NARROW * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if evidence(middle) >= threshold else (middle, high)
    return look * ceil(high / look)
