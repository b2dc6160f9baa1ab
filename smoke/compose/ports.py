"""Published ports, moved so that a second copy of the same services finds its own."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SHIFT: Final = 10_000
"""From their port to ours, as between the slots of a stack."""
_LAST: Final = 65_535
_NUMBERS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Move:
    """A published port of theirs, and the one in its place."""

    entry: Any
    """As ``ports`` of the override has it."""
    old: str
    """As it was written; empty where nothing was published."""
    new: str
    """The port in its place; empty for a free one, which Docker chooses."""


def published(ports: Iterable[Any]) -> set[int]:
    """Every port of the host that these ask for by number."""
    return {number for entry in ports for number in _span(_parts(entry)[1])}


def target_of(entry: Any) -> str:  # noqa: ANN401 - whatever was written
    """The one port of the container that an entry is about; empty where it is several, or in a variable."""
    number = _parts(entry)[2].partition("/")[0]
    return number if number.isdecimal() else ""


def moved(ports: Sequence[Any], taken: set[int]) -> list[Move]:
    """Each entry with its port of the host shifted; to a free one where that is no port, is in a variable, or is taken.

    Raises:
        ValueError: an entry is none; its index is the exception's second argument.
    """
    moves = []
    for index, entry in enumerate(ports):
        if not isinstance(entry, str | int | Mapping) or isinstance(entry, bool) or not _parts(entry)[2]:
            raise ValueError("a port is a text such as 8080:80, or a mapping with `target`", index)
        moves.append(_moved(entry, taken))
    return moves


def _moved(entry: Any, taken: set[int]) -> Move:  # noqa: ANN401 - whatever was written
    address, old, target = _parts(entry)
    if not old:
        return Move(entry, "", "")
    new = _shifted(old, taken)
    if isinstance(entry, Mapping):
        rest = {name: each for name, each in entry.items() if name != "published"}
        return Move({**rest, "published": new} if new else rest, old, new)
    in_front = f"{address}:" if address else ""
    return Move(f"{in_front}{new}:{target}" if new or address else target, old, new)


def _shifted(old: str, taken: set[int]) -> str:
    span = _span(old)
    if not span or max(span) + SHIFT > _LAST or any(number + SHIFT in taken for number in span):
        return ""
    first, last = min(span) + SHIFT, max(span) + SHIFT
    return str(first) if first == last else f"{first}-{last}"


def _span(text: str) -> range:
    """The ports that a text names; none where it has a variable."""
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return range(0)
    return range(int(match[1]), int(match[2] or match[1]) + 1)


def _parts(entry: Any) -> tuple[str, str, str]:  # noqa: ANN401 - whatever was written
    """Address, port of the host, and port of the container with its protocol; empty where there is none."""
    if isinstance(entry, Mapping):
        texts = (entry.get(name) for name in ("host_ip", "published", "target"))
        address, old, target = ("" if each is None else str(each) for each in texts)
        return address, old, target
    *before, target = _split(str(entry))
    return ":".join(before[:-1]), before[-1] if before else "", target


def _split(text: str) -> list[str]:
    """At its colons, but not at those within ``${PORT:-80}`` or ``[::1]``."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "{[") - (letter in "}]")
        if letter == ":" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
