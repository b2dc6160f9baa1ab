"""What drivers and the watchdog of a stack tell each other through two small files beside the journal."""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from infra.contract import Json
from smoke.private import write_private

AWAY = 10.0
"""Seconds without a beat after which the watchdog counts as away."""
_SHELL = frozenset({"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER"})
_ENGINE = frozenset({"BUILDX_CONFIG", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST"})
"""What says where containers are made. No other variable of Docker's: one of them is a list of passwords."""
_SECRET = re.compile(r"(PASS|SECRET|TOKEN|KEY|CREDENTIAL|PULUMI_CONFIG$)(?!.*_FILE$)")
"""Never written down. A passphrase is found by PULUMI_CONFIG_PASSPHRASE_FILE."""


def remember_shell(folder: Path, shell: Mapping[str, str]) -> None:
    """Write down by what Pulumi and the engine are found: without it nobody could take the stack back in a driver's place.

    No secret is kept.
    """
    words = {name: value for name, value in shell.items() if name in _SHELL | _ENGINE or name.startswith("PULUMI_")}
    _write(folder / "shell.json", {name: value for name, value in words.items() if not _SECRET.search(name) and "@" not in value})


def remembered_shell(folder: Path) -> Mapping[str, str]:
    """What the last driver's shell had; empty where none was written down."""
    return {name: value for name, value in _read(folder / "shell.json").items() if isinstance(value, str)}


def beat(folder: Path, now: float) -> None:
    """Say that the watchdog is there, at ``now`` of the machine's monotonic clock."""
    _write(folder / "watchdog.json", {"pid": os.getpid(), "at": now})


def on_guard(folder: Path, now: float) -> bool:
    """Whether the watchdog is there, by its last beat."""
    at = _read(folder / "watchdog.json").get("at")
    return isinstance(at, (int, float)) and 0.0 <= now - at <= AWAY


def _write(file: Path, words: Mapping[str, Json]) -> None:
    with suppress(OSError):  # on a full disk traffic must go back all the same
        write_private(file, json.dumps(words))


def _read(file: Path) -> Mapping[str, Json]:
    try:
        words = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return words if isinstance(words, dict) else {}
