"""The kinds of value that settings are made of: lengths of time, ports, names, commands."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from infra.config.ports import HIGHEST

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 31
_PYTHON = re.compile(r"(?:c?python|py)?[ -]?3\.?(\d{1,2})(?:\.\d+)?")
RESERVED = frozenset({"HOST", "PORT"})
OURS = "CROSSFADE_"


class Model(BaseModel):
    """A frozen group of settings; a key that is not known is a fault."""

    # Built as a part of the whole alone: for each on its own as well it takes twice as long.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def refusal(cause: str, better: object = None) -> PydanticCustomError:
    """What a validator raises: why a value is refused and, where that can be guessed, what to write in its place."""
    return PydanticCustomError("refused", "{cause}", {"cause": cause, "better": better})


def _seconds(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    match = _LENGTH.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        return float(match[1]) * _UNITS[match[2] or "s"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal("a length of time is a number of seconds, or a number with its unit: 500ms, 30s, 5m, 1h, 7d")
    return value


def _milliseconds(value: Any) -> Any:  # noqa: ANN401
    return _seconds(value) * 1000 if isinstance(value, str) else _seconds(value)


def _words(value: Any) -> Any:  # noqa: ANN401
    try:
        words = shlex.split(value) if isinstance(value, str) else value
    except ValueError as error:
        raise refusal(f"it cannot be taken apart into words: {error}") from error
    if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str) for word in words):
        raise refusal("a command is a text, or a list of its words")
    return tuple(words)


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        raise refusal("a secret would lie open in the state of the processes: give the path of a file", "/path/of/a/file")
    raise refusal("a variable is a text or a number")


def _variable(name: str) -> str:
    if name in RESERVED or name.startswith(OURS):
        raise refusal("it is set by Crossfade itself")
    if not name or "=" in name or "\0" in name:
        raise refusal("a variable's name has no = in it, and is not empty")
    return name


def _url_path(value: str) -> str:
    if not value.startswith("/") or " " in value:
        raise refusal("a path begins with / and has no spaces", f"/{value.lstrip('/').replace(' ', '%20')}")
    return value


def _name(value: str) -> str:
    # Two hyphens in a row stand between a service and its slot, in names of clusters, processes and files.
    if not _NAME.fullmatch(value) or len(value) > _LONGEST:
        better = re.sub(r"[^a-z0-9]+", "-", value.lower()).lstrip("-0123456789")[:_LONGEST].rstrip("-")
        raise refusal(f"a name is of a-z, 0-9 and single hyphens, begins with a letter, has at most {_LONGEST}", better or None)
    return value


def _runtime(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str) and re.fullmatch(r"py3\d{1,2}", value):
        return value
    match = _PYTHON.fullmatch(value.lower()) if isinstance(value, str) else None
    raise refusal("a runtime is py and the version without its dot, as py312", f"py3{match[1]}" if match else None)


def _lock(value: str) -> str:
    if set(value.replace("{runtime}", "")) & {"{", "}"}:
        raise refusal("the one thing in braces it may have is {runtime}", re.sub(r"\{[^}]*\}", "{runtime}", value))
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]
Span = Annotated[float, BeforeValidator(_seconds), Field(ge=0, allow_inf_nan=False)]
"""Seconds, zero included."""
Milliseconds = Annotated[float, BeforeValidator(_milliseconds), Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=HIGHEST, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
Name = Annotated[str, AfterValidator(_name)]
Runtime = Annotated[str, BeforeValidator(_runtime)]
Lock = Annotated[str, Field(min_length=1), AfterValidator(_lock)]
UrlPath = Annotated[str, AfterValidator(_url_path)]
Command = Annotated[tuple[str, ...], BeforeValidator(_words)]
Variables = dict[Annotated[str, AfterValidator(_variable)], Annotated[str, BeforeValidator(_text)]]
