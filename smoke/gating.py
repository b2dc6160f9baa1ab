"""Asking a gate's question by a command of the user's own, and keeping what came of it.

A word may have ``{live}`` and ``{candidate}`` in it: the interpreters of the two slots. The exit status is the verdict: 0 passes,
12 is undecided, any other fails; a command that cannot be started, or that does not end in time, has measured nothing. A JSON
object on its last line says more: ``value``, ``sign``, ``limit``, ``n``, ``detail`` and ``files``.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from smoke.errors import Exit
from smoke.evidence import SIGNS, Evidence, File, Gate, Outcome
from smoke.foreign import printable, shortened
from smoke.private import write_private
from smoke.process import NOT_STARTED, Ended, how, last_line, run
from smoke.seams import Clock

_PYTHONS = ("live", "candidate")
_LONGEST = 500
"""Characters of a sentence."""


@dataclass(frozen=True, slots=True)
class Command:
    """What answers a gate."""

    gate: Gate
    words: Sequence[str]
    """None of them: people answer it."""
    limit: float
    """Seconds that it may take."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, of which release, and where what is said is kept."""

    project: Path
    folder: Path
    """Of evidence."""
    stack: str
    release: str
    by: str
    clock: Clock
    pythons: Mapping[str, str] = field(default_factory=dict)
    """The interpreters of ``live`` and ``candidate``, where they are of this machine."""

    def ask(self, command: Command) -> Evidence:
        """Run it, and judge what it said. Never raises for what the command does.

        Raises:
            OSError: what it said cannot be kept.
        """
        at, began = self.clock.wall(), self.clock.now()
        ours = {"CROSSFADE_STACK": self.stack, "CROSSFADE_RELEASE": self.release, "CROSSFADE_GATE": command.gate.id}
        try:
            ended = run(self._filled(command.words), str(self.project), command.limit, {**os.environ, **ours})
        except (OSError, ValueError) as error:
            ended = Ended(NOT_STARTED[-1], "", f"{command.words[0]} cannot be started: {error}")
        kept = self._kept(command.gate, at, ended)
        told = _told(ended)
        outcome = Outcome.UNMEASURED if ended.status is None or ended.status in NOT_STARTED else _outcome(ended.status)
        found = Evidence(
            command.gate.id,
            outcome,
            _detail(ended, told, command.limit),
            at,
            self.by,
            self.release,
            seconds=round(self.clock.now() - began, 3),
            **_numbers(told),
            files=(kept, *self._files(told)),
        )
        return found.judged()

    def _filled(self, words: Sequence[str]) -> Sequence[str]:
        """The words with the interpreters that they want.

        Raises:
            ValueError: there is none.
        """
        for which in _PYTHONS:
            hole, python = f"{{{which}}}", self.pythons.get(which)
            if python is None and any(hole in word for word in words):
                raise ValueError(f"{hole} is nobody's: no environment of this machine is in that slot, pulumi up makes one")
            words = [word.replace(hole, python or "") for word in words]
        return words

    def _kept(self, gate: Gate, at: float, ended: Ended) -> File:
        """What it wrote, in a file of its own: by what is in it, so that no other is ever written over."""
        text = f"{ended.out}\n--- on standard error ---\n{ended.err}"
        file = self.folder / f"{gate.id}-{at:.0f}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.txt"
        write_private(file, text)
        return _hashed(file, self.folder)

    def _files(self, told: Mapping[str, Any]) -> Sequence[File]:
        """Files that it names, which stay where they are; one that is not there is left out."""
        named = told.get("files")
        paths = [self.project / each for each in named if isinstance(each, str)] if isinstance(named, list) else []
        there = [each for each in paths if each.is_file()]
        return [_hashed(each, self.project) for each in there]


def _hashed(file: Path, folder: Path) -> File:
    return File(str(file.relative_to(folder)), hashlib.sha256(file.read_bytes()).hexdigest())


def _outcome(status: int) -> Outcome:
    return {0: Outcome.PASS, Exit.UNDECIDED: Outcome.UNDECIDED}.get(status, Outcome.FAIL)


def _told(ended: Ended) -> Mapping[str, Any]:
    """The object on its last line, or nothing."""
    try:
        document = json.loads(last_line(ended.out))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _detail(ended: Ended, told: Mapping[str, Any], limit: float) -> str:
    if ended.status is None:
        return f"it did not end within {limit:g} s, and was killed"
    said = told.get("detail")
    lines = [line for line in (*ended.out.splitlines(), *ended.err.splitlines()) if line.strip()]
    text = said if isinstance(said, str) and said else lines[-1] if lines else "without a word"
    prefix = "" if ended.status in {0, Exit.UNDECIDED} else f"{how(ended.status)}: "
    return printable(f"{prefix}{shortened(text)}")[:_LONGEST]


def _numbers(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of it is a number, or a sign; what is of another kind was not said."""
    found: dict[str, Any] = {name: float(told[name]) for name in ("value", "limit") if _is_number(told.get(name))}
    count = told.get("n")
    if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
        found["n"] = count
    if isinstance(told.get("sign"), str) and told["sign"] in SIGNS:
        found["sign"] = told["sign"]
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
