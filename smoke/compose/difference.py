"""What an override changes in the end: the effective values of both sides, compared, and told without a secret."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from smoke.redaction import HIDDEN, redacted, secrets_in

_NOTHING = object()
_LONG = "x" * 8
"""Long enough to be looked at."""


def changed(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, value before and value after of all that differs, None where there is none; a list is one value."""
    for key in sorted({*old, *new}, key=str):
        before, after = old.get(key, _NOTHING), new.get(key, _NOTHING)
        path = f"{at}.{key}" if at else str(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from changed(before, after, path)
        elif before != after:
            yield path, None if before is _NOTHING else before, None if after is _NOTHING else after


def unified(old: Mapping[str, Any], new: Mapping[str, Any], names: tuple[str, str]) -> list[str]:
    """The lines of a unified diff of both, as YAML in the order of their keys."""
    before, after = (yaml.safe_dump(each, allow_unicode=True, width=1_000).splitlines() for each in (old, new))
    return list(difflib.unified_diff(before, after, *names, lineterm=""))


def secrets_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Every text in it whose name is a secret's: it may stand in other places too."""
    # One name can have two values: they are given names of their own.
    named = {f"{number}_SECRET": text for number, (name, text) in enumerate(_named(document)) if _is_secret(name)}
    return secrets_in(named)


def hidden(value: Any, secrets: tuple[str, ...]) -> Any:  # noqa: ANN401 - whatever JSON has
    """The same with ``***`` for these, for every value whose name is a secret's, and for passwords in texts."""
    if isinstance(value, Mapping):
        return {name: _shown(name, each, secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [hidden(each, secrets) for each in value]
    return redacted(value, secrets) if isinstance(value, str) else value


def _shown(name: object, value: Any, secrets: tuple[str, ...]) -> Any:  # noqa: ANN401 - dito
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return HIDDEN if plain and value != "" and _is_secret(str(name)) else hidden(value, secrets)


def _is_secret(name: str) -> bool:
    return bool(secrets_in({name: _LONG}))


def _named(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - dito
    """Every text that has a name."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if isinstance(each, str):
                yield str(name), each
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)
