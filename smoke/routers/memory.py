"""A router that only remembers, and misbehaves on request: for tests and for ``rehearse``."""

from collections import deque
from collections.abc import Collection, Mapping
from enum import Enum

from infra.contract import Json, RouteError
from infra.contract.route import check_weights
from smoke.errors import RouterError, UsageError


class Fault(Enum):
    """One way to misbehave, once."""

    REFUSE = "refuse"
    """The write raises, and nothing changes."""
    IGNORE = "ignore"
    """The write claims to have worked, and nothing changes."""
    DELAY = "delay"
    """The write claims to have worked, and comes in force after the next reads: ``delay`` of them."""
    HALF = "half"
    """The write claims to have worked, and goes half the way; what is kept stays as it was."""
    LIE = "lie"
    """The write raises, and comes in force all the same."""
    BLIND = "blind"
    """The read raises."""
    DEAD = "dead"
    """Not once, but until it is taken out of the faults: reads raise, and writes raise and come in force all the same."""


class MemoryRouter:
    """Keeps the weights in this process, for the slots that it starts with."""

    named: dict[str, "MemoryRouter"] = {}  # noqa: RUF012 - shared on purpose: it plays a data plane, of which there is one
    """By ``name``: what a contract that names it gets, so that a rehearsal can reach the router that its driver uses."""

    def __init__(self, weights: Mapping[str, int] | None = None) -> None:
        self.weights: Mapping[str, int] = dict(weights or {"blue": 100, "green": 0})
        self.keep: frozenset[str] = frozenset()
        """Slots that are reached by those who name them, although they have no weight."""
        self.faults: deque[Fault] = deque()
        """What the next calls do: BLIND is for the next read, DEAD for all that follow, the others for the next write."""
        self.delay = 1
        """Reads until a delayed write is in force."""
        self.written: list[Mapping[str, int]] = []
        """Every write that did not raise, in order."""
        self._later: list[tuple[Mapping[str, int], frozenset[str]]] = []
        """What comes in force: the last of these after as many reads as there are."""
        self._slots = frozenset(self.weights)

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> "MemoryRouter":
        """The router of that ``name``, the same one each time; a new one where there is no name.

        Raises:
            UsageError: there is another setting.
        """
        if unknown := set(settings) - {"name"}:
            raise UsageError(f"router memory: unknown setting {', '.join(sorted(unknown))}", hint="it has only: name")
        return cls.named.setdefault(settings["name"], cls()) if "name" in settings else cls()

    def write(self, weights: Mapping[str, int], keep: Collection[str] = ()) -> None:
        """Remember the weights and what is kept, or do what the next fault says."""
        try:
            check_weights(weights)
        except RouteError as error:
            raise RouterError(str(error)) from error
        if unknown := {*weights, *keep} - self._slots:
            raise RouterError(f"no slot {', '.join(sorted(unknown))} in {', '.join(sorted(self._slots))}")
        fault = self._next(Fault.BLIND, wanted=False)
        if fault is Fault.REFUSE:
            raise RouterError("the weights were refused, as scripted")
        self._apply(dict(weights), frozenset(keep), fault)
        if fault in {Fault.LIE, Fault.DEAD}:
            raise RouterError("the weights were not confirmed, as scripted")
        self.written.append(dict(weights))

    def _apply(self, weights: Mapping[str, int], keep: frozenset[str], fault: Fault | None) -> None:
        if fault is Fault.DELAY:
            self._later = [(weights, keep)] * self.delay
        elif fault is Fault.HALF:
            self.weights = _between(self.weights, weights)
        elif fault is not Fault.IGNORE:
            self.weights, self.keep, self._later = weights, keep, []

    def read(self) -> Mapping[str, int]:
        """The weights that are in force."""
        if self._next(Fault.BLIND, wanted=True) or Fault.DEAD in self.faults:
            raise RouterError("the weights cannot be read, as scripted")
        now = self.weights
        if self._later:
            waited = self._later.pop()
            self.weights, self.keep = (self.weights, self.keep) if self._later else waited
        return dict(now)

    def _next(self, fault: Fault, *, wanted: bool) -> Fault | None:
        """Take the next fault, if whether it is ``fault`` is as wanted."""
        if self.faults and self.faults[0] is Fault.DEAD:
            return None if wanted else Fault.DEAD
        if self.faults and (self.faults[0] is fault) == wanted:
            return self.faults.popleft()
        return None


def _between(before: Mapping[str, int], after: Mapping[str, int]) -> Mapping[str, int]:
    return {slot: (before.get(slot, 0) + weight) // 2 for slot, weight in after.items()}
