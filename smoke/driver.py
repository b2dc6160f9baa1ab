"""The driver: looks, lets the core decide, records, and acts. One loop, one colour.

It holds no truth of its own: what it is to do follows from the rollout, which is the fold of the journal, so a driver that takes
over from a dead one needs no other code. Every act is absolute and may be repeated.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from smoke.analysis import Evidence
from smoke.errors import CrossfadeError, HandoverError, MeterError, RouterError
from smoke.model import Finding, Look, Reading, Sample
from smoke.rollout import (
    Cleared,
    Drifted,
    Event,
    Failed,
    Looked,
    Phase,
    Reverted,
    Rollout,
    Settled,
    Shifted,
    Stuck,
    apply,
)
from smoke.rollout.decision import Request, decide, findings
from smoke.rollout.recall import note, recall
from smoke.rollout.record import to_record
from smoke.rollout.tick import Listener, Tick
from smoke.seams import Clock, Handover, Mailbox, Meter, Router, Stack, Writer

PATIENCE = 30.0
"""Seconds that an act is tried again before it counts as impossible."""
COUNTING = frozenset({Phase.PROVING, Phase.BAKING, Phase.HELD})
"""Phases in which the weights stand still: what is counted belongs to a step."""
REMARK = 1.0
"""Seconds between the looks that are recorded, at least."""
REMARKS = 100
"""Looks that are recorded of a step that lasts as long as it must: whoever reads a rollout reads all of them."""


class Sampler(Protocol):
    """Samples the probes concurrently; never keeps a tick waiting."""

    def look(self) -> tuple[Reading, ...]:
        """The readings that arrived since the last look."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything the driver acts on, in order: providers first."""

    routers: Mapping[str, Router]
    meters: Mapping[str, Meter]
    handovers: Mapping[str, Handover]
    sampler: Sampler
    probes: tuple[tuple[str, str], ...]
    """Every ``(service, probe)`` that must be well before the first shift."""
    stack: Stack
    mailbox: Mailbox


class Driver:
    """Takes one rollout to its end."""

    def __init__(self, world: World, writer: Writer, clock: Clock, listeners: Sequence[Listener] = ()) -> None:
        self._world = world
        self._writer = writer
        self._clock = clock
        self._listeners = list(listeners)
        self._answered = 0
        self._since = 0.0
        self._acting_since: float | None = None
        self._remarked = float("-inf")
        self._evidence: Evidence
        self._findings: tuple[Finding, ...] = ()
        self._grids: dict[str, list[float]] = {}
        """What the journal knows of the meters' buckets."""

    def run(self, rollout: Rollout, events: Iterable[Event] = ()) -> Rollout:
        """Tick until the rollout has ended; returns it as it ended.

        Args:
            rollout: as it stands.
            events: what its journal remembers; evidence goes on from there.

        Raises:
            JournalError: the journal cannot be written. Nothing was done that is not in it.
        """
        opened = rollout.opened
        evidence = Evidence(opened.live, opened.candidate, rollout.plan, tuple(self._world.meters))
        self._evidence = recall(evidence, events)
        self._grids = self._evidence.grids()
        self._since = rollout.entered
        while not rollout.ended:
            started = self._clock.now()
            rollout = self.tick(rollout)
            if not rollout.ended:
                self._clock.sleep(rollout.plan.tick - (self._clock.now() - started))
        return rollout

    def tick(self, rollout: Rollout) -> Rollout:
        """One round: look, decide, record, act."""
        look = self._look(rollout)
        self._evidence = self._evidence.with_look(look, counting=rollout.phase in COUNTING)
        self._findings = findings(rollout, self._evidence, self._world.probes)
        event = decide(rollout, self._evidence, self._findings, self._requests(rollout), self._clock.wall())
        rollout = self._remark(rollout, always=event is not None)
        if event is not None:
            rollout = self._record(rollout, event)
        return self._act(rollout, look)

    # What is seen

    def _look(self, rollout: Rollout) -> Look:
        blind: list[str] = []
        weights: dict[str, Mapping[str, int]] = {}
        samples: dict[str, Sample] = {}
        for service, router in self._world.routers.items():
            try:
                weights[service] = router.read()
            except RouterError as error:
                blind.append(f"{service}: weights cannot be read ({error.what})")
        for service, meter in self._world.meters.items():
            try:
                samples[service] = meter.read()
            except MeterError as error:
                blind.append(f"{service}: counts cannot be read ({error.what})")
        return Look(self._clock.now(), self._readings(rollout), samples, weights, tuple(blind))

    def _readings(self, rollout: Rollout) -> tuple[Reading, ...]:
        # Going back asks nothing of anybody.
        return () if rollout.phase in {Phase.ABORTING, Phase.REVERTING} else self._world.sampler.look()

    def _requests(self, rollout: Rollout) -> tuple[Request, ...]:
        posted = self._world.mailbox.requests(rollout.opened.rollout)
        new, self._answered = posted[self._answered :], len(posted)
        # What a driver before us has acted on is older than the phase it led to; to go back twice does no harm.
        return tuple(
            Request(each["verb"], each["by"], each.get("why", ""))
            for each in new
            if each["verb"] == "abort" or each["at"] > self._since
        )

    # What is remembered

    def _record(self, rollout: Rollout, event: Event) -> Rollout:
        after = apply(rollout, event)
        self._writer.append(to_record(event))
        if after.phase is not rollout.phase:
            self._acting_since = None
        if after.phase is Phase.BAKING:
            self._evidence = self._evidence.for_step(after.step)
        self._tell(after, event)
        return after

    def _remark(self, rollout: Rollout, *, always: bool) -> Rollout:
        """Remember what was seen, from time to time, and always right before what was decided on it."""
        now = self._clock.now()
        pause = max(REMARK, rollout.current.bake / REMARKS)
        if self._findings and (always or now - self._remarked >= pause or self._other_buckets()):
            self._remarked = now
            looked = self._looked()
            self._writer.append(to_record(looked))
            rollout = apply(rollout, looked)
        if not always:
            self._tell(rollout, None)
        return rollout

    def _other_buckets(self) -> bool:
        """Rows are remembered before the buckets change that they speak of."""
        return any(grid != self._grids.get(service, grid) for service, grid in self._evidence.grids().items())

    def _looked(self) -> Looked:
        looked = note(self._evidence, self._findings, self._clock.wall(), self._grids)
        self._grids |= looked.grids
        self._evidence = self._evidence.noted()
        return looked

    def _tell(self, rollout: Rollout, event: Event | None) -> None:
        tick = Tick(rollout, self._evidence, self._findings, event)
        for listener in (*self._listeners,):
            try:
                listener(tick)
            except Exception:  # noqa: BLE001 - whoever only listens must never leave traffic where it is
                self._listeners.remove(listener)

    # What is done

    def _act(self, rollout: Rollout, look: Look) -> Rollout:
        acts: Mapping[Phase, Callable[[Rollout, Look], Rollout]] = {
            Phase.SHIFTING: self._shift,
            Phase.SETTLING: self._settle,
            Phase.ABORTING: self._clear,
            Phase.REVERTING: self._revert,
        }
        return acts.get(rollout.phase, self._keep)(rollout, look)

    def _keep(self, rollout: Rollout, look: Look) -> Rollout:
        """Weights stay what the rollout says, whoever else wrote them."""
        if rollout.ended:
            return rollout
        for service, found in look.weights.items():
            if _differ(found, rollout.weights):
                # What was counted until here is remembered before the step is watched anew.
                rollout = self._remark(rollout, always=True)
                rollout = self._record(rollout, Drifted(self._clock.wall(), service, dict(found), dict(rollout.weights)))
                try:
                    self._world.routers[service].write(rollout.weights)
                except RouterError:  # seen again, and tried again, at the next look
                    continue
        return rollout

    def _shift(self, rollout: Rollout, look: Look) -> Rollout:
        del look
        try:
            self._write(rollout.weights, list(self._world.routers))
            self._hand_over(rollout)
        except HandoverError as error:
            return self._record(rollout, Failed(self._clock.wall(), (error.what,)))
        except RouterError as error:
            if self._impatient():
                return self._record(rollout, Failed(self._clock.wall(), (f"weights could not be set: {error.what}",)))
            return rollout
        return self._record(rollout, Shifted(self._clock.wall()))

    def _settle(self, rollout: Rollout, look: Look) -> Rollout:
        del look
        return self._record(rollout, Settled(self._clock.wall()))

    def _clear(self, rollout: Rollout, look: Look) -> Rollout:
        """All traffic back: weights first, consumers before providers; then the singletons."""
        del look
        try:
            self._write(rollout.weights, list(self._world.routers)[::-1])
            self._hand_over(rollout)
        except (RouterError, HandoverError) as error:
            if self._impatient():
                return self._record(rollout, Stuck(self._clock.wall(), (error.what,)))
            return rollout
        return self._record(rollout, Cleared(self._clock.wall()))

    def _revert(self, rollout: Rollout, look: Look) -> Rollout:
        del look
        opened = rollout.opened
        try:
            differs = self._world.stack.revert(opened.candidate, opened.back)
        except CrossfadeError as error:
            # Somebody else's `pulumi up` may hold the stack's lock for a while.
            if self._impatient():
                return self._record(rollout, Stuck(self._clock.wall(), (f"the stack could not be reverted: {error.what}",)))
            return rollout
        return self._record(rollout, Reverted(self._clock.wall(), differs))

    def _write(self, weights: Mapping[str, int], services: Sequence[str]) -> None:
        """Write to every service, also when one of them fails; then raise the first failure."""
        failed: list[RouterError] = []
        for service in services:
            try:
                self._world.routers[service].write(weights)
                found = self._world.routers[service].read()
                if _differ(found, weights):
                    failed.append(RouterError(f"{service} serves {dict(found)}, not {dict(weights)}"))
            except RouterError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def _hand_over(self, rollout: Rollout) -> None:
        if not rollout.current.singletons:
            return  # they never left the live slot
        other = ({rollout.opened.live, rollout.opened.candidate} - {rollout.worker}).pop()
        for handover in self._world.handovers.values():
            handover.release(other)
            handover.hold(rollout.worker)

    def _impatient(self) -> bool:
        now = self._clock.now()
        if self._acting_since is None:
            self._acting_since = now
        return now - self._acting_since > PATIENCE


def _differ(found: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    return any(found.get(slot, 0) != wanted.get(slot, 0) for slot in {*found, *wanted})
