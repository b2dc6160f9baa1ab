"""Programs that read sources, where somebody has them: ``crossfade gate linters OLD FOLDER...``, as ``linters 3.9 src``.

vermin says what the old Python does not have, and so what the way back would fall over; flake8 and ruff say what is no Python, or
has no name. Those that are on PATH are asked. None of them sees what was removed, or what does something else: of snippets that
break they find next to nothing (docs/pitfalls.md), so a pass here is a pass of these questions alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, listed
from smoke.gates.sources import sources, version
from smoke.process import beside, last_line, run

_LIMIT = 300.0
"""Seconds that one of them may take."""
_WRONG = "E9,F63,F7,F82"
"""What is no Python, compares what cannot be compared, or has no name: rules that flake8 and ruff both have."""
_STYLE = "UP031,UP032"
"""Old ways of putting texts together: counted, and never in the way."""


@dataclass(frozen=True, slots=True)
class Linter:
    """One of them."""

    name: str
    words: Sequence[str]
    """What it is asked, before the folders."""
    begins: str = ""
    """What a line begins with that is a finding; the others are talk."""

    def findings(self, text: str) -> Sequence[str]:
        """Of what it wrote."""
        return [each.strip() for each in text.splitlines() if each.strip() and each.startswith(self.begins)]


class Unread(Exception):
    """It did not come to an end; says why."""


def gate(given: Sequence[str]) -> Answer:
    """Ask those that are there.

    Raises:
        UsageError: the version is none, or a folder is not there.
    """
    if len(given) < 2:  # noqa: PLR2004 - a version and a folder
        raise UsageError("gate linters wants the old version and a folder", hint="crossfade gate linters 3.9 src")
    old, *folders = given
    count = len({file for folder in folders for file in sources(folder)})
    asked = [each for each in _linters(*version(old)) if beside(each.name)]
    if not asked:
        return Answer(Outcome.UNMEASURED, "neither vermin nor flake8 nor ruff is on PATH", 0)
    try:
        found = {each.name: _found(each, folders) for each in asked}
    except Unread as error:
        return Answer(Outcome.UNMEASURED, str(error), 0)
    return judged(found, count)


def judged(found: Mapping[str, Sequence[str]], count: int) -> Answer:
    """What those that were asked found in so many files."""
    style = [each for each in found.get("ruff", ()) if _is_style(each)]
    wrong = {name: [each for each in lines if not _is_style(each)] for name, lines in found.items()}
    lines = tuple(f"{name}: {each}" for name, every in found.items() for each in every)
    counts = ", ".join(f"{name} {len(every)}" for name, every in wrong.items())
    total = sum(len(every) for every in wrong.values())
    aside = f"; {len(style)} old ways of putting texts together, which hold nothing up" if "ruff" in found else ""
    worst = f": {listed([each for every in wrong.values() for each in every])}" if total else ""
    detail = f"in {count} files {counts}{worst}{aside}"
    outcome = Outcome.UNMEASURED if not count else Outcome.FAIL if total else Outcome.PASS
    return Answer(outcome, detail, count, total, "==", 0.0, (), lines)


def _is_style(line: str) -> bool:
    return any(f" {rule} " in line for rule in _STYLE.split(","))


def _linters(major: int, minor: int) -> Sequence[Linter]:
    ruff = ("check", "--isolated", "--quiet", "--output-format=concise", f"--target-version=py{major}{minor}")
    return (
        Linter("vermin", ("--no-tips", "--violations", f"-t={major}.{minor}-"), "  "),
        Linter("flake8", ("--isolated", f"--select={_WRONG}")),
        Linter("ruff", (*ruff, f"--select={_WRONG},{_STYLE}")),
    )


def _found(linter: Linter, folders: Sequence[str]) -> Sequence[str]:
    """What one of them finds.

    Raises:
        Unread: it cannot be asked.
    """
    program = beside(linter.name) or linter.name
    try:
        ended = run([program, *linter.words, *folders], ".", _LIMIT)
    except (OSError, ValueError) as error:
        raise Unread(f"{linter.name} cannot be started: {error}") from error
    found = linter.findings(ended.out)
    if ended.status not in {0, 1} or (ended.status == 1 and not found):
        said = last_line(ended.err) or last_line(ended.out) or f"no answer within {_LIMIT:g} s"
        raise Unread(f"{linter.name} did not come to an end: {shortened(said)}")
    return found
