"""The real program, as a person starts it; and a project that was brought up, written without Pulumi."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.contract import Backend, Contract, Placement, Service
from smoke.journals import FileJournal
from smoke.rollout import Event, to_record

PROGRAM = Path(sys.prefix) / "bin" / "crossfade"
LIMIT = 120.0
"""Seconds after which a command counts as hung."""
_COMPILED = tempfile.TemporaryDirectory(prefix="crossfade-compiled-")
"""Where the programs of a test run keep what they compiled, so that not every one of them compiles everything again."""
atexit.register(_COMPILED.cleanup)


def crossfade(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None, python: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder. ``python`` are options of the interpreter."""
    return subprocess.run(
        [sys.executable, *python, str(PROGRAM), *arguments],
        cwd=folder,
        env={**shell(), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def shell() -> dict[str, str]:
    """The environment of a command: what Pulumi is told on this machine must not decide what a test finds."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    return {**inherited, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": _COMPILED.name}


def documents(text: str) -> list[Any]:
    """Every JSON document of an output; fails where a line is none."""
    return [json.loads(line) for line in text.splitlines()]


def bring_up(folder: Path, router: Backend, events: Sequence[Event] = ()) -> Path:
    """A project ``shop`` whose stack ``staging`` is up, with one service and the journal of one rollout; returns the journal."""
    (folder / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    (folder / "Pulumi.staging.yaml").write_text("config: {}\n", encoding="utf-8")
    state = folder / ".state" / ".pulumi" / "stacks" / "shop" / "staging.json"
    state.parent.mkdir(parents=True)
    root = {"type": "pulumi:pulumi:Stack", "outputs": {"crossfade": _contract(router).to_json()}}
    state.write_text(json.dumps({"checkpoint": {"latest": {"resources": [root]}}}), encoding="utf-8")
    journal = folder / ".state" / ".crossfade" / "shop" / "staging"
    if events:
        with FileJournal(journal).open("0001-abc") as writer:
            for event in events:
                writer.append(to_record(event))
    return journal


def _contract(router: Backend) -> Contract:
    placements = {slot: _placement(slot) for slot in ("blue", "green")}
    meter = Backend("envoy", {"service": "api", "admin": "/nowhere/envoy.sock"})
    service = Service("api", "http", (), placements, (), router, meter, None, "http://127.0.0.1:8080")
    releases = {"blue": "b", "green": "g"}
    return Contract("staging", "local", "blue", "once", (service,), plan={}, config={}, releases=releases)


def _placement(slot: str) -> Placement:
    return Placement(
        service="api",
        slot=slot,
        runtime="py312",
        artefact=f"sha256:{'0' * 64}",
        version=f"py312-{'0' * 12}",
        address=None,
        heartbeat=None,
        python=sys.executable,
        folder="/",
        environment={},
        inputs={},
    )
