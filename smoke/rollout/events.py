"""What happens in a rollout. Each event is a fact, appended to the journal before anything is done about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.contract import Json
from smoke.plan import Plan


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and when: seconds since 1970."""

    at: float


@dataclass(frozen=True, slots=True)
class Opened(Event):
    """A rollout began. Everything it will need is in here, so that nothing outside can change under it."""

    rollout: str
    live: str
    candidate: str
    release: str
    """Fingerprint of what the candidate slot holds."""
    plan: Plan
    services: tuple[str, ...]
    """Services with weights, providers first."""
    singletons: tuple[str, ...]
    inputs: Mapping[str, Mapping[str, Mapping[str, Json]]]
    """By slot, by service: the recorded inputs of what is placed now; the next rollout's way back, once this one is promoted."""
    back: Mapping[str, Mapping[str, Json]]
    """By service: the inputs that the candidate slot goes back to; empty: the slot is removed."""
    by: str
    """Who asked, as ``user@host``."""
    born: str
    """When the stack was created that this is a rollout of."""
    why: str = ""
    """What the person said, where a reason is asked for."""
    queries: Mapping[str, str] = field(default_factory=dict)
    """By service, and by ``service/metric``: what is asked for its counts."""
    override: str = ""
    """Why it may go forward where windows and freezes forbid it; empty: it may not."""


class Proved(Event):
    """The candidate is itself and healthy, and so is the live slot. No traffic was moved yet."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Shifted(Event):
    """The data plane serves the weights of this step, read back."""

    gaps: Mapping[str, float] = field(default_factory=dict)
    """By singleton that was handed over: seconds for which nobody may have worked, at most."""


@dataclass(frozen=True, slots=True)
class Passed(Event):
    """Every gate of this step passes, and another step follows."""

    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """Every gate of the last step passes."""

    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """A gate failed, or a limit was reached whose policy is to go back."""

    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aborted(Event):
    """A person asked to go back."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Held(Event):
    """Somebody must decide; until then nothing moves."""

    because: tuple[str, ...]
    permit: bool = False
    """Every gate passes: it goes on by itself once it is permitted to, by the approvals and the hours that it waits for."""


@dataclass(frozen=True, slots=True)
class Approved(Event):
    """A person agrees that a step may begin. Changes nothing by itself."""

    by: str
    step: int
    """Index of that step."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """A person asked to go on; the step is watched anew."""

    by: str


class Settled(Event):
    """The candidate is live from here on."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Cleared(Event):
    """All traffic is on the live slot again, read back, and no singleton may work but there."""

    gaps: Mapping[str, float] = field(default_factory=dict)
    """By singleton that was handed back: seconds for which nobody may have worked, at most."""
    idle: Mapping[str, str] = field(default_factory=dict)
    """By singleton that may work there and does not say so: why. Nobody else works, so that going back is done."""


@dataclass(frozen=True, slots=True)
class Reverted(Event):
    """The candidate slot holds its last settled inputs again."""

    differs: str
    """What still differs from the user's own configuration."""


@dataclass(frozen=True, slots=True)
class Stuck(Event):
    """Going back did not work: a person must act."""

    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """A person asked to try going back again."""

    by: str


@dataclass(frozen=True, slots=True)
class Looked(Event):
    """What was seen, from time to time, for people who look at the rollout from elsewhere. Changes nothing."""

    watched: float
    verdict: str
    findings: tuple[str, ...] = ()
    counts: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By service, by slot: requests, errors and p95 in milliseconds, during this step."""
    numbers: tuple[Mapping[str, Json], ...] = ()
    """What each gate that counts decided on; see ``smoke.model.Finding.numbers``."""
    rows: Mapping[str, Json] = field(default_factory=dict)
    """By service: what was counted since the look before, increment by increment; see ``smoke.analysis.counts``."""
    grids: Mapping[str, list[float]] = field(default_factory=dict)
    """By service, where it is new: the upper edges in milliseconds of the buckets that the rows speak of."""
    instances: Mapping[str, str] = field(default_factory=dict)
    """By ``service slot probe``, where it is new: the process that answered. A driver that takes over sees a restart by it."""


@dataclass(frozen=True, slots=True)
class Drifted(Event):
    """The weights were not what this rollout had set; they are set again. Changes nothing."""

    service: str
    found: Mapping[str, int]
    wanted: Mapping[str, int]
