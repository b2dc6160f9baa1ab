"""What is before and what is after must be two: a comparison of one thing with itself passes whatever it is."""

from pathlib import Path
from shutil import which

from smoke.errors import UsageError


def told_apart(before: str, after: str) -> None:
    """Refuse one interpreter, or one file, that is given as both.

    Raises:
        UsageError: they are one.
    """
    if _place(before) == _place(after):
        cause = f"{before} is before and after: what is compared with itself is always as it was"
        raise UsageError(
            "nothing would be compared", cause=cause, hint="give the one of the old runtime first, then the new one's"
        )


def _place(name: str) -> Path:
    # The folder alone is resolved: the interpreters of two environments are links to one program.
    place = Path(which(name) or name)
    return place.parent.resolve() / place.name
