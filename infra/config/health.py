"""The health checks of a service, as they may be written: ``http: /health/``, or with its settings in a mapping."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from infra.config.kinds import Command, Seconds, UrlPath, refusal

LONGEST = 86_400.0
"""Seconds that any time of a check may have: a probe that is asked once in a day sees no rollout."""


class Check(BaseModel):
    """What every check has."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    every: Seconds = Field(default=1.0, le=LONGEST, examples=["1s"], description="how often it is asked")
    timeout: Seconds = Field(default=2.0, le=LONGEST, examples=["2s"], description="how long an answer may take")


class Http(Check):
    """The path answers with this status and, where asked for, this text."""

    kind: Literal["http"] = "http"
    path: UrlPath = Field(examples=["/health/"])
    status: int = Field(default=200, ge=100, le=599, strict=True, examples=[200])
    contains: str | None = Field(default=None, examples=["ok"])


class Tcp(Check):
    """The port takes connections."""

    kind: Literal["tcp"] = "tcp"


class Websocket(Check):
    """The path takes a websocket, and sends."""

    kind: Literal["websocket"] = "websocket"
    path: UrlPath = Field(examples=["/ws"])
    expect: Literal["message", "open"] = Field(default="message", examples=["message"])
    timeout: Seconds = Field(default=5.0, le=LONGEST, examples=["5s"])


class Streamlit(Check):
    """The page's script runs to its end without an exception."""

    kind: Literal["streamlit"] = "streamlit"
    path: UrlPath = Field(default="/", examples=["/"])
    script: Seconds = Field(default=10.0, le=LONGEST, examples=["10s"], description="how long the page's script may run")
    every: Seconds = Field(default=5.0, le=LONGEST, examples=["5s"])
    timeout: Seconds = Field(default=15.0, le=LONGEST, examples=["15s"])


class Heartbeat(Check):
    """The process beats into its file, and is connected."""

    kind: Literal["heartbeat"] = "heartbeat"
    max_age: Seconds = Field(default=5.0, le=LONGEST, examples=["5s"], description="the oldest beat that counts")


class Run(Check):
    """A command of the slot's own environment exits with 0."""

    kind: Literal["command"] = "command"
    run: Command = Field(examples=["python -m service.check"])
    every: Seconds = Field(default=5.0, le=LONGEST, examples=["5s"])
    timeout: Seconds = Field(default=10.0, le=LONGEST, examples=["10s"])


_SHORT: Mapping[str, str] = {
    "http": "path",
    "websocket": "path",
    "streamlit": "path",
    "heartbeat": "max_age",
    "command": "run",
    "tcp": "",
}


def _written(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    """``{http: /health/}`` or ``tcp`` as the mapping that the models read."""
    word = {value: None} if isinstance(value, str) else value
    known = f"a health check is one of {', '.join(sorted(_SHORT))}, with its settings"
    if not isinstance(word, Mapping) or len(word) != 1:
        raise refusal(known)
    kind, settings = next(iter(word.items()))
    if kind not in _SHORT:
        near = difflib.get_close_matches(str(kind), _SHORT, n=1)
        raise refusal(known, {near[0]: settings} if near else None)
    if settings is None:
        return {"kind": kind}
    if isinstance(settings, Mapping):
        return {**settings, "kind": kind}
    if not _SHORT[kind]:
        raise refusal(f"{kind} has no short form", kind)
    return {_SHORT[kind]: settings, "kind": kind}


AnyCheck = Annotated[
    Annotated[Http | Tcp | Websocket | Streamlit | Heartbeat | Run, Field(discriminator="kind")], BeforeValidator(_written)
]
