"""What people ask of a rollout, and its one form in a mailbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

WATCHDOG = "watchdog"
"""Who asks to go back where nobody drives."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked of a running rollout."""

    verb: str
    """``abort``, ``pause``, ``resume``, ``approve``; ``drive``: the watchdog is to; ``retire``: a trace of what was done."""
    by: str
    why: str = ""
    at: float | None = None
    """When it was asked, in seconds since 1970; None: just now."""
    step: int | None = None
    """Index of the step that an approval is about; None: of the next that asks for one."""

    def to_record(self) -> Mapping[str, Any]:
        """What a mailbox carries."""
        record = {"verb": self.verb, "by": self.by, "why": self.why, "at": self.at}
        return record if self.step is None else {**record, "step": self.step}

    @classmethod
    def of(cls, posted: Mapping[str, Any]) -> Self | None:
        """The request that was posted. Anybody may post anything; what is no request is None, and nobody's."""
        verb, by, at, step = (posted.get(name) for name in ("verb", "by", "at", "step"))
        if not isinstance(verb, str) or not isinstance(by, str) or not isinstance(at, int | float):
            return None
        return cls(verb, by, str(posted.get("why", "")), float(at), step if isinstance(step, int) else None)
