"""Locks: requirement files in which every package has one version, as ``uv export`` and ``uv pip compile`` write them.

Here is what is in one, and what differs between two; not who could install it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smoke.errors import UsageError

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?\s*==\s*([A-Za-z0-9.!+_-]+)\s*(?:;\s*(.*))?")
_RELEASE = re.compile(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", re.IGNORECASE)
_HINT = "uv export --format requirements-txt, or uv pip compile, writes one"


@dataclass(frozen=True, slots=True)
class Pin:
    """One package, as it is locked."""

    name: str
    """As indexes have it: small, with hyphens."""
    version: str
    text: str
    """All of its lines, hashes too."""
    marker: str = ""
    """Where it is for; empty: everywhere."""

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of its version, without what is behind them."""
        found = _RELEASE.match(self.version)
        return tuple(int(each) for each in found[1].split(".")) if found else ()


def pins(file: Path) -> Sequence[Pin]:
    """Every package of a lock; one is there more than once where it has another version elsewhere.

    Raises:
        UsageError: it cannot be read, or has a line that pins nothing.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read", where=str(file), cause=str(error), hint=_HINT) from error
    found = []
    for number, line in _logical(text):
        pin = _pin(line)
        if pin is None:
            raise UsageError(f"{file} is no lock", where=f"{file}:{number}", cause=f"it pins nothing: {line[:80]}", hint=_HINT)
        found.append(pin)
    return found


def _logical(text: str) -> list[tuple[int, str]]:
    """Lines with those that they go on in, without comments and options."""
    found, kept, began = [], "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        began = began if kept else number
        kept += line.removesuffix("\\") + ("\n" if line.endswith("\\") else "")
        if not line.endswith("\\"):
            if kept.strip() and not kept.lstrip().startswith("-"):
                found.append((began, kept.strip()))
            kept = ""
    return found


def _pin(line: str) -> Pin | None:
    first = line.partition("\n")[0].partition(" --hash")[0].strip()
    match = _PIN.fullmatch(first)
    if match is None:
        return None
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    return Pin(name, match[3], " ".join(line.split()), match[4] or "")
