"""A router that only remembers, and misbehaves on request: for tests and for ``rehearse``."""

from collections import deque
from collections.abc import Mapping
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
    """The write claims to have worked, and comes in force after the next read."""
    HALF = "half"
    """The write claims to have worked, and goes half the way."""
    LIE = "lie"
    """The write raises, and comes in force all the same."""
    BLIND = "blind"
    """The read raises."""


class MemoryRouter:
    """Keeps the weights in this process, for the slots that it starts with."""

    named: dict[str, "MemoryRouter"] = {}  # noqa: RUF012 - shared on purpose: it plays a data plane, of which there is one
    """By ``name``: what a contract that names it gets, so that a rehearsal can reach the router that its driver uses."""

    def __init__(self, weights: Mapping[str, int] | None = None) -> None:
        self.weights: Mapping[str, int] = dict(weights or {"blue": 100, "green": 0})
        self.faults: deque[Fault] = deque()
        """What the next calls do: BLIND is for the next read, the others for the next write."""
        self.written: list[Mapping[str, int]] = []
        """Every write that did not raise, in order."""
        self._later: Mapping[str, int] | None = None
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

    def write(self, weights: Mapping[str, int]) -> None:
        """Remember the weights, or do what the next fault says."""
        try:
            check_weights(weights)
        except RouteError as error:
            raise RouterError(str(error)) from error
        if unknown := set(weights) - self._slots:
            raise RouterError(f"no slot {', '.join(sorted(unknown))} in {', '.join(sorted(self._slots))}")
        fault = self._next(Fault.BLIND, wanted=False)
        if fault is Fault.REFUSE:
            raise RouterError("the weights were refused, as scripted")
        self._apply(dict(weights), fault)
        if fault is Fault.LIE:
            raise RouterError("the weights were not confirmed, as scripted")
        self.written.append(dict(weights))

    def _apply(self, weights: Mapping[str, int], fault: Fault | None) -> None:
        if fault is Fault.DELAY:
            self._later = weights
        elif fault is Fault.HALF:
            self.weights = _between(self.weights, weights)
        elif fault is not Fault.IGNORE:
            self.weights, self._later = weights, None

    def read(self) -> Mapping[str, int]:
        """The weights that are in force."""
        if self._next(Fault.BLIND, wanted=True):
            raise RouterError("the weights cannot be read, as scripted")
        now = self.weights
        self.weights, self._later = self._later or now, None
        return dict(now)

    def _next(self, fault: Fault, *, wanted: bool) -> Fault | None:
        """Take the next fault, if whether it is ``fault`` is as wanted."""
        if self.faults and (self.faults[0] is fault) == wanted:
            return self.faults.popleft()
        return None


def _between(before: Mapping[str, int], after: Mapping[str, int]) -> Mapping[str, int]:
    return {slot: (before.get(slot, 0) + weight) // 2 for slot, weight in after.items()}
