"""A lock for another Python with the versions that are closest to those of a lock that is in use.

What moves a runtime should move as little else as can be: each package keeps its version where that has a wheel for the new
Python, and else takes the next one that has. uv resolves; twice, for packages that only the new Python wants have no version that
they could be close to, and take the newest.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from smoke.errors import UsageError
from smoke.gates.pinned import Pin, options, pins
from smoke.process import run, uv

_LIMIT = 300.0
"""Seconds that one resolution may take."""


def relock(before: Path, wanted: Path, python: str, out: Path) -> Sequence[Pin]:
    """Write the lock, with hashes; what it pins.

    Args:
        before: the lock that is in use.
        wanted: what the program needs, as both locks are made from it.
        python: the version of the new Python, as ``3.12``.
        out: where the new lock goes.

    Raises:
        UsageError: a file cannot be read or written, or there is no such lock; says why, as uv does.
    """
    held = {each.name: each.version for each in pins(before) if each.indexed}
    with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
        place = Path(folder)
        first = _resolved(place, wanted, python, held, {}, "highest", options(before))
        new = {each.name: each.version for each in pins(first) if each.name not in held}
        found = _resolved(place, wanted, python, held, new, "lowest", options(before))
        text = found.read_text(encoding="utf-8")
        result = pins(found)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written", where=str(out), cause=str(error), hint="a file in a folder of yours"
        ) from error
    return result


def _resolved(  # noqa: PLR0913, PLR0917 - what one resolution is of
    folder: Path, wanted: Path, python: str, least: Mapping[str, str], exactly: Mapping[str, str], which: str, ways: Sequence[str]
) -> Path:
    """The lock that uv makes, with the highest or the lowest versions that may be.

    Raises:
        UsageError: there is none.
    """
    bounds, out = folder / f"{which}.bounds", folder / f"{which}.txt"
    lines = [
        *(f"{name}>={version}" for name, version in least.items()),
        *(f"{name}=={version}" for name, version in exactly.items()),
    ]
    bounds.write_text("\n".join((*ways, *lines, "")), encoding="utf-8")
    words = ["pip", "compile", "--quiet", "--generate-hashes", "--no-annotate", "--no-header", "--no-build", "--color", "never"]
    more = ["--no-python-downloads", "--python-version", python, "--resolution", which, "--constraints", str(bounds)]
    try:
        ended = run([uv(), *words, *more, "--output-file", str(out), str(wanted.absolute())], ".", _LIMIT)
    except (OSError, ValueError) as error:
        raise UsageError("uv cannot be started", cause=str(error), hint="install Crossfade with its extra 'local'") from error
    if ended.status != 0:
        cause = ended.err.strip() or f"uv did not end within {_LIMIT:g} s"
        hint = "allow what is in the way another version, in what the program needs"
        raise UsageError(f"there is no lock for Python {python} that begins at these versions", str(wanted), cause, hint)
    return out
