"""What came of a check, and how a check that fails itself is told."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from smoke.errors import CrossfadeError


class Outcome(Enum):
    """What came of one check."""

    OK = "ok"
    """What is wanted is there."""
    MISSING = "missing"
    """It is not there, or not as it must be."""
    OLD = "old"
    """It is there, in a version that is too old."""
    UNKNOWN = "unknown"
    """It could not be told; says why."""
    NOTE = "note"
    """Nothing is wrong; a person may want to know."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was found where something is wanted."""

    name: str
    verdict: Outcome
    found: str
    wanted: str = ""
    fix: str = ""
    """Commands to run or lines to paste; empty where there is nothing to do."""

    @property
    def bad(self) -> bool:
        """Whether something is missing or too old."""
        return self.verdict in {Outcome.MISSING, Outcome.OLD}

    def to_json(self) -> Mapping[str, str]:
        """The check for machines."""
        return {"name": self.name, "verdict": self.verdict.value, "found": self.found, "wanted": self.wanted, "fix": self.fix}


def examine(parts: Mapping[str, Callable[[], Iterable[Check]]]) -> list[Check]:
    """Everything that these checks found, in order. One that raises is unknown, with the reason; the others go on."""
    found: list[Check] = []
    for name, part in parts.items():
        try:
            found.extend(part())
        except CrossfadeError as error:
            reason = error.what if error.cause is None else f"{error.what}: {error.cause}"
            found.append(Check(name, Outcome.UNKNOWN, reason, fix=error.hint or ""))
        except Exception as error:  # noqa: BLE001 - a doctor that falls ill helps nobody
            found.append(Check(name, Outcome.UNKNOWN, f"{type(error).__name__}: {error}"))
    return found
