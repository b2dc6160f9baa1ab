"""One suite of tests on every Python of a way: ``crossfade gate suite FOLDER VERSION=REQUIREMENTS... WORD...``.

``suite reports 3.9=test39.txt 3.10=test39.txt 3.12=test312.txt python -m pytest tests`` has uv make an environment of each
version with those requirements, and runs the words in it. A report of each is written into the folder, and each is compared
with the first, test by test, as ``gate junit`` does. The words are pytest's, which is told to write the report; whatever else
they ask, as ``-W error::DeprecationWarning``, is asked on every Python.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer
from smoke.gates.junit import cases, compared
from smoke.gates.sources import folder_for, version
from smoke.process import how, last_line, run, uv

_HINT = "crossfade gate suite reports 3.9=test-py39.txt 3.12=test-py312.txt python -m pytest tests"
_LIMIT = 3600.0
"""Seconds that one Python may take."""
_STEP = re.compile(r"(3\.\d{1,2})=(.+)")
_RAN = {0, 1}
"""Exit statuses of pytest that ran every test: all passed, or some failed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One Python of the way."""

    python: str
    """Its version, as ``3.12``."""
    requirements: str
    """The file with what the tests need there."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of the tests on one Python."""

    python: str
    cases: Mapping[str, str]
    why: str = ""
    """Why there are none."""


def gate(given: Sequence[str]) -> Answer:
    """Run it on each, and compare.

    Raises:
        UsageError: a word makes no sense, a file is not there, or a report cannot be read.
    """
    folder, steps, words = _words(given)
    files = {each.python: folder / f"{each.python}.xml" for each in steps}
    ran = [_ran(each, files[each.python], words) for each in steps]
    return judged(ran, tuple(str(files[each.python]) for each in ran if not each.why))


def judged(ran: Sequence[Ran], files: tuple[str, ...] = ()) -> Answer:
    """What they come to: the first is what all others are compared with."""
    first, *others = ran
    unknown = [f"{each.python} was not asked: {each.why}" for each in ran if each.why]
    if first.why or not any(each.cases for each in others):
        return Answer(Outcome.UNMEASURED, "; ".join(unknown) or "no tests", 0, files=files)
    answers = {each.python: compared(first.cases, each.cases) for each in others if not each.why}
    wrong = {python: each for python, each in answers.items() if each.outcome is not Outcome.PASS}
    lines = tuple(f"{python}: {line}" for python, each in answers.items() for line in each.lines)
    count = sum(each.n for each in answers.values())
    if wrong:
        said = [f"from {first.python} to {python}: {each.detail}" for python, each in wrong.items()]
        detail = "; ".join((*said, *unknown))
        return Answer(Outcome.FAIL, detail, count, len(lines), "==", 0.0, files, lines)
    if unknown:
        return Answer(Outcome.UNDECIDED, "; ".join(unknown), count, files=files)
    least = min(each.n for each in answers.values())
    detail = f"{least} tests pass on each of {', '.join(each.python for each in ran)}"
    return Answer(Outcome.PASS, detail, count, 0.0, "==", 0.0, files)


def _words(given: Sequence[str]) -> tuple[Path, Sequence[Step], Sequence[str]]:
    found = [_STEP.fullmatch(each) for each in given[1:]]
    count = next((number for number, each in enumerate(found) if each is None), len(found))
    steps = [Step(each[1], each[2]) for each in found[:count] if each]
    words = given[1 + count :]
    if len({version(each.python) for each in steps}) < max(2, len(steps)) or not words:
        raise UsageError("gate suite wants a folder, two versions or more, each with its requirements, and a command", hint=_HINT)
    for each in steps:
        if not Path(each.requirements).is_file():
            raise UsageError(f"there is no file {each.requirements}", where=each.requirements, hint=_HINT)
    return folder_for(given[0]), steps, words


def _ran(step: Step, file: Path, words: Sequence[str]) -> Ran:
    file.unlink(missing_ok=True)
    begin = [uv(), "run", "--quiet", "--no-project", "--isolated", "--no-python-downloads"]
    more = ["--python", step.python, "--with-requirements", step.requirements]
    try:
        ended = run([*begin, *more, *words], ".", _LIMIT, _environment(file))
    except (OSError, ValueError) as error:
        return Ran(step.python, {}, f"uv cannot be started: {error}")
    if ended.status not in _RAN or not file.is_file():
        ending = f"not ended within {_LIMIT:g} s" if ended.status is None else how(ended.status) if ended.status else "no report"
        said = last_line(ended.err) or last_line(ended.out)
        return Ran(step.python, {}, f"{ending}: {shortened(said)}")
    return Ran(step.python, cases(file))


def _environment(file: Path) -> Mapping[str, str]:
    """Ours, with the report asked for, and with the interpreters of pyenv that uv finds behind no shim."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [str(each) for each in sorted(pyenv.glob("versions/3.*/bin"))]
    options = f'{os.environ.get("PYTEST_ADDOPTS", "")} --junit-xml="{file.absolute()}"'
    path = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PYTEST_ADDOPTS": options.strip(), "PATH": path}
