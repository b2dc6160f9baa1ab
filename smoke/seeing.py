"""A router that does not believe its data plane's word: it waits until the meter sees that requests fall as they were asked to.

For data planes that accept what is written and follow when they like, as gateways do behind their controllers. Whoever counts
requests by weights that are not in force yet blames the candidate for it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from math import log
from typing import Self

from smoke.errors import MeterError, RouterError
from smoke.model import Sample
from smoke.seams import Clock, Meter, Router

THRESHOLD = log(1e6)
"""Evidence at which the new shares are believed. Requests that still fall by the old ones reach it once in 10^6 requests or less
often, on average (Lorden 1971, "Procedures for reacting to a change in distribution", theorem 1)."""
_LEAST = 0.005
"""Share that a slot counts as having at least: requests of before, which last, are counted when they end."""
_ENOUGH = 3.0
"""So many times the evidence that the new shares need, and have not: they are not in force."""
_PAUSE = 0.05
"""Seconds from one look to the next."""


@dataclass(frozen=True, slots=True)
class Change:
    """Whether requests fall by new shares: Page's cumulative sum over what each look counted (Biometrika 41, 1954)."""

    gains: Mapping[str, float]
    """Evidence that one request on a slot is, as natural logarithm of a likelihood ratio."""
    worth: float
    """Evidence that a request is on average, when it falls by the new shares."""
    evidence: float = 0.0
    requests: int = 0

    @classmethod
    def between(cls, before: Mapping[str, int], after: Mapping[str, int]) -> Self:
        """A change that nothing was seen of; percent by slot."""
        slots = sorted({*before, *after})
        old, new = _shares(before, slots), _shares(after, slots)
        gains = {slot: log(new[slot] / old[slot]) for slot in slots}
        return cls(gains, sum(new[slot] * gains[slot] for slot in slots))

    def seen(self, counted: Mapping[str, int]) -> Self:
        """With the requests, by slot, of one look more."""
        gain = sum(self.gains.get(slot, 0.0) * count for slot, count in counted.items())
        return replace(self, evidence=max(0.0, self.evidence + gain), requests=self.requests + sum(counted.values()))

    @property
    def arrived(self) -> bool:
        """Whether it has."""
        return self.evidence >= THRESHOLD

    @property
    def overdue(self) -> bool:
        """Whether it would have been seen by now."""
        return self.requests * self.worth >= _ENOUGH * THRESHOLD


class Seeing:
    """The weights of one service as a router writes them and as its meter shows them."""

    def __init__(self, router: Router, meter: Callable[[], Meter], clock: Clock, limit: float) -> None:
        """A router with a meter beside it.

        Args:
            router: writes the weights.
            meter: gives what counts the requests; asked for once something is written.
            clock: by which is waited.
            limit: seconds that the data plane has to follow what it accepted.
        """
        self._router = router
        self._meter = meter
        self._clock = clock
        self._limit = limit

    def write(self, weights: Mapping[str, int], keep: Collection[str] = ()) -> None:
        """As the router does; where that changes shares, it returns when they are seen.

        Where too few requests come within the limit to tell, or they cannot be counted, the router's word is all there is.

        Raises:
            RouterError: the router says so; or requests still do not fall as they should at the limit.
        """
        before = self._known()
        counted = self._counted()
        self._router.write(weights, keep)
        change = Change.between(before or {}, weights)
        if before is not None and counted is not None and change.worth > 0:
            self._wait(change, counted, weights)

    def read(self) -> Mapping[str, int]:
        """As the router says."""
        return self._router.read()

    def _wait(self, change: Change, counted: Sample, weights: Mapping[str, int]) -> None:
        deadline = self._clock.now() + self._limit
        while self._clock.now() < deadline:
            self._clock.sleep(_PAUSE)
            now = self._counted()
            if now is None:
                continue
            change, counted = change.seen(_between(counted, now)), now
            if change.arrived:
                return
        if change.overdue:
            what = f"{dict(weights)} is accepted, and {change.requests} requests in {self._limit:g} s do not fall so"
            raise RouterError(
                what, cause="the data plane does not follow what its controller accepted; the gateway's log says why"
            )

    def _known(self) -> Mapping[str, int] | None:
        try:
            return self._router.read()
        except RouterError:
            return None

    def _counted(self) -> Sample | None:
        try:
            return self._meter().read()
        except MeterError:
            return None


def _shares(percent: Mapping[str, int], slots: Collection[str]) -> Mapping[str, float]:
    """A share for each slot, none of them 0, 1 in all."""
    floored = {slot: max(percent.get(slot, 0) / 100.0, _LEAST) for slot in slots}
    whole = sum(floored.values())
    return {slot: share / whole for slot, share in floored.items()}


def _between(before: Sample, now: Sample) -> Mapping[str, int]:
    """Requests that came by weight, by slot, since then; a count that went down began anew, and says nothing of before."""
    return {slot: now.by_weight(slot, before) for slot in now.slots if slot in before.slots}
