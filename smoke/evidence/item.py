"""The nouns: a gate, the evidence for it, and who answers for going on without. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from math import isfinite
from typing import Any, Self

PHASES = ("prepare", "test", "images", "staging", "production", "after")
"""In their order: what is asked before which part of a migration."""
SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": lambda value, limit: value <= limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    ">": lambda value, limit: value > limit,
    "==": lambda value, limit: value == limit,
}
"""What a value must be to its limit."""


class Outcome(Enum):
    """What came of asking a gate's question once."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FAIL = "fail"
    UNDECIDED = "undecided"
    """It was looked at, and too little was seen to say."""
    UNMEASURED = "not measured"
    """Nothing was looked at: never a pass."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One question that is asked of a release."""

    id: str
    phase: str
    wanted: str
    """What must hold, in one phrase."""
    service: str | None
    """None: it is about all of them."""
    fresh: float
    """Seconds for which an answer counts."""


@dataclass(frozen=True, slots=True)
class File:
    """What was written down beside the verdict."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer to a gate's question."""

    gate: str
    outcome: Outcome
    detail: str
    """One sentence, with the numbers in it."""
    at: float
    """When it was found, in seconds since 1970."""
    by: str
    """Who asked, or who says so."""
    release: str
    """Fingerprint of what it is about."""
    attested: bool = False
    """A person says so: no program looked."""
    seconds: float = 0.0
    """That it took."""
    value: float | None = None
    sign: str | None = None
    """One of ``SIGNS``, where there is a limit."""
    limit: float | None = None
    n: int | None = None
    """How much was looked at; None: that is no question of number."""
    files: tuple[File, ...] = ()

    def judged(self) -> Self:
        """The same, by the one rule that no answer gets past: nothing examined is no pass, nor is a number past its limit."""
        if self.n == 0:
            return self._as(Outcome.UNMEASURED, "nothing was examined")
        if self.value is None:
            return self
        if not isfinite(self.value):
            return self._as(Outcome.UNMEASURED, f"{self.value} is no number")
        if self.outcome is not Outcome.PASS or self.sign is None or self.limit is None:
            return self
        holds = SIGNS[self.sign](self.value, self.limit)
        return self if holds else self._as(Outcome.FAIL, f"{self.value:g} is not {self.sign} {self.limit:g}")

    def _as(self, outcome: Outcome, why: str) -> Self:
        if self.outcome is outcome:
            return self
        return replace(self, outcome=outcome, detail=f"{why} ({self.detail})")

    def to_json(self) -> Mapping[str, Any]:
        """As a record has it; what is not known is not there."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {**known, "outcome": self.outcome.value, "files": list(known["files"])}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read it.

        Raises:
            LookupError, TypeError, ValueError: it is none.
        """
        known = dict(document)
        known["outcome"] = Outcome(known["outcome"])
        known["files"] = tuple(File(str(each["path"]), str(each["sha256"])) for each in known["files"])
        if known.get("sign") not in {None, *SIGNS}:
            raise ValueError(f"{known['sign']} is no sign")
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody answers for going on without a gate."""

    gate: str
    owner: str
    why: str
    until: float
    """Seconds since 1970: after that it is none."""
