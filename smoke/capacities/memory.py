"""A capacity that only remembers, and lacks what a test says: for tests and for ``rehearse``."""

from collections.abc import Mapping
from math import ceil

from infra.contract import Json
from smoke.errors import CapacityError, UsageError
from smoke.seams import Clock


class MemoryCapacity:
    """So many instances of each slot, of which as many come as are asked for, once they may."""

    def __init__(self, instances: Mapping[str, int] | None = None) -> None:
        self.instances = dict(instances or {"blue": 1, "green": 1})
        """Ready ones, by slot; a test changes them at any time."""
        self.least: dict[str, int] = {}
        """By slot, how many are held; empty: nothing is."""
        self.comes = True
        """Whether what is asked for comes at once; False: not by itself."""
        self.broken = False
        """Whether nothing can be known, or asked for."""

    @classmethod
    def of(cls, settings: Mapping[str, Json], clock: Clock) -> "MemoryCapacity":
        """One instance of each slot.

        Raises:
            UsageError: there is a setting.
        """
        del clock
        if settings:
            raise UsageError(f"capacity memory: {', '.join(sorted(settings))} is unknown", hint="it has no settings")
        return cls()

    def hold(self, live: str, candidate: str, share: int) -> str | None:
        """Keep what the live slot has, and ask for what the candidate needs."""
        self._work()
        whole = self.least[live] = max(self.least.get(live, 0), self.instances.get(live, 0))
        needed = self.least[candidate] = max(self.least.get(candidate, 0), ceil(whole * share / 100))
        if self.comes:
            self.instances = {slot: max(ready, self.least.get(slot, 0)) for slot, ready in self.instances.items()}
        ready = self.instances.get(candidate, 0)
        return None if ready >= needed else f"{ready} of {needed} instances that {share} % ask for are ready"

    def free(self) -> None:
        """Hold nothing any more."""
        self._work()
        self.least = {}

    def _work(self) -> None:
        if self.broken:
            raise CapacityError("it is broken, as scripted")
