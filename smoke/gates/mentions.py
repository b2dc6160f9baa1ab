"""Where the old version is still named: ``crossfade gate mentions OLD NEW PATH...``, as ``mentions 3.9 3.12 .``.

It reads every text that git keeps there, or where there is no git every text, but for locks, and finds ``python3.9``, ``py39``,
``cp39``, and ``3.9`` on a line that speaks of Python. ``--patch FILE`` has what it would write instead, for ``git apply``. A
line with ``crossfade: seen`` stays; so does, in the patch, an exact version as 3.9.18, which somebody chose.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, Place, listed
from smoke.gates.sources import SEEN, version
from smoke.process import run

_LARGEST = 2**20
"""Bytes of a text; what is larger is data."""
_LEFT = frozenset({"uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml"})
"""Written by tools, from what is named elsewhere."""
_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"})
_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Words:
    """How a version is named, and how the new one is."""

    short: re.Pattern[str]
    """``py39`` and its like: alone enough to know."""
    long: re.Pattern[str]
    """``3.9``, which may be a price."""
    new_short: str
    new_long: str

    @classmethod
    def of(cls, old: str, new: str) -> "Words":
        """For two versions.

        Raises:
            UsageError: one is none.
        """
        (_, minor), (_, newer) = version(old), version(new)
        short = re.compile(rf"(?<![A-Za-z0-9])((?:py|cp|python|pypy|\.venv)[-_]?)3{minor}(?!\d)", re.IGNORECASE)
        return cls(short, re.compile(rf"(?<![\d.])3\.{minor}(?!\d)(\.\d+)?"), f"3{newer}", f"3.{newer}")

    def named(self, line: str) -> bool:
        """Whether a line names the old version."""
        return SEEN not in line and bool(self.short.search(line) or ("py" in line.lower() and self.long.search(line)))

    def rewritten(self, line: str) -> str:
        """The line as it would be with the new version."""
        line = self.short.sub(lambda found: found[1] + self.new_short, line)
        return self.long.sub(lambda found: found[0] if found[1] else self.new_long, line)


def gate(given: Sequence[str]) -> Answer:
    """Look through folders.

    Raises:
        UsageError: a word makes no sense.
    """
    if len(given) < 3:  # noqa: PLR2004 - two versions and a folder
        raise UsageError("gate mentions wants two versions and a folder", hint="crossfade gate mentions 3.9 3.12 .")
    words = Words.of(given[0], given[1])
    files = sorted({file for path in given[2:] for file in _texts(Path(path))})
    places, patch, count = [], [], 0
    for file in files:
        lines = _lines(file)
        count += lines is not None
        found = [number for number, line in enumerate(lines or (), 1) if words.named(line)]
        places += [Place(str(file), number, "old-version", (lines or ())[number - 1].strip(), "warning") for number in found]
        if lines and found:
            after = [words.rewritten(line) if number in found else line for number, line in enumerate(lines, 1)]
            changed = unified_diff(lines, after, f"a/{file}", f"b/{file}")
            patch += [each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n" for each in changed]
    return _answer(places, "".join(patch), count, given[0])


def _answer(places: Sequence[Place], patch: str, count: int, old: str) -> Answer:
    lines = tuple(each.text() for each in places)
    value, there = float(len(places)), tuple(places)
    if places:
        files = [*dict.fromkeys(each.file for each in places)]
        detail = f"{len(places)} lines still name Python {old}, in {listed(files)}"
        return Answer(Outcome.FAIL, detail, count, value, "==", 0.0, (), lines, there, patch)
    outcome = Outcome.PASS if count else Outcome.UNMEASURED
    return Answer(outcome, f"nothing names Python {old} in {count} files", count, value, "==", 0.0)


def _texts(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise UsageError(f"there is no {path}", where=str(path), hint="a folder, or one file")
    listed_by_git = _kept(path)
    files = listed_by_git if listed_by_git is not None else [each for each in path.rglob("*") if not _SKIPPED & {*each.parts}]
    yield from (each for each in files if each.is_file() and each.name not in _LEFT)


def _kept(folder: Path) -> Sequence[Path] | None:
    """What git keeps there; None where it keeps nothing."""
    try:
        ended = run(["git", "-C", str(folder), "ls-files", "-z"], ".", _LIMIT)
    except (OSError, ValueError):
        return None
    return [folder / each for each in ended.out.split("\0") if each] if ended.status == 0 and ended.out else None


def _lines(file: Path) -> Sequence[str] | None:
    """The lines of a text, with their ends; None: it is none."""
    try:
        if file.stat().st_size > _LARGEST:
            return None
        *lines, rest = file.read_bytes().decode().split("\n")  # no other sign ends a line for git
        return [*(f"{line}\n" for line in lines), *([rest] if rest else ())]
    except (OSError, ValueError):
        return None
