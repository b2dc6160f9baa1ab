"""Runs rules over a stream, and keeps for each what it cost until it aborted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from canary.peers import Flags, Rule
from canary.streams import Floats, Source, Stream


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule did in R runs, for each of its K settings: (K, R) each."""

    seconds: Floats
    """When it aborted; infinite where it never did."""
    requests: Floats
    """Requests that green got until then, or until the end."""
    bad: Floats
    """Those of them that failed, or for a fault of latency, that took longer than the objective."""

    @property
    def aborted(self) -> Flags:
        """Where it aborted at all."""
        return np.isfinite(self.seconds)


@dataclass(frozen=True, slots=True)
class Heat:
    """Some rules, over one stream."""

    stream: Stream
    runs: int
    seed: int
    seconds: float
    """Length of a tick."""
    horizon: float
    """Seconds after which the watch ends."""
    slow: bool = False
    """What is bad is a request over the objective, instead of one that failed."""


def race(heat: Heat, rules: Sequence[Rule]) -> dict[str, Outcome]:
    """All rules over the same draws, until each has aborted everywhere or the time is over."""
    known: dict[str, Outcome] = {}
    requests, bad = np.zeros(heat.runs), np.zeros(heat.runs)
    waiting = list(rules)
    for tick in Source(heat.stream, heat.runs, heat.seed, heat.seconds).ticks(heat.horizon):
        requests += tick.green.requests
        bad += tick.green.over if heat.slow else tick.green.errors
        for rule in tuple(waiting):
            now = rule.look(tick)
            if now is not None and _keep(known, rule.name, now, (tick.at, requests, bad)):
                waiting.remove(rule)
        if not waiting:
            break
    for rule in waiting:
        _keep(known, rule.name, np.zeros((1, heat.runs), dtype=bool), (np.inf, requests, bad))
        _end(known[rule.name], requests, bad)
    return known


def _keep(known: dict[str, Outcome], name: str, now: Flags, cost: tuple[float, Floats, Floats]) -> bool:
    """Remember where a rule aborts for the first time. Has it aborted everywhere?"""
    at, requests, bad = cost
    if name not in known:
        known[name] = Outcome(*(np.full(now.shape, np.inf) for _ in range(3)))
    outcome = known[name]
    new = now & ~outcome.aborted
    if new.any():
        outcome.seconds[new] = at
        np.copyto(outcome.requests, requests, where=new)
        np.copyto(outcome.bad, bad, where=new)
    return bool(outcome.aborted.all())


def _end(outcome: Outcome, requests: Floats, bad: Floats) -> None:
    np.copyto(outcome.requests, requests, where=~outcome.aborted)
    np.copyto(outcome.bad, bad, where=~outcome.aborted)
