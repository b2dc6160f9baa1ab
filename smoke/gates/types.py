"""Types, as each runtime has them: ``crossfade gate types BEFORE AFTER PATH...``.

It has ``ty`` read the program twice, with what is installed for each interpreter, and tells the errors of the new one alone:
members, arguments and modules that are gone. Old errors are not this gate's. New warnings, as of what is deprecated, are told.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, Place, listed
from smoke.gates.pair import told_apart
from smoke.gates.sources import sources
from smoke.process import beside, last_line, run

_LIMIT = 600.0
"""Seconds that one reading may take."""
_READ = {0, 1}
"""Exit statuses of a checker that read everything."""
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


class Unread(Exception):
    """The checker did not come to an end; the text says why."""


def gate(given: Sequence[str]) -> Answer:
    """Read a program for both.

    Raises:
        UsageError: words are missing, or a path is not there.
    """
    hint = "crossfade gate types .venv39/bin/python .venv312/bin/python src"
    if len(given) < 3:  # noqa: PLR2004 - see the hint
        raise UsageError("gate types wants two interpreters and what to read", hint=hint)
    before, after, *paths = given
    told_apart(before, after)
    count = len({file for path in paths for file in sources(path)})
    checker = beside("ty")
    if checker is None:
        return Answer(Outcome.UNMEASURED, "ty is not here, and reads the types: it comes with crossfade[check]", 0)
    try:
        old, new = (troubles(checker, python, paths) for python in (before, after))
    except Unread as error:
        return Answer(Outcome.UNMEASURED, str(error), 0)
    return compared(old, new, count)


def compared(old: Sequence[Place], new: Sequence[Place], count: int) -> Answer:
    """What is there with the new one alone, of so many files."""
    known = Counter(_key(each) for each in old)
    found = []
    for each in sorted(new, key=lambda place: place.level):  # errors come first
        known[_key(each)] -= 1
        if known[_key(each)] < 0:
            found.append(each)
    errors, lines = [each.text() for each in found if each.level == "error"], tuple(each.text() for each in found)
    if errors:
        detail = f"{len(errors)} errors that the old runtime does not have: {listed(errors)}"
        return Answer(Outcome.FAIL, detail, count, len(errors), "==", 0.0, (), lines, tuple(found))
    more = f", {len(found)} warnings are new" if found else ""
    detail = f"no error in {count} files that the old runtime does not have{more}"
    return Answer(Outcome.PASS if count else Outcome.UNMEASURED, detail, count, 0.0, "==", 0.0, (), lines, tuple(found))


def _key(place: Place) -> tuple[str, str]:
    """What it is, wherever in its file; the same may be there twice."""
    return place.file, place.says


def troubles(checker: str, python: str, paths: Sequence[str]) -> Sequence[Place]:
    """All that the checker says for an interpreter.

    Raises:
        Unread: it cannot be asked, or did not read everything.
    """
    version = _ran([python, "-c", _VERSION])
    options = ["--no-progress", "--output-format", "gitlab", "--python", python, "--python-version", version]
    text = _ran([checker, "check", *options, *paths], _READ)
    try:
        return [_place(each) for each in json.loads(text)]
    except (ValueError, LookupError, TypeError) as error:
        raise Unread(f"{checker} says what it was not asked: {shortened(text)}") from error


def _ran(words: Sequence[str], statuses: set[int] | None = None) -> str:
    try:
        ended = run(words, ".", _LIMIT)
    except (OSError, ValueError) as error:
        raise Unread(f"{words[0]} cannot be started: {error}") from error
    if ended.status not in (statuses or {0}):
        raise Unread(f"{words[0]} did not come to an end: {shortened(last_line(ended.err) or last_line(ended.out))}")
    return ended.out.strip()


def _place(said: Any) -> Place:  # noqa: ANN401 - a stranger's document
    where, rule = said["location"], str(said["check_name"])
    says = shortened(str(said["description"]).removeprefix(f"{rule}: "))
    level = "warning" if said["severity"] in {"info", "minor"} else "error"
    return Place(str(where["path"]), int(where["positions"]["begin"]["line"]), rule, says, level)
