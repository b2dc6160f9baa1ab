"""The heartbeat file: one JSON object, replaced whole, so that no reader sees half of it.

Standard library only. What a beat means belongs to the process that beats.
"""

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional


@dataclass(frozen=True)
class Beat:
    """The state of the agent at one moment. `token` is None while it does not hold the fence."""

    version: str
    slot: str
    pid: int
    started: float
    beats: int
    at: float
    connected: bool
    holding: bool
    token: Optional[int]


def write(path: Path, beat: Beat) -> None:
    """Replace the file with this beat."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{beat.pid}")
    fresh.write_text(json.dumps(dataclasses.asdict(beat)), encoding="utf-8")
    os.replace(fresh, path)  # noqa: PTH105  the name of the act that is atomic
