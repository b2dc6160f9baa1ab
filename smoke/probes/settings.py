"""The settings of a probe, as the contract carries them: whole, known, and of the right kind, or refused by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.contract import Json
from smoke.errors import UsageError

EVERY = 1.0
"""Seconds from one look to the next, where nothing else is asked for."""
_DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what a person may write, and what stands where it is left out."""

    wanted: str
    """What it must be, in words."""
    holds: Callable[[Json], bool]
    default: Json = ...
    """``...``: it must be there."""


def seconds(default: Json = ...) -> Setting:
    """A length of time."""
    return Setting("seconds above 0, a day at most", lambda value: _number(value) and 0 < value <= _DAY, default)


def path(default: Json = ...) -> Setting:
    """A path of a URL."""
    return Setting("a path that begins with /", lambda value: isinstance(value, str) and value.startswith("/"), default)


def one_of(*words: str) -> Setting:
    """One of these words."""
    return Setting(" or ".join(words), lambda value: value in words)


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(low: int, high: int, default: Json = ...) -> Setting:
    """A whole number between these two."""
    return Setting(
        f"from {low} to {high}", lambda value: _number(value) and low <= value <= high and value == int(value), default
    )


def text_or_none() -> Setting:
    """A text; None where it is not wanted."""
    return Setting("a text or null", lambda value: value is None or isinstance(value, str), None)


def words() -> Setting:
    """A list of texts, of at least one."""
    return Setting(
        "a list of texts", lambda value: isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
    )


def settings(kind: str, given: Mapping[str, Json], own: Mapping[str, Setting]) -> dict[str, Json]:
    """The settings of one probe, every default filled in, without ``every``, which is the sampler's.

    Raises:
        UsageError: some are missing, unknown or of the wrong kind; names each of them.
    """
    known = {**own, "every": seconds(EVERY), "timeout": seconds()}
    filled = {**{name: each.default for name, each in known.items() if each.default is not ...}, **given}
    wrong = [f"{name} is missing" for name in known if name not in filled]
    wrong += [f"{name} is unknown" for name in filled if name not in known]
    wrong += [
        f"{name} is {known[name].wanted}, not {value!r}"
        for name, value in filled.items()
        if name in known and not known[name].holds(value)
    ]
    if wrong:
        hint = f"it has: {', '.join(f'{name} ({each.wanted})' for name, each in sorted(known.items()))}"
        raise UsageError(f"probe {kind}: {'; '.join(sorted(wrong))}", hint=hint)
    return {name: value for name, value in filled.items() if name != "every"}
