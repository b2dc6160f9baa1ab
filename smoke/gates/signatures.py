"""Errors that are new: ``crossfade gate signatures BEFORE.log AFTER.log``, logs of the old runtime and of the new one.

A line is an error's where it says so itself (ERROR, CRITICAL, FATAL, ``level`` in JSON), or ends a traceback. Its signature is
the line without what is another each time: times, numbers, addresses, texts in quotes. One that the old log has not fails.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, listed
from smoke.gates.pair import told_apart

_LEVEL = re.compile(
    r"\b(?:ERROR|CRITICAL|FATAL)\b|(?i:\"(?:level|levelname|severity)\"\s*:\s*\"(?:error|critical|fatal)\"|\blevel=\"?(?:error|critical|fatal)\b)"
)
_RAISED = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Timeout|Interrupt|Exit|Warning)\b(?::|$)")
"""The last line of a traceback."""
_MOVING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<address>"),
    (re.compile(r"\"[^\"]*\"|'[^']*'"), "<text>"),
    (re.compile(r"\b[0-9a-f]{12,}\b", re.IGNORECASE), "<hash>"),
    (re.compile(r"\d+(?:\.\d+)*"), "<n>"),
)
_LONGEST = 2000
"""Characters of a line that are looked at."""


def gate(given: Sequence[str]) -> Answer:
    """Compare two logs.

    Raises:
        UsageError: one of them cannot be read.
    """
    if len(given) != 2:  # noqa: PLR2004 - both
        raise UsageError("gate signatures wants two logs", hint="crossfade gate signatures py39.log py312.log")
    told_apart(*given)
    (old, lines_before), (new, lines_after) = (_read(Path(each)) for each in given)
    return compared(old, new, lines_before, lines_after, tuple(given))


def compared(old: Counter[str], new: Counter[str], before: int, after: int, files: tuple[str, ...] = ()) -> Answer:
    """Signatures with how often they are there, and how many lines each log has."""
    if not after:
        return Answer(Outcome.UNMEASURED, "the new log has no line", 0, files=files)
    unknown = [name for name, _ in new.most_common() if name not in old]
    lines = tuple(f"{new[name]} times: {name}" for name in unknown)
    if unknown and not before:
        detail = f"{len(unknown)} kinds of errors, and no line of the old runtime to compare them with"
        return Answer(Outcome.UNDECIDED, detail, after, files=files, lines=lines)
    if unknown:
        detail = f"{len(unknown)} kinds of errors are new: {listed(lines)}"
        return Answer(Outcome.FAIL, detail, after, len(unknown), "==", 0.0, files, lines)
    detail = f"no new kind of error in {after} lines; {len(new)} known ones, {new.total()} times"
    return Answer(Outcome.PASS, detail, after, 0.0, "==", 0.0, files)


def signatures(lines: Sequence[str]) -> Iterator[str]:
    """What each error in these lines is."""
    for line in lines:
        text = line.strip()[:_LONGEST]
        if _LEVEL.search(text) or _RAISED.match(text):
            yield signature(text)


def signature(text: str) -> str:
    """An error without what is another each time."""
    document = re.search(r"\"(?:message|msg|event)\"\s*:\s*\"((?:[^\"\\]|\\.)*)\"", text)
    if document:
        text = document[1]
    for pattern, name in _MOVING:
        text = pattern.sub(name, text)
    return shortened(text)


def _read(file: Path) -> tuple[Counter[str], int]:
    found: Counter[str] = Counter()
    count = 0
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:  # a log may be larger than memory
                count += bool(line.strip())
                found.update(signatures([line]))
    except OSError as error:
        raise UsageError(f"{file} cannot be read", where=str(file), cause=str(error), hint="a log, line by line") from error
    return found, count
