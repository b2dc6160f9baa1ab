"""The same inputs through both runtimes, compared: ``crossfade gate replay TOLERANCE BEFORE AFTER INPUTS WORD...``.

``replay 1e-9 .venv39/bin/python .venv312/bin/python recorded/ decide.py`` gives each file of ``recorded/`` to the program on its
standard input. Numbers may differ by that share, all other words not at all, and neither may how it ends. The old runtime runs
twice: what it does not repeat itself, as times and addresses, is compared with nobody. Where INPUTS is ``-`` there is none.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isclose, isfinite
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, listed
from smoke.gates.pair import told_apart
from smoke.process import Ended, how, last_line, run

_LIMIT = 600.0
"""Seconds that one run may take."""
_NONE = "-"
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[^\W\d]\w*|[^\s\w]")
"""What is compared one by one: numbers, names, and signs."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one input."""

    name: str
    words: int
    """That were compared."""
    unsteady: int
    """That the old runtime does not repeat itself."""
    why: str = ""
    """What differs first; empty: nothing."""


def gate(given: Sequence[str]) -> Answer:
    """Run it on all inputs, and compare.

    Raises:
        UsageError: a word makes no sense.
    """
    tolerance, before, after, inputs, words = _words(given)
    found = []
    for file in _inputs(inputs):
        old, again, new = (_ran([python, *words], file) for python in (before, before, after))
        name = "without input" if file == os.devnull else Path(file).name
        if old is None or again is None or new is None:
            return Answer(Outcome.UNMEASURED, f"{before} or {after} cannot be started", 0)
        found.append(compared(name, old, again, new, tolerance))
    return _answer(found)


def compared(name: str, old: Ended, again: Ended, new: Ended, tolerance: float) -> Compared:
    """One input: what the old runtime said twice, and what the new one says."""
    if old.status != new.status:
        how_new = _how(new) + (f": {shortened(last_line(new.err))}" if new.err.strip() else "")
        return Compared(name, 1, 0, f"{_how(old)} before, {how_new} after")
    ours, steady, theirs = ([*_split(each.out)] for each in (old, again, new))
    if len(ours) != len(steady):
        return Compared(name, 0, len(ours))
    if len(ours) != len(theirs):
        return Compared(name, len(ours), 0, f"{len(ours)} words before, {len(theirs)} after: {_first(ours, theirs, tolerance)}")
    kept = [(one, other) for one, twice, other in zip(ours, steady, theirs, strict=True) if one == twice]
    unlike = next((f"{one} before, {other} after" for one, other in kept if not _alike(one, other, tolerance)), "")
    return Compared(name, len(kept) + 1, len(ours) - len(kept), unlike)


def _split(text: str) -> Iterator[str]:
    return iter(_WORD.findall(text))


def _alike(one: str, other: str, tolerance: float) -> bool:
    if one == other:
        return True
    if not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)):
        return False
    first, second = float(one), float(other)
    # Written otherwise is another answer where no number is let off.
    return tolerance > 0 and isfinite(first) and isfinite(second) and isclose(first, second, rel_tol=tolerance, abs_tol=0.0)


def _first(ours: Sequence[str], theirs: Sequence[str], tolerance: float) -> str:
    pairs = zip([*ours, "nothing"], [*theirs, "nothing"], strict=False)
    return next((f"{one} before, {other} after" for one, other in pairs if not _alike(one, other, tolerance)), "more words")


def _answer(found: Sequence[Compared]) -> Answer:
    words, unsteady = sum(each.words for each in found), sum(each.unsteady for each in found)
    unlike = [each for each in found if each.why]
    lines = tuple(f"{each.name}: {each.why}" for each in unlike)
    if unlike:
        detail = f"{len(unlike)} of {len(found)} inputs come out otherwise: {listed(lines)}"
        return Answer(Outcome.FAIL, detail, words, len(unlike), "==", 0.0, (), lines)
    more = f"; {unsteady} words the old runtime does not repeat itself" if unsteady else ""
    if unsteady > words:
        return Answer(Outcome.UNDECIDED, f"hardly anything can be compared: {words} words{more}", words)
    return Answer(Outcome.PASS, f"{len(found)} inputs come out alike, {words} words of them{more}", words, 0.0, "==", 0.0)


def _words(given: Sequence[str]) -> tuple[float, str, str, str, Sequence[str]]:
    hint = "crossfade gate replay 1e-9 .venv39/bin/python .venv312/bin/python recorded/ decide.py"
    if len(given) < 5:  # noqa: PLR2004 - see the hint
        raise UsageError("gate replay wants a tolerance, two interpreters, inputs and a program", hint=hint)
    try:
        tolerance = float(given[0])
    except ValueError:
        tolerance = inf
    if not 0 <= tolerance < 1:
        raise UsageError(f"{given[0]} is no tolerance: a share, from 0 to less than 1", hint=hint)
    told_apart(given[1], given[2])
    return tolerance, given[1], given[2], given[3], given[4:]


def _inputs(named: str) -> Sequence[str]:
    if named == _NONE:
        return [os.devnull]
    place = Path(named)
    files = (
        sorted(str(each) for each in place.iterdir() if each.is_file()) if place.is_dir() else [named] if place.is_file() else []
    )
    if not files:
        raise UsageError(f"there are no inputs in {named}", where=named, hint="a folder with files, a file, or - for none")
    return files


def _ran(words: Sequence[str], file: str) -> Ended | None:
    try:
        # Hashes are the same on both: the order of a set is no decision.
        return run(words, ".", _LIMIT, {**os.environ, "PYTHONHASHSEED": "0"}, file)
    except (OSError, ValueError):
        return None


def _how(ended: Ended) -> str:
    if ended.status is None:
        return f"no end within {_LIMIT:g} s"
    return "a good end" if ended.status == 0 else how(ended.status)
