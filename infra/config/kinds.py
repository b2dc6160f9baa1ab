"""The kinds of value that settings are made of: lengths of time, ports, names, commands."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
RESERVED = frozenset({"HOST", "PORT"})
OURS = "CROSSFADE_"
HIGHEST_PORT = 45_535
"""The slots listen 10,000 and 20,000 above."""
Scalar = str | int | float | bool


def _seconds(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    match = _LENGTH.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        return float(match[1]) * _UNITS[match[2] or "s"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 - pydantic wants this kind
            "a length of time is a number of seconds, or a number with its unit: 500ms, 30s, 5m, 1h"
        )
    return value


def _milliseconds(value: Any) -> Any:  # noqa: ANN401
    return _seconds(value) * 1000 if isinstance(value, str) else _seconds(value)


def _words(value: Any) -> Any:  # noqa: ANN401
    words = shlex.split(value) if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError("a command is a text, or a list of its words")
    return tuple(words)


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        raise ValueError("a secret would lie open in the state of the processes; give the path of a file instead")
    raise ValueError("a variable is a text or a number")


def _variables(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, Mapping):
        raise ValueError("variables are a mapping of names to texts")  # noqa: TRY004 - pydantic wants this kind
    wrong = sorted(name for name in value if name in RESERVED or name.startswith(OURS))
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: set by Crossfade itself")
    broken = sorted(name for name in value if not name or "=" in name or "\0" in name)
    if broken:
        raise ValueError(f"{', '.join(broken)}: not a name of a variable")
    return {name: _text(each) for name, each in value.items()}


def _url_path(value: str) -> str:
    if not value.startswith("/") or " " in value:
        raise ValueError("a path begins with / and has no spaces")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]
Span = Annotated[float, BeforeValidator(_seconds), Field(ge=0, allow_inf_nan=False)]
"""Seconds, zero included."""
Milliseconds = Annotated[float, BeforeValidator(_milliseconds), Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Runtime = Annotated[str, Field(pattern=r"^py3\d{1,2}$")]
UrlPath = Annotated[str, AfterValidator(_url_path)]
Command = Annotated[tuple[str, ...], BeforeValidator(_words)]
Variables = Annotated[Mapping[str, str], BeforeValidator(_variables)]
