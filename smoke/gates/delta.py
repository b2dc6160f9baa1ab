"""What changed among the libraries: ``crossfade gate delta BEFORE.lock AFTER.lock [N]``.

A new Python brings new versions of libraries with it. This tells their part apart from the runtime's. It passes when no more than
N packages, by default none, have another major version; below 1.0 the second number is the major one.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, listed
from smoke.gates.pair import told_apart
from smoke.gates.pinned import Pin, pins

_HINT = "crossfade gate delta py39.lock py312.lock 3"
_VERSION = re.compile(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:\.post(\d+))?(?:\+[\w.]+)?")
"""Releases of PEP 440, and those after them. What comes before a release has an order of its own, and is refused."""

_Key = tuple[int, tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one package."""

    name: str
    kind: str
    """added, removed, upgraded or downgraded."""
    before: str = ""
    after: str = ""
    major: bool = False

    def text(self) -> str:
        """For people."""
        versions = " -> ".join(each for each in (self.before, self.after) if each)
        return f"{self.kind}: {self.name} {versions}" + (" (major)" if self.major else "")


def gate(given: Sequence[str]) -> Answer:
    """Compare two locks.

    Raises:
        UsageError: one of them cannot be read, or a version has no order that is known here.
    """
    if len(given) not in {2, 3}:
        raise UsageError("gate delta wants two locks, and how many majors may change", hint=_HINT)
    allowed = given[2] if len(given) > 2 else "0"  # noqa: PLR2004 - two locks
    if not (allowed.isascii() and allowed.isdigit()):
        raise UsageError(f"{allowed} is no number of packages", hint=_HINT)
    told_apart(*given[:2])
    before, after = (pins(Path(each)) for each in given[:2])
    return compared(before, after, int(allowed), tuple(given[:2]))


def compared(before: Sequence[Pin], after: Sequence[Pin], allowed: int = 0, files: tuple[str, ...] = ()) -> Answer:
    """What differs between two locks.

    Raises:
        UsageError: a version has no order that is known here.
    """
    old, new = _by_name(before), _by_name(after)
    if not old or not new:
        return Answer(Outcome.UNMEASURED, f"the lock {'after' if old else 'before'} has no packages", 0, files=files)
    every = sorted({*old, *new})
    changes = [change for name in every if (change := _change(name, old.get(name, ()), new.get(name, ())))]
    majors = [each for each in changes if each.major]
    kinds = ("added", "removed", "upgraded", "downgraded")
    counts = ", ".join(f"{sum(each.kind == kind for each in changes)} {kind}" for kind in kinds)
    names = f": {listed([f'{each.name} {each.before} -> {each.after}' for each in majors])}" if majors else ""
    detail = f"of {len(every)} packages {counts}; {len(majors)} of another major version, {allowed} allowed{names}"
    outcome = Outcome.PASS if len(majors) <= allowed else Outcome.FAIL
    lines = tuple(each.text() for each in changes)
    return Answer(outcome, detail, len(every), len(majors), "<=", allowed, files, lines)


def _by_name(found: Sequence[Pin]) -> Mapping[str, Sequence[str]]:
    """Versions of each package; one that forks by its markers has several."""
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for each in found:
        versions[each.name].add(each.version)
    return {name: sorted(each, key=partial(key, name)) for name, each in versions.items()}


def _change(name: str, before: Sequence[str], after: Sequence[str]) -> Change | None:
    if not before or not after:
        return Change(name, "removed" if before else "added", " | ".join(before), " | ".join(after))
    old, new = ([key(name, each) for each in side] for side in (before, after))
    majors = {_major(each) for each in old} != {_major(each) for each in new}
    if before == after or (old == new and not majors and len(before) == len(after) == 1):
        return None
    # Of several, the newest says which way it went, and the oldest where the newest is the same.
    up = (new[-1], new[0]) > (old[-1], old[0])
    return Change(name, "upgraded" if up else "downgraded", " | ".join(before), " | ".join(after), majors)


def key(name: str, version: str) -> _Key:
    """By what a version is ordered.

    Raises:
        UsageError: it is no release.
    """
    read = _VERSION.fullmatch(version)
    if read is None:
        cause = "only releases are ordered here, as 1.2.3 or 1.2.3.post1"
        raise UsageError(f"{name} {version} cannot be compared", cause=cause, hint="pin a release of it in both locks")
    numbers = [int(each) for each in read[2].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return int(read[1] or 0), tuple(numbers), -1 if read[3] is None else int(read[3])


def _major(of: _Key) -> tuple[int, ...]:
    epoch, numbers, _ = of
    return (epoch, *((*numbers, 0)[:2] if numbers[0] == 0 else numbers[:1]))
