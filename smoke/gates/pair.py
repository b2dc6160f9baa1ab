"""What is before and what is after must be two: a comparison of one thing with itself passes whatever it is."""

from pathlib import Path
from shutil import which


class Same(Exception):
    """What is before is what is after; says so."""


def told_apart(before: str, after: str) -> None:
    """Refuse one interpreter, or one file, that is given as both.

    Raises:
        Same: they are one.
    """
    if _place(before) == _place(after):
        raise Same(f"nothing would be compared: {before} is before and after, and what is compared with itself is as it was")


def _place(name: str) -> Path:
    # The folder alone is resolved: the interpreters of two environments are links to one program.
    place = Path(which(name) or name)
    return place.parent.resolve() / place.name
