"""What an image's own Python says of itself: one JSON document, on the last line of standard output.

It is run in a container that is thrown away, by the image's own Python: standard library alone, in the syntax of 3.9. Modules are
imported in a process that may crash, hang or leave; what fails beside others is tried once more alone. With the word ``deep``
every module of the program is one of them, not the first folders alone.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Imported = tuple["str", "str | None", "str | None", bool]
"""Name, error, module that is missing (empty: the module says itself that it lacks something), whether it took too long."""

EACH = 30
"""Seconds that one import may take."""
ALL = 240.0
"""Seconds that all imports may take."""
SHOWN = 300
"""Characters of an error that are told."""

IMPORTING = """
import importlib, json, os, signal, sys

def lacking(error):
    if not isinstance(error, ImportError) or error.path or (error.name and not isinstance(error, ModuleNotFoundError)):
        return None
    while error and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__ or error.__context__
    return error and error.name or ""

out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
for name in sys.argv[1:]:
    out.write(json.dumps([name]) + chr(10))
    signal.alarm(EACH)
    said = [name, None, None]
    try:
        importlib.import_module(name)
    except BaseException as error:
        said = [name, "%s: %s" % (type(error).__name__, error), lacking(error)]
    signal.alarm(0)
    out.write(json.dumps(said) + chr(10))
os._exit(0)
"""


def modules(*, deep: bool) -> dict[str, str | None]:
    """Names of all top-level modules, the program's own first, and the distribution of each; None for the program's own.

    With ``deep`` the program's own are not the top-level ones alone.
    """
    found: dict[str, str | None] = {}
    for entry in sorted(os.scandir("."), key=lambda each: each.name):
        name = entry.name[:-3] if entry.name.endswith(".py") and entry.is_file() else entry.name
        package = entry.is_dir() and Path(entry.path, "__init__.py").exists()
        if name.isidentifier() and (package or name != entry.name):
            found[name] = None
            found.update(dict.fromkeys(_below(Path(entry.path)) if package and deep else ()))
    for distribution in importlib.metadata.distributions():
        for name in sorted(_of(distribution)):
            found.setdefault(name, distribution.metadata["Name"])
    return found


def _below(folder: Path) -> Iterator[str]:
    """Modules within a package, by their dotted names; not the one that runs it."""
    for file in sorted(folder.rglob("*.py")):
        parts = file.with_suffix("").relative_to(folder.parent).parts
        inside = all(Path(folder.parent, *parts[:depth], "__init__.py").exists() for depth in range(1, len(parts)))
        if inside and parts[-1] not in {"__init__", "__main__"} and all(part.isidentifier() for part in parts):
            yield ".".join(parts)
        elif inside and parts[-1] == "__init__" and len(parts) > 2:  # noqa: PLR2004 - the package itself is known
            yield ".".join(parts[:-1])


def _of(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    """Modules of a distribution: the first folder that is a package, or the file itself."""
    files = [file.parts for file in distribution.files or () if file.suffix in (".py", ".so")]
    packages = {parts[:-1] for parts in files if parts[-1] == "__init__.py"}
    for parts in files:
        if len(parts) == 1:
            name = parts[0].split(".")[0]
        else:
            name = next((".".join(parts[:depth]) for depth in range(1, len(parts)) if parts[:depth] in packages), "")
        if name and all(part.isidentifier() for part in name.split(".")):
            yield name


def imported(names: Iterable[str], deadline: float) -> dict[str, Imported]:
    """What became of importing these, in one process after the other: ``name, error, missing, slow``."""
    rest = list(names)
    found: dict[str, Imported] = {}
    while rest:
        left = deadline - time.monotonic()
        if left <= 0:
            found.update((name, (name, "there was no time left to import it", None, True)) for name in rest)
            break
        lines, code = _child(rest, left)
        ended = [line for line in lines if len(line) > 1]
        found.update((name, (name, error, missing, False)) for name, error, missing in ended)
        begun = [line[0] for line in lines if len(line) == 1 and line[0] not in found]
        for name in begun or (rest[:1] if not lines else ()):
            slow = code in (None, -14)
            found[name] = (name, "it takes too long" if slow else f"it ended the process with {code}", None, slow)
        rest = [name for name in rest if name not in found]
    return found


def _child(names: list[str], limit: float) -> tuple[list[list[str]], int | None]:
    """Lines that a process wrote which imports these, and its exit code; None where it took too long."""
    words = [sys.executable, "-c", IMPORTING.replace("EACH", str(EACH)), *names]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit, check=False
        )
        said, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        said, code = error.stdout or b"", None
    return [json.loads(line) for line in said.splitlines() if line.startswith(b"[")], code


def packages() -> dict[str, str] | None:
    """Packages of the operating system and their versions; None where it is no Debian."""
    words = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n"]
    try:
        said = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(line.split(" ", 1) for line in said.decode("utf-8", "replace").splitlines() if " " in line)


def openssl() -> str | None:
    """The library that Python's own ``ssl`` uses; None where there is none."""
    try:
        import ssl  # noqa: PLC0415 - a Python may lack it
    except ImportError:
        return None
    return ssl.OPENSSL_VERSION


def main() -> None:
    """Tell everything."""
    deadline, known = time.monotonic() + ALL, modules(deep="deep" in sys.argv[1:])
    found = imported(known, deadline)
    for name in [name for name, said in found.items() if said[1] and len(known) > 1]:
        found.update(imported([name], deadline))
    told = [{"name": n, "of": known[n], "error": e and e[:SHOWN], "missing": m, "slow": s} for n, e, m, s in found.values()]
    document = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "uid": os.getuid(),
        "modules": told,
        "packages": packages(),
        "openssl": openssl(),
    }
    sys.stdout.write("\n" + json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
