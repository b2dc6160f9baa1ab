"""The settings of a backend, as the contract carries them: whole, known, and of the right kind, or refused by name."""

from collections.abc import Callable, Mapping

from infra.contract import Json
from smoke.errors import UsageError

Kind = Callable[[Json], bool]
"""Whether a value is of that kind."""


def is_text(value: Json) -> bool:
    """A text that says something."""
    return isinstance(value, str) and bool(value)


def is_flag(value: Json) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_seconds(value: Json) -> bool:
    """A length of time that passes and ends; true is no number."""
    return type(value) in {int, float} and 0 < value < float("inf")


def check(what: str, given: Mapping[str, Json], needed: Mapping[str, Kind], optional: Mapping[str, Kind], hint: str) -> None:
    """Refuse settings that ``what`` does not know or cannot use.

    Args:
        what: seam and backend, as ``router envoy``.
        given: what the contract has.
        needed: kinds of what must be there.
        optional: kinds of what may be there.
        hint: what there is, in words.

    Raises:
        UsageError: some are missing, unknown or of the wrong kind; names each of them.
    """
    kinds = {**needed, **optional}
    wrong = {name for name, value in given.items() if name not in kinds or not kinds[name](value)}
    wrong |= needed.keys() - given.keys()
    if wrong:
        raise UsageError(f"{what}: {', '.join(sorted(wrong))} is missing, unknown or of the wrong kind", hint=hint)
