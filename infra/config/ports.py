"""Which ports a program listens on, and one that nobody has."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Final

FRONT: Final = 8080
HIGHEST: Final = 45_535
"""The slots listen 10,000 and 20,000 above."""


def ports_of(port: int, *, slotted: bool) -> tuple[int, ...]:
    """Every port that a program with this one listens on: the front's, blue's and green's."""
    return (port, port + 10_000, port + 20_000) if slotted else (port,)


def spare_port(values: Mapping[str, Any], *, slotted: bool = True, free: Callable[[int], bool] = lambda _: True) -> int | None:
    """A port that no program of these settings uses, whole or broken as they are: next to theirs; None where there is none."""
    written = [(port, own) for port, own in _written(values) if 0 < port <= HIGHEST]
    used = {each for port, own in written for each in ports_of(port, slotted=own)}
    above = max((port + 1 for port, _ in written), default=FRONT)
    for port in chain(range(above, HIGHEST + 1), range(FRONT, above)):
        wanted = ports_of(port, slotted=slotted)
        if used.isdisjoint(wanted) and all(map(free, wanted)):
            return port
    return None


def _written(values: Mapping[str, Any]) -> list[tuple[int, bool]]:
    """Every port in the settings, and whether it is a service's."""
    found: list[tuple[int, bool]] = []
    for group in ("services", "companions"):
        programs = values.get(group)
        for each in programs.values() if isinstance(programs, Mapping) else ():
            port = each.get("port") if isinstance(each, Mapping) else None
            if isinstance(port, int):
                found.append((port, group == "services"))
    return found
