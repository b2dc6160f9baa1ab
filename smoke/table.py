"""How a backend is found in the table of its seam: by its name, or not at all."""

from collections.abc import Mapping
from typing import TypeVar

from smoke.errors import UsageError

Maker = TypeVar("Maker")


def backend(seam: str, table: Mapping[str, Maker], kind: str) -> Maker:
    """What makes the backend of that kind. There is no fallback: a word that nobody knows is never taken for another.

    Raises:
        UsageError: there is none; names those that there are.
    """
    if kind not in table:
        raise UsageError(f"there is no {seam} {kind!r}", hint=f"one of: {', '.join(sorted(table))}")
    return table[kind]
