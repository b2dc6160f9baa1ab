"""Phases, the table of transitions, and the fold. Everything about what may follow what lives here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from infra.contract.route import TOTAL
from smoke.plan import Plan, Step
from smoke.rollout.events import (
    Aborted,
    Approved,
    Cleared,
    Drifted,
    Event,
    Failed,
    Finished,
    Held,
    Looked,
    Opened,
    Passed,
    Proved,
    Resumed,
    Retried,
    Reverted,
    Settled,
    Shifted,
    Stuck,
)


class Phase(Enum):
    """Where a rollout is."""

    PROVING = "proving"
    """The candidate is asked whether it is itself and healthy; it has no traffic."""
    SHIFTING = "shifting"
    """The weights of the step are being set and read back."""
    BAKING = "baking"
    """The step is watched."""
    HELD = "held"
    """Nothing moves until a person decides, or until the deadline."""
    SETTLING = "settling"
    """Every gate passed: the candidate is becoming the live slot."""
    PROMOTED = "promoted"
    """The candidate is live. The end."""
    ABORTING = "aborting"
    """All traffic is going back to the live slot."""
    REVERTING = "reverting"
    """Users are safe on the live slot; the stack goes back to its earlier inputs."""
    ROLLED_BACK = "rolled back"
    """Everything is as it was. The end."""
    STUCK = "stuck"
    """Going back did not work; a person must act. The end, until that person asks to try again."""


class Wait(Enum):
    """What a rollout waits for before it moves on."""

    PERSON = "a person"
    """Somebody paused it, or its step reached the limit: it goes on when somebody says so."""
    PERMIT = "a permit"
    """Approvals are missing, or the hours forbid it: it goes on by itself when they no longer do."""


ENDED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.STUCK})

_BACK = {Failed: Phase.ABORTING, Aborted: Phase.ABORTING}

TABLE: Mapping[Phase, Mapping[type[Event], Phase]] = MappingProxyType(
    {
        Phase.PROVING: {Proved: Phase.SHIFTING, Held: Phase.PROVING, Resumed: Phase.PROVING, **_BACK},
        Phase.SHIFTING: {Shifted: Phase.BAKING, **_BACK},
        Phase.BAKING: {Passed: Phase.SHIFTING, Finished: Phase.SETTLING, Held: Phase.HELD, **_BACK},
        Phase.HELD: {
            Resumed: Phase.BAKING,
            Passed: Phase.SHIFTING,
            Held: Phase.HELD,
            **_BACK,
        },
        Phase.SETTLING: {Settled: Phase.PROMOTED, **_BACK},
        Phase.PROMOTED: {},
        Phase.ABORTING: {Cleared: Phase.REVERTING, Stuck: Phase.STUCK},
        Phase.REVERTING: {Reverted: Phase.ROLLED_BACK, Stuck: Phase.STUCK},
        Phase.ROLLED_BACK: {},
        Phase.STUCK: {Retried: Phase.ABORTING},
    }
)
"""What follows an event in a phase; anything else is illegal."""

_REMARKS = (Looked, Drifted, Approved)


class IllegalEvent(Exception):
    """An event that may not happen in this phase. Raised here and nowhere else."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One attempt to promote a release, as its journal tells it."""

    opened: Opened
    phase: Phase
    step: int
    """Index of the step that is set or being set; 0 while proving."""
    entered: float
    """When this phase was entered, in seconds since 1970."""
    because: tuple[str, ...] = ()
    """Why it is held, going back or stuck."""
    differs: str = ""
    """After a revert: what still differs from the user's own configuration."""
    look: Looked | None = None
    """The last look that was recorded."""
    waits: Wait | None = None
    """What it waits for; None: for nothing but the gates."""
    approvals: tuple[Approved, ...] = ()

    @property
    def plan(self) -> Plan:
        """The plan in force, from the journal."""
        return self.opened.plan

    @property
    def current(self) -> Step:
        """The step that is set or being set."""
        return self.plan.steps[self.step]

    @property
    def ended(self) -> bool:
        """Nothing follows by itself."""
        return self.phase in ENDED

    @property
    def share(self) -> int:
        """Percent of traffic that the candidate is to have now."""
        if self.phase in {Phase.SHIFTING, Phase.BAKING, Phase.HELD}:
            return self.current.share
        return 100 if self.phase in {Phase.SETTLING, Phase.PROMOTED} else 0

    @property
    def weights(self) -> Mapping[str, int]:
        """Percent by slot that every weighted service is to have now."""
        return {self.opened.live: 100 - self.share, self.opened.candidate: self.share}

    @property
    def home(self) -> Mapping[str, int]:
        """Percent by slot with all traffic on the live slot."""
        return {self.opened.live: TOTAL, self.opened.candidate: 0}

    @property
    def kept(self) -> frozenset[str]:
        """Slots without weight on which sessions may still end: the live slot, while all that is new goes past it.

        Once the candidate is settled whoever is left is moved, since the slot is free to be changed then. On the way back nobody
        stays on a slot that is given up.
        """
        last = self.phase in {Phase.SHIFTING, Phase.BAKING, Phase.HELD} and self.share == TOTAL
        return frozenset({self.opened.live} if last and not self.plan.forward else ())

    @property
    def coming(self) -> int:
        """Percent that the candidate is to get next; at the last step what it has."""
        following = self.step if self.phase is Phase.PROVING else self.step + 1
        return self.plan.steps[min(following, len(self.plan.steps) - 1)].share

    @property
    def asks(self) -> int | None:
        """Index of the step that is the next to need approvals; None: no step to come does."""
        if self.phase not in {Phase.PROVING, Phase.SHIFTING, Phase.BAKING, Phase.HELD}:
            return None
        first = self.step if self.phase is Phase.PROVING else self.step + 1
        return next((place for place in range(first, len(self.plan.steps)) if self.plan.steps[place].approvals), None)

    def agreed(self, step: int, now: float) -> frozenset[str]:
        """Who agrees, as of ``now``, that a step may begin."""
        return frozenset(
            each.by
            for each in self.approvals
            if each.step == step
            and now - each.at <= self.plan.approvals_last
            and (self.plan.own_approval or each.by != self.opened.by)
        )

    @property
    def worker(self) -> str:
        """The slot on which singletons are to work now."""
        moved = self.phase in {Phase.SETTLING, Phase.PROMOTED} or (self.share > 0 and self.current.singletons)
        return self.opened.candidate if moved else self.opened.live


def apply(rollout: Rollout | None, event: Event) -> Rollout:
    """The rollout after an event; ``None`` before the first, which is ``Opened``.

    Raises:
        IllegalEvent: the event may not happen here. The rollout is unchanged.
    """
    if rollout is None or isinstance(event, Opened):
        if rollout is not None or not isinstance(event, Opened):
            raise IllegalEvent(f"{type(event).__name__}: a rollout begins with Opened, and with it alone")
        return Rollout(opened=event, phase=Phase.PROVING, step=0, entered=event.at)
    if isinstance(event, _REMARKS):
        return _remarked(rollout, event)
    phase = TABLE[rollout.phase].get(type(event))
    if phase is None or (isinstance(event, Passed) and rollout.step + 1 == len(rollout.plan.steps)):
        raise IllegalEvent(f"{type(event).__name__} may not happen while {rollout.phase.value}")
    return replace(
        rollout,
        phase=phase,
        step=rollout.step + isinstance(event, Passed),
        entered=event.at,
        because=_because(rollout, event),
        differs=event.differs if isinstance(event, Reverted) else rollout.differs,
        look=None if isinstance(event, Shifted) else rollout.look,
        waits=_waits(event),
    )


def _remarked(rollout: Rollout, event: Event) -> Rollout:
    match event:
        case Looked():
            return replace(rollout, look=event)
        case Approved():
            return replace(rollout, approvals=(*rollout.approvals, event))
        case _:
            return rollout


def _waits(event: Event) -> Wait | None:
    if not isinstance(event, Held):
        return None
    return Wait.PERMIT if event.permit else Wait.PERSON


def _because(rollout: Rollout, event: Event) -> tuple[str, ...]:
    match event:
        case Failed(because=because) | Held(because=because):
            return because
        case Stuck(because=because):
            return (*rollout.because, *because)
        case Aborted(by=by, why=why):
            return (f"aborted by {by}" + (f": {why}" if why else ""),)
        case Resumed() | Passed() | Finished() | Settled():
            return ()
        case _:
            return rollout.because


def replay(events: Iterable[Event]) -> Rollout | None:
    """The rollout that these events tell; None for no events.

    Raises:
        IllegalEvent: they do not tell one.
    """
    rollout = None
    for event in events:
        rollout = apply(rollout, event)
    return rollout
