"""Every package as a wheel: ``crossfade gate wheels PYTHON LOCK...``, as ``wheels {candidate} locks/py312.txt``.

A package that has no wheel for an interpreter is built where it is installed: by a compiler that no image has, from what nobody
hashed. uv is asked, and installs nothing; where the index does not answer, nothing is measured.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, listed
from smoke.gates.locks import Pin, pins
from smoke.process import beside, run

_LIMIT = 300.0
"""Seconds that one question may take."""
_NONE = re.compile(r"no (?:usable )?wheels|building from source is disabled|source distributions? .*disabled", re.IGNORECASE)


class Silent(Exception):
    """uv did not answer; the text says why."""


def gate(given: Sequence[str]) -> Answer:
    """Ask for all packages of these locks.

    Raises:
        UsageError: words are missing, or a file is no lock.
    """
    if len(given) < 2:  # noqa: PLR2004 - an interpreter and a lock
        raise UsageError(
            "gate wheels wants an interpreter and a lock", hint="crossfade gate wheels .venv312/bin/python locks/py312.txt"
        )
    python, *locks = given
    every = {(pin.name, pin.version): pin for lock in locks for pin in pins(Path(lock))}
    uv = beside("uv")
    if uv is None or not every:
        why = "the locks have no package" if uv else "uv is not here, and knows wheels: it comes with crossfade[local]"
        return Answer(Outcome.UNMEASURED, why, 0)
    try:
        missing = without(uv, python, [*every.values()])
    except Silent as error:
        return Answer(Outcome.UNMEASURED, f"uv could not say: {error}", 0)
    count, files = len(every), tuple(locks)
    if missing:
        detail = f"{len(missing)} of {count} packages have no wheel for {python}: {listed(missing)}"
        lines = tuple(f"{each}: no wheel" for each in missing)
        return Answer(Outcome.FAIL, detail, count, float(len(missing)), "==", 0.0, files, lines)
    return Answer(Outcome.PASS, f"all {count} packages have a wheel", count, 0.0, "==", 0.0, files)


def without(uv: str, python: str, every: Sequence[Pin]) -> Sequence[str]:
    """Packages without a wheel: asked for together, and each alone where there is one, for uv names the first that it meets.

    Raises:
        Silent: uv does not say.
    """
    with TemporaryDirectory(prefix="crossfade-wheels-") as folder:
        if len({pin.name for pin in every}) == len(every) and _has(uv, python, every, folder):
            return ()
        return [f"{pin.name} {pin.version}" for pin in every if not _has(uv, python, [pin], folder)]


def _has(uv: str, python: str, wanted: Sequence[Pin], folder: str) -> bool:
    """Whether these can be had without a build.

    Raises:
        Silent: uv says neither.
    """
    file = Path(folder, "asked.txt")
    file.write_text("".join(f"{pin.text}\n" for pin in wanted), encoding="utf-8")
    options = ["--dry-run", "--no-build", "--no-deps", "--python", python, "--target", str(Path(folder, "nothing"))]
    try:
        ended = run([uv, "pip", "install", *options, "-r", str(file)], ".", _LIMIT)
    except (OSError, ValueError) as error:
        raise Silent(str(error)) from error
    if ended.status != 0 and not _NONE.search(ended.err):
        raise Silent(shortened(ended.err) or f"no answer within {_LIMIT:g} s")
    return ended.status == 0
