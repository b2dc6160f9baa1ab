"""Digests of what is deployed: a folder of source, a file of locked requirements."""

import hashlib
import os
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

IGNORED = frozenset(
    {
        ".crossfade",
        ".git",
        ".hypothesis",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".state",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
"""Made by running or looking at a program, and no part of it: folders, or links and files in their place."""


def files_of(folder: Path) -> Iterator[Path]:
    """Every file and link of a folder that is part of the program, in an order that is the same everywhere.

    Raises:
        OSError: a folder cannot be read, or holds something that is neither file, link nor folder.
    """
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if entry.name in IGNORED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from files_of(Path(entry.path))
        elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
            yield Path(entry.path)
        else:
            raise OSError(f"{entry.path} is neither a file, a link nor a folder")


def tree_digest(folder: Path) -> str:
    """Digest of a folder: names, contents, links and who may execute; not times, owners or empty folders.

    Raises:
        OSError: it cannot be read.
    """
    found = hashlib.sha256()
    for file in files_of(folder):
        name = os.fsencode(file.relative_to(folder))
        if file.is_symlink():
            kind, body = "link", os.fsencode(file.readlink())
        else:
            kind = "program" if file.stat().st_mode & stat.S_IXUSR else "file"
            body = file.read_bytes()
        found.update(b"%b %b\0%d\0%b" % (kind.encode(), name, len(body), body))
    return f"sha256:{found.hexdigest()}"


def file_digest(file: Path) -> str:
    """Digest of a file.

    Raises:
        OSError: it cannot be read.
    """
    return digest(file.read_bytes())


def digest(content: bytes) -> str:
    """Digest of bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Content:
    """Digests of what is deployed, each taken once: what is edited meanwhile is found out where it is copied."""

    def __init__(self) -> None:
        self.tree = cache(tree_digest)
        self.file = cache(file_digest)
