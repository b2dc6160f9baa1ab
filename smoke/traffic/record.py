"""One line a request, for whoever asks which version answered what and when.

A line is a JSON list: target, when due (monotonic seconds), milliseconds from then until it was known what became of it, status
or reason, version or null. Lines are in the order in which requests ended.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one request."""

    target: str
    due: float
    """When it was due, in seconds of the system's monotonic clock."""
    latency_ms: float
    """From then until it was known what became of it."""
    outcome: int | str
    """Status of the answer, or the reason why there is none."""
    version: str | None
    """What the answer showed; None where it showed none, and where there is none."""


class Recorder:
    """Appends entries to a file; what is written is in the file after ``flush``."""

    def __init__(self, path: Path | None) -> None:
        self._out = path.open("a", encoding="ascii") if path else None
        self._lines: list[str] = []

    def add(self, target: str, due: float, latency: float, outcome: int | str, version: str | None) -> None:
        """Note what became of one request."""
        if self._out is not None:
            self._lines.append(f"[{_json(target)},{due:.6f},{latency:.3f},{_json(outcome)},{_json(version)}]\n")

    def flush(self) -> None:
        """Write what was noted."""
        if self._out is not None and self._lines:
            self._out.write("".join(self._lines))
            self._out.flush()
            self._lines.clear()

    def close(self) -> None:
        """Write what was noted, and end."""
        self.flush()
        if self._out is not None:
            self._out.close()


_json = lru_cache(1024)(json.dumps)
"""Targets, statuses, reasons and versions: few, and each comes often."""


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a record; a torn last line is dropped, so that it may be read while it is written."""
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield Entry(*json.loads(line))
