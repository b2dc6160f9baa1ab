"""Folders that their owner alone may enter, and files that nobody else may read."""

import os
from pathlib import Path


def private_folder(folder: Path) -> None:
    """Have it, and every one above it that is missing: a umask may allow more, and is not asked.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        if not folder.parent.exists():
            private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_private(file: Path, text: str) -> None:
    """Replace a file as a whole, making its folder; whoever reads it sees the old text or the new one.

    Raises:
        OSError: it cannot be written.
    """
    private_folder(file.parent)
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    draft.rename(file)
