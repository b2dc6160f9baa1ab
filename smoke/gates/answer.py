"""What a gate that ships says. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smoke.errors import Exit
from smoke.evidence import Outcome
from smoke.foreign import printable

_CODES = {Outcome.PASS: Exit.WANTED, Outcome.FAIL: Exit.GATE}
_MOST = 5
"""Names that one sentence has."""


@dataclass(frozen=True, slots=True)
class Place:
    """A finding, and where in the sources it is."""

    file: str
    line: int
    """From 1 on."""
    rule: str
    """What kind of finding it is, in one word."""
    says: str
    level: str = "error"
    """Or ``warning``, or ``note``, which hold nothing up."""

    def text(self) -> str:
        """For people."""
        return f"{self.file}:{self.line}: {self.says}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict with its numbers."""

    outcome: Outcome
    detail: str
    n: int
    """How much was looked at."""
    value: float | None = None
    sign: str | None = None
    limit: float | None = None
    files: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    """What people read before it: everything that was found, a line each."""
    places: tuple[Place, ...] = ()
    """What was found in sources: for a file in SARIF, which editors and code hosts read."""
    patch: str = ""
    """What would mend it, as a unified diff."""

    @property
    def code(self) -> Exit:
        """The exit code: what is no clear answer is undecided."""
        return _CODES.get(self.outcome, Exit.UNDECIDED)

    def document(self) -> Mapping[str, Any]:
        """The last line, as ``check`` reads it."""
        known = {"value": self.value, "sign": self.sign, "limit": self.limit}
        return {
            "detail": printable(self.detail),
            "n": self.n,
            **{name: each for name, each in known.items() if each is not None},
            "files": list(self.files),
        }

    def text(self, *, alone: bool = False) -> str:
        """All that is printed, or the last line ``alone``."""
        lines = () if alone else (*self.lines, self.detail)
        return "".join(f"{printable(line)}\n" for line in lines) + json.dumps(self.document()) + "\n"


def listed(names: Sequence[str]) -> str:
    """Some of these names, and how many there are beside them."""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
