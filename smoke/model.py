"""The nouns of a rollout, as frozen values: readings, counts, findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Answer(Enum):
    """What a probe made of one look at one placement."""

    OK = "ok"
    """It answered, as itself, as it should."""
    FAILED = "failed"
    """It did not, and that is about the placement."""
    UNTOLD = "untold"
    """The probe could not tell: something on our own side was missing. Never counted for or against."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer to one question put to one placement."""

    service: str
    slot: str
    probe: str
    """Name of the probe, unique within its service; for example ``http /health/``."""
    answer: Answer
    detail: str
    """One phrase a person can act on: what was seen and what was wanted."""
    at: float
    """When the look began, in seconds of the sampling clock."""
    version: str | None = None
    """Identity that the placement showed, or None where it showed none."""
    impostor: bool = False
    """Something answered that is not the placement asked: another slot, another version."""
    instance: str | None = None
    """Differs after a restart (process id and start time), or None where it cannot be known."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """What else was measured; for example ``seconds``, ``rss_mb``, ``beats``."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the data plane counted for one slot, cumulative since an unknown start."""

    requests: int = 0
    errors: int = 0
    """Requests that were answered with 5xx or not at all."""
    latency: tuple[tuple[float, int], ...] = ()
    """``(upper edge in milliseconds, requests at or below it)``, edges ascending, cumulative; the last edge is infinite."""
    named: int = 0
    """Requests among them that went there by name, whatever the weights."""
    begun: int = 0
    """Requests that were sent there, answered by now or not; 0 where the data plane does not say."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a meter: cumulative counts per slot and the time they hold for."""

    at: float
    slots: Mapping[str, Counts]
    every: float = 0.0
    """Seconds between two readings, where the meter does not count at every look."""

    def by_weight(self, slot: str, since: "Sample") -> int:
        """Requests that the weights sent to a slot since then, and no name did; never below zero, whatever began anew."""
        # By what was sent: of a slot that answers late, fewer are answered than it was given.
        old, new = since.slots.get(slot, Counts()), self.slots.get(slot, Counts())
        given = max(new.begun, new.requests) - max(old.begun, old.requests)
        return max(0, given - max(0, new.named - old.named))


class Verdict(Enum):
    """What analysis makes of what was seen."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    """What the gate asks for is shown."""
    FAIL = "fail"
    """The candidate is worse than allowed."""
    UNDECIDED = "undecided"
    """More data may tell."""
    BLIND = "blind"
    """We cannot see; never a pass."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on one aspect of one service, with its numbers and one sentence."""

    verdict: Verdict
    service: str
    gate: str
    """Which gate speaks; for example ``errors``, ``probe http /health/``, ``identity``."""
    because: str
    """One sentence with the numbers in it."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """What it was decided on, where it was counted: ``window`` (watched seconds), ``n`` (requests of the candidate), ``n_live``,
    ``estimate``, ``low``, ``high`` (the interval), ``limit`` (what is allowed), ``evidence`` and ``threshold``."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that one tick saw. Anything that could not be read is absent, never guessed."""

    at: float
    """Monotonic seconds of the driver's clock."""
    readings: tuple[Reading, ...] = ()
    """Readings that arrived since the last look."""
    samples: Mapping[str, Sample] = field(default_factory=dict)
    """By service."""
    weights: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Percent by slot by service, as read back from the data plane."""
    blind: tuple[str, ...] = ()
    """One phrase for each thing that could not be read."""
