"""What the driver does to traffic and to singletons: absolute, and repeatable at any moment."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smoke.driver.world import World
from smoke.errors import CapacityError, CrossfadeError, HandoverError, RouterError
from smoke.model import Finding, Verdict
from smoke.rollout import Rollout
from smoke.seams import Clock


@dataclass(frozen=True, slots=True)
class Hands:
    """Makes the world what a rollout says it should be."""

    world: World
    clock: Clock

    def forward(self, rollout: Rollout) -> Mapping[str, float]:
        """Weights and singletons as the rollout has them, providers first; returns the gaps, see ``hand_over``.

        Raises:
            RouterError: the weights of a service were not set, or do not hold.
            HandoverError: a singleton does not work where it should.
        """
        self._write(rollout.weights, rollout.kept, list(self.world.routers))
        return self._hand_over(rollout, rollout.worker)

    def back(self, rollout: Rollout) -> tuple[Mapping[str, float], Mapping[str, str]]:
        """All traffic on the live slot, consumers before providers; then the singletons.

        Returns the gaps, and by name why a singleton does not work that may: what it waits for may be broken, and going back
        needs nothing that may be.

        Raises:
            RouterError: the weights of a service were not set, or do not hold.
            HandoverError: a singleton may still work where it should not.
        """
        self._write(rollout.home, (), list(self.world.routers)[::-1])
        idle: dict[str, str] = {}
        return self._hand_over(rollout, rollout.opened.live, idle), idle

    def leave_safe(self, rollout: Rollout) -> tuple[str, ...]:
        """Go back as far as can be done, for one who can do nothing else any more; returns what could not be done."""
        failed: list[str] = []
        try:
            self._write(rollout.home, (), list(self.world.routers)[::-1])
        except RouterError as error:
            failed.append(error.what)
        try:
            self._hand_over(rollout, rollout.opened.live)
        except HandoverError as error:
            failed.append(error.what)
        return tuple(failed)

    def capacity(self, rollout: Rollout) -> tuple[Finding, ...]:
        """What the next share asks for that is not there yet, one finding a service; and what is there is kept."""
        opened = rollout.opened
        found = []
        for service, each in self.world.capacities.items():
            try:
                missing = each.hold(opened.live, opened.candidate, rollout.coming)
            except CapacityError as error:
                missing = told(error)
            if missing is not None:
                found.append(Finding(Verdict.UNDECIDED, service, "capacity", f"{service} {opened.candidate}: {missing}"))
        return tuple(found)

    def free(self) -> None:
        """Nothing is kept any more. What is not freed is, once the next rollout ends: it costs, and harms nobody."""
        for each in self.world.capacities.values():
            with suppress(CapacityError):
                each.free()

    def _write(self, weights: Mapping[str, int], kept: Collection[str], services: Sequence[str]) -> None:
        """Write to every service, also when one of them fails; then raise the first failure."""
        failed: list[RouterError] = []
        for service in services:
            try:
                self.world.routers[service].write(weights, kept)
                found = self.world.routers[service].read()
                if differ(found, weights):
                    failed.append(RouterError(f"{service} serves {dict(found)}, not {dict(weights)}"))
            except RouterError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def _hand_over(self, rollout: Rollout, worker: str, idle: dict[str, str] | None = None) -> Mapping[str, float]:
        """Have singletons work there; returns by name the seconds for which nobody may have worked, at most.

        Where ``idle`` is given, one that alone may work and does not is noted in it.
        """
        if not rollout.current.singletons:
            return {}  # they never left the live slot
        gaps = {}
        other = rollout.opened.candidate if worker == rollout.opened.live else rollout.opened.live
        for name, handover in self.world.handovers.items():
            began = self.clock.now()
            handover.release(other)
            try:
                handover.hold(worker)
            except HandoverError as error:
                if idle is None or handover.holder() != worker:
                    raise
                idle[name] = error.what
            gaps[name] = round(self.clock.now() - began, 3)
        return gaps


def differ(found: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """Whether a slot has another weight than it should."""
    return any(found.get(slot, 0) != wanted.get(slot, 0) for slot in {*found, *wanted})


def told(error: CrossfadeError) -> str:
    """What went wrong and why, for whoever must mend it."""
    return error.what if error.cause is None else f"{error.what}: {error.cause}"
