"""Folders that their owner alone may enter."""

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
