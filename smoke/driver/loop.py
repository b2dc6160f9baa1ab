"""The loop: one tick after the other, until the rollout has ended."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from smoke.analysis import Evidence
from smoke.driver.hands import Hands, differ, told
from smoke.driver.inbox import Inbox
from smoke.driver.world import World
from smoke.errors import CrossfadeError, HandoverError, JournalError, Locked, RollbackFailed, RouterError
from smoke.model import Finding, Look, Reading
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
from smoke.rollout.decision import approvals, decide, findings, permits
from smoke.rollout.recall import answering, note, recall
from smoke.rollout.record import to_record
from smoke.rollout.tick import Listener, Tick
from smoke.seams import LONGEST_ACT, Clock, Writer

PATIENCE = 30.0
"""Seconds that an act is tried again before it counts as impossible."""
SHIFTING_PATIENCE = 10.0
"""Seconds that weights are tried to be set before it goes back: meanwhile some services may have them, and others not."""
BUSY = 900.0
"""Seconds that somebody else's `pulumi up` may keep the stack from going back."""
TENURE = 10.0
"""Seconds without a sign of a driver after which another may take its place."""
COUNTING = frozenset({Phase.PROVING, Phase.BAKING, Phase.HELD})
"""Phases in which the weights stand still: what is counted belongs to a step."""
REMARK = 1.0
"""Seconds between the looks that are recorded, at least."""
REMARKS = 100
"""Looks that are recorded of a step that lasts as long as it must: whoever reads a rollout reads all of them."""


class Driver:
    """Takes one rollout to its end."""

    def __init__(
        self, world: World, writer: Writer, clock: Clock, listeners: Sequence[Listener] = (), *, hands_off: bool = False
    ) -> None:
        self._world = world
        self._writer = writer
        self._clock = clock
        self._listeners = list(listeners)
        self._hands = Hands(world, clock)
        self._hands_off = hands_off
        self._inbox: Inbox
        self._zero = 0.0
        self._acting_since: float | None = None
        self._remarked = float("-inf")
        self._evidence: Evidence
        self._findings: tuple[Finding, ...] = ()
        self._grids: dict[str, list[float]] = {}
        """What the journal knows of the meters' buckets."""
        self._instances: dict[str, str] = {}
        """And of who answers the probes."""

    def run(self, rollout: Rollout, events: Iterable[Event] = ()) -> Rollout:
        """Tick until the rollout has ended, or somebody else is to go on with it; returns it as it is then.

        Args:
            rollout: as it stands.
            events: what its journal remembers; evidence goes on from there.

        Raises:
            JournalError: the journal cannot be written. All traffic was put back on the live slot.
            RollbackFailed: the same, and not all of it could be put back.
            Locked: another driver took over.
        """
        self.begin(rollout, events)
        try:
            while not rollout.ended and not self._leaves(rollout):
                started = self._clock.now()
                rollout = self.tick(rollout)
                if not rollout.ended:
                    self._clock.sleep(rollout.plan.tick - (self._clock.now() - started))
            if rollout.ended:
                self._hands.free()
        except JournalError as error:
            # To go back needs nothing that may be broken, and what cannot be remembered must not go on.
            failed = self._hands.leave_safe(rollout)
            if failed:
                raise _left_behind(error, failed) from error
            raise
        return rollout

    def _leaves(self, rollout: Rollout) -> bool:
        """Whether somebody else is to go on with it."""
        away = rollout.phase is Phase.REVERTING and not self._world.reverts
        return away or (self._hands_off and self._inbox.handed_over)

    def begin(self, rollout: Rollout, events: Iterable[Event] = ()) -> None:
        """Know what was known: before the first tick, once."""
        opened = rollout.opened
        evidence = Evidence(opened.live, opened.candidate, rollout.plan, tuple(self._world.meters))
        self._evidence = recall(evidence, events)
        self._grids, self._instances = self._evidence.grids(), dict(answering(self._evidence))
        self._inbox = Inbox(self._world.mailbox, rollout)
        self._zero = self._clock.wall() - self._clock.now()

    def tick(self, rollout: Rollout) -> Rollout:
        """One round: look, decide, record, act."""
        self._writer.renew(TENURE)
        look, now = self._world.look(self._clock.now(), self._readings(rollout)), self._now()
        self._evidence = self._evidence.with_look(look, counting=rollout.phase in COUNTING)
        requests = self._inbox.requests(rollout)
        for approved in approvals(rollout, requests, now):
            rollout = self._record(rollout, approved)
        busy = self._world.stack.busy() if rollout.phase is Phase.PROVING else None
        missing = permits(rollout, now, self._clock.wall(), busy)
        short = self._hands.capacity(rollout) if rollout.phase in COUNTING else ()
        self._findings = (*findings(rollout, self._evidence, self._world.probes), *short, *missing)
        event = decide(rollout, self._evidence, self._findings, requests, now)
        rollout = self._remark(rollout, always=event is not None)
        if event is not None:
            rollout = self._record(rollout, event)
        return self._act(rollout, look)

    def _readings(self, rollout: Rollout) -> tuple[Reading, ...]:
        # Going back asks nothing of anybody.
        return () if rollout.phase in {Phase.ABORTING, Phase.REVERTING} else self._world.sampler.look()

    # What is remembered

    def _record(self, rollout: Rollout, event: Event) -> Rollout:
        after = apply(rollout, event)
        self._writer.append(to_record(event))
        if after.phase is not rollout.phase:
            self._acting_since = None
        if after.phase is Phase.BAKING:
            self._evidence = self._evidence.for_step(after.step, self._clock.now())
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
        looked = note(self._evidence, self._findings, self._now(), self._grids, self._instances)
        self._grids |= looked.grids
        self._instances |= looked.instances
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
            if differ(found, rollout.weights):
                # What was counted until here is remembered before the step is watched anew.
                rollout = self._remark(rollout, always=True)
                rollout = self._record(rollout, Drifted(self._now(), service, dict(found), dict(rollout.weights)))
                try:
                    self._world.routers[service].write(rollout.weights, rollout.kept)
                except RouterError:  # seen again, and tried again, at the next look
                    continue
        return rollout

    def _shift(self, rollout: Rollout, look: Look) -> Rollout:
        del look
        try:
            gaps = self._hands.forward(rollout)
        except HandoverError as error:
            return self._record(rollout, Failed(self._now(), (told(error),)))
        except RouterError as error:
            if self._impatient(SHIFTING_PATIENCE):
                return self._record(rollout, Failed(self._now(), (f"weights could not be set: {told(error)}",)))
            return rollout
        return self._record(rollout, Shifted(self._now(), gaps))

    def _settle(self, rollout: Rollout, look: Look) -> Rollout:
        del look
        try:
            self._hands.forward(rollout)
        except (RouterError, HandoverError) as error:
            if self._impatient():
                return self._record(rollout, Failed(self._now(), (f"it could not be settled: {told(error)}",)))
            return rollout
        return self._record(rollout, Settled(self._now()))

    def _clear(self, rollout: Rollout, look: Look) -> Rollout:
        """All traffic back: weights first, consumers before providers; then the singletons."""
        del look
        try:
            gaps, idle = self._hands.back(rollout)
        except (RouterError, HandoverError) as error:
            if self._impatient():
                return self._record(rollout, Stuck(self._now(), (told(error),)))
            return rollout
        return self._record(rollout, Cleared(self._now(), gaps, idle))

    def _revert(self, rollout: Rollout, look: Look) -> Rollout:
        rollout, opened = self._keep(rollout, look), rollout.opened
        self._writer.renew(LONGEST_ACT)
        try:
            differs = self._world.stack.revert(opened.candidate, opened.back)
        except CrossfadeError as error:
            if self._impatient(BUSY if isinstance(error, Locked) else PATIENCE):
                return self._record(rollout, Stuck(self._now(), (f"the stack could not be reverted: {told(error)}",)))
            return rollout
        return self._record(rollout, Reverted(self._now(), differs))

    def _now(self) -> float:
        """Seconds since 1970, as far as they pass: a date that is set meanwhile ends no deadline."""
        return self._zero + self._clock.now()

    def _impatient(self, limit: float = PATIENCE) -> bool:
        now = self._clock.now()
        if self._acting_since is None:
            self._acting_since = now
        return now - self._acting_since > limit


def _left_behind(error: JournalError, failed: Sequence[str]) -> RollbackFailed:
    return RollbackFailed(
        f"{error.what}, and not all could be put back: a person is needed now",
        where=error.where,
        cause="\n".join([*filter(None, [error.cause]), *failed]),
        hint="mend what it names, then: crossfade abort",
    )
