"""Whether a backup is one: environments are made again from its locks, elsewhere, and hold what those in use hold."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from smoke.backup.archive import Held, member
from smoke.docker import Docker
from smoke.errors import DeployError
from smoke.foreign import shortened
from smoke.process import last_line, run, uv

_LIMIT = 600.0
"""Seconds that one environment may take."""
_INSTALLED = """
import importlib.metadata, json
print(json.dumps(sorted({(each.metadata["Name"].lower(), each.version) for each in importlib.metadata.distributions()})))
"""
_BASE = "import sys; print(getattr(sys, '_base_executable', sys.executable))"


class Differs(Exception):
    """What was made again is not what there is; says why."""


def made_again(file: Path, held: Held) -> Iterator[tuple[str, str | None]]:
    """Each environment and image that the stack had, and what is wrong with it as the backup has it; None: nothing.

    Args:
        file: an archive.
        held: what was read back from it.
    """
    locks = {(each["python"], each["lock"]): each for each in held.about["environments"]}
    for (python, lock), each in sorted(locks.items()):
        name = f"environment of {each['service']} on {each['slot']}"
        yield name, _fault(python, member(file, lock)) if lock in held.digests else "its lock is not in the backup"
    for each in held.about["images"]:
        yield f"image of {each['service']} on {each['slot']}", _lost(each)


def _fault(python: str, lock: bytes) -> str | None:
    with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
        try:
            made = _made(python, lock, Path(folder))
            wanted, found = (_installed(each) for each in (python, made))
        except (Differs, OSError, ValueError) as error:
            return str(error)
    if wanted == found:
        return None
    differs = sorted({name for name, _ in {*wanted} ^ {*found}})
    return f"what is installed differs: {', '.join(differs[:5])}"


def _made(python: str, lock: bytes, folder: Path) -> str:
    """The interpreter of a new environment with that lock."""
    file, place = folder / "lock.txt", folder / "environment"
    file.write_bytes(lock)
    base = _said([python, "-I", "-c", _BASE])
    made = str(place / "bin" / "python")
    quiet = [uv(), "--quiet", "--no-progress"]
    _said([*quiet, "venv", "--python", base, str(place)])
    _said([*quiet, "pip", "install", "--require-hashes", "--python", made, "--requirement", str(file)])
    return made


def _installed(python: str) -> Sequence[Sequence[str]]:
    return [tuple(each) for each in json.loads(_said([python, "-I", "-c", _INSTALLED]))]


def _said(words: Sequence[str]) -> str:
    """The last line of what a command says.

    Raises:
        Differs: it does not end well.
        OSError, ValueError: it cannot be started.
    """
    ended = run(words, "/", _LIMIT, {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROJECT": "1"})
    if ended.status != 0:
        raise Differs(shortened(ended.err) or f"{words[0]} did not end well within {_LIMIT:g} s")
    return last_line(ended.out)


def _lost(each: Mapping[str, Any]) -> str | None:
    """What is wrong with an image: it is in no backup, and its engine must have it."""
    if "image" not in each:
        return "nobody here can ask its registry"
    try:
        Docker(each["daemon"]).asked("image", "inspect", each["image"])
    except DeployError as error:
        return f"{error.what}: {error.cause}"
    return None
