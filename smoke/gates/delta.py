"""What else moves: ``crossfade gate delta MOST BEFORE.lock AFTER.lock``, locks of the old runtime and of the new one.

A migration of Python is one of libraries most of all: the new one takes other versions of them. Each that is new, gone, newer or
older is told; the gate fails where more than MOST have another first number (of 0.x the second), which may break what it likes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, listed
from smoke.gates.locks import Pin, pins
from smoke.gates.pair import told_apart


@dataclass(frozen=True, slots=True)
class Moved:
    """One package that is not as it was."""

    name: str
    before: str
    """Empty: it is new."""
    after: str
    """Empty: it is gone."""
    breaking: bool

    def text(self) -> str:
        """For people."""
        if not self.before:
            return f"{self.name} {self.after} is new"
        if not self.after:
            return f"{self.name} {self.before} is gone"
        return f"{self.name} {self.before} to {self.after}" + (", a major one" if self.breaking else "")


def gate(given: Sequence[str]) -> Answer:
    """Compare two locks.

    Raises:
        UsageError: a word makes no sense, or a file is no lock.
    """
    if len(given) != 3 or not given[0].isdecimal():  # noqa: PLR2004 - see the hint
        raise UsageError("gate delta wants a number and two locks", hint="crossfade gate delta 0 locks/py39.txt locks/py312.txt")
    told_apart(given[1], given[2])
    before, after = (_by_name(Path(each)) for each in given[1:])
    return compared(before, after, int(given[0]), tuple(given[1:]))


def _by_name(file: Path) -> Mapping[str, Pin]:
    found: dict[str, Pin] = {}
    for pin in pins(file):
        if found.setdefault(pin.name, pin) != pin:
            cause = f"{pin.name} has two versions there, {found[pin.name].version} and {pin.version}, by where it is installed"
            hint = "a lock of one runtime: uv pip compile --python-version 3.12"
            raise UsageError(f"{file} is for more than one place", where=str(file), cause=cause, hint=hint)
    return found


def compared(before: Mapping[str, Pin], after: Mapping[str, Pin], most: int, files: tuple[str, ...] = ()) -> Answer:
    """What differs."""
    found = moved(before, after)
    lines, count = tuple(each.text() for each in found), len({*before, *after})
    if not before or not after:
        return Answer(Outcome.UNMEASURED, "a lock has no package", 0, files=files)
    breaking = [each.text() for each in found if each.breaking]
    told = f"{len(found)} of {count} packages differ, {len(breaking)} by a major version" + (
        f": {listed(breaking)}" if breaking else ""
    )
    outcome = Outcome.PASS if len(breaking) <= most else Outcome.FAIL
    return Answer(outcome, told, count, float(len(breaking)), "<=", float(most), files, lines)


def moved(before: Mapping[str, Pin], after: Mapping[str, Pin]) -> Sequence[Moved]:
    """Every package that is not as it was, by name."""
    kept = {name: (before[name], after[name]) for name in before.keys() & after.keys()}
    found = [Moved(name, before[name].version, "", breaking=False) for name in before.keys() - after.keys()]
    found += [Moved(name, "", after[name].version, breaking=False) for name in after.keys() - before.keys()]
    found += [
        Moved(name, old.version, new.version, breaking=_first(old) != _first(new))
        for name, (old, new) in kept.items()
        if old.version != new.version
    ]
    return sorted(found, key=lambda each: each.name)


def _first(pin: Pin) -> tuple[int, ...]:
    """What of a version stays while nothing breaks, by the rules of semantic versioning."""
    release = pin.release
    return release[:2] if release[:1] == (0,) else release[:1]
