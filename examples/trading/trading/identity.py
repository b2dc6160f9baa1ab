"""Who this process is and where its neighbours are, read once into a frozen value.

Standard library only. What the process does belongs to its own file.
"""

import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from trading.settings import MalformedSettingError, choice, number

VERSION_HEADER = "x-crossfade-version"
WRONG_VERSION = "py27-000000000000"

# What the interpreter is, not what somebody says it is: a slot started with the
# wrong interpreter must show itself.
RUNTIME = f"py{sys.version_info.major}{sys.version_info.minor}"


@dataclass(frozen=True)
class Identity:
    """One process of one slot.

    `heartbeat` is None when nobody wants to read it. `fence` is None when the process
    is no singleton. `exchange` is None when there is none to follow.
    """

    service: str
    slot: str
    version: str
    host: str
    port: int
    data: Path
    heartbeat: Optional[Path]
    fence: Optional[Path]
    exchange: Optional[str]
    api: str
    runtime: str = RUNTIME
    pid: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.time)


def from_environment(environ: Mapping[str, str], *, service: str, port: int) -> Identity:
    """The identity the toolkit gave, or one good for a start by hand."""
    name = environ.get("CROSSFADE_SERVICE") or service
    return Identity(
        service=name,
        slot=choice(environ, "CROSSFADE_SLOT", ("blue", "green")),
        version=_version(environ),
        host=environ.get("HOST") or "127.0.0.1",
        port=int(number(environ, "PORT", default=port, low=1, high=65535)),
        data=Path(environ.get("CROSSFADE_DATA") or Path(".state") / name),
        heartbeat=_path(environ, "CROSSFADE_HEARTBEAT"),
        fence=_path(environ, "CROSSFADE_FENCE"),
        exchange=environ.get("TRADING_EXCHANGE") or None,
        api=environ.get("TRADING_API") or "http://127.0.0.1:8080",
    )


def _path(environ: Mapping[str, str], name: str) -> Optional[Path]:
    text = environ.get(name)
    return Path(text) if text else None


def _version(environ: Mapping[str, str]) -> str:
    text = environ.get("CROSSFADE_VERSION") or f"{RUNTIME}-000000000000"
    match = re.fullmatch(r"py\d+-([0-9a-f]{12})", text)
    if match is None:
        raise MalformedSettingError("CROSSFADE_VERSION", text, "<runtime>-<12 hex digits>, as py312-0123456789ab")
    return f"{RUNTIME}-{match.group(1)}"
