"""Python sources, for gates that read them: which there are, what each is, and versions of the language."""

import ast
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from smoke.errors import UsageError

Found = TypeVar("Found")
SEEN = "crossfade: seen"
"""What a line says in a comment that somebody looked at."""


def sources(path: str) -> Sequence[Path]:
    """Every source of a folder, the one that is named, or what is installed for an interpreter of an environment.

    Raises:
        UsageError: there is none of that name.
    """
    place = Path(path)
    if place.is_file() and place.parent.name == "bin" and place.suffix != ".py":
        # By its own name: the interpreter itself is elsewhere, with packages of its own. Their tests are run by nobody here.
        found = place.absolute().parent.parent.glob("lib/python3.*/site-packages/**/*.py")
        return sorted(each for each in found if "tests" not in each.parts)
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise UsageError(f"there is no folder {path}", where=path, hint="a folder with sources, or one source")
    return sorted(place.rglob("*.py"))


def folder_for(name: str) -> Path:
    """The folder that a gate writes into, which is made where it is not there.

    Raises:
        UsageError: it cannot be made.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made", where=name, cause=str(error), hint="a folder of your own") from error
    return folder


def parsed(source: bytes) -> ast.Module:
    """The syntax tree of a source; what it would warn of is not told.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python, or none that can be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what others wrote
        return ast.parse(source)


def gathered(files: Sequence[Path], read: Callable[[bytes, str], Iterator[Found]]) -> tuple[Sequence[Found], Sequence[str]]:
    """What is found in these files, and a sentence for each that cannot be read."""
    found: list[Found] = []
    unread = []
    for file in files:
        try:
            found += [*read(file.read_bytes(), str(file))]
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            unread.append(f"{file}: cannot be read: {error}")
    return found, unread


def version(text: str) -> tuple[int, int]:
    """A version of Python, as ``3.12``.

    Raises:
        UsageError: it is none.
    """
    major, _, minor = text.partition(".")
    if major != "3" or not (minor.isascii() and minor.isdigit()):
        raise UsageError(f"{text} is no version of Python", hint="as 3.9, or 3.12")
    return 3, int(minor)
