"""What of a stack belongs into its backup, and where that is."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.contract import Contract, Json, Placement, short
from smoke.backup.archive import Part
from smoke.docker import Docker
from smoke.stack.command import pulumi
from smoke.stack.project import Project

_LIMIT = 120.0
"""Seconds that Pulumi may take to say its state."""

_NOW = (".", "lease", "watchdog")
"""How files of a journal begin that say who is at work now, or keep room for it."""


def parts_of(project: Project, contract: Contract, folder: Path) -> Mapping[str, Part]:
    """Every member of the archive, by its name.

    Args:
        project: the stack is of.
        contract: of the stack.
        folder: where its journal is, or what lies beside it.

    Raises:
        DeployError: Pulumi does not say its state.
        OSError: something of it cannot be read.
    """
    found: dict[str, Part] = {
        "contract.json": json.dumps(contract.to_json(), indent=1).encode(),
        "state.json": _state(project, contract.stack),
        **{f"settings/{file.name}": file for file in (project.folder / "Pulumi.yaml", project.settings(contract.stack))},
    }
    # What is written to while we read is read at once: a line that is added later is none of this backup.
    # Where the journal is elsewhere the folder has all that is placed on this machine, and evidence.
    beside = folder if project.state is not None else folder / "evidence"
    remembered = ((file.relative_to(folder), file) for _, file in _below(beside) if not file.name.startswith(_NOW))
    found |= {f"journal/{name}": file.read_bytes() for name, file in remembered}
    home = project.folder / ".crossfade" / contract.stack
    for digest in map(short, _named(contract, "source")):
        found |= {f"sources/{digest}/{name}": file for name, file in _below(home / "sources" / digest)}
    for digest in map(short, _named(contract, "lock")):
        file = home / "locks" / f"{digest}.txt"
        found |= {f"locks/{digest}.txt": file} if file.is_file() else {}
    return found


def about(contract: Contract, by: str, at: float) -> Mapping[str, Any]:
    """What is said of the stack: by whom and when (seconds since 1970) it was copied, what each slot holds, and which images."""
    placed = [each for service in contract.services for each in service.placements.values()]
    return {
        "stack": contract.stack,
        "target": contract.target,
        "at": at,
        "by": by,
        "releases": dict(contract.releases),
        "environments": [each for placement in placed if not placement.imaged if (each := _environment(placement))],
        "images": [{"slot": each.slot, "service": each.service, **_image(each)} for each in placed if each.imaged],
    }


def _environment(placement: Placement) -> Mapping[str, Json]:
    lock = placement.inputs.get("lock")
    name = f"locks/{short(str(lock))}.txt"
    return {"slot": placement.slot, "service": placement.service, "python": placement.python, "lock": name} if lock else {}


def _image(placement: Placement) -> Mapping[str, str]:
    """Its id where an engine of this machine has it; a cluster's is in its registry."""
    if not placement.daemon or not placement.container:
        return {}
    said = Docker(placement.daemon).asked("inspect", "--format", "{{.Image}}", placement.container)
    return {"daemon": placement.daemon, "image": said.strip()}


def _state(project: Project, stack: str) -> bytes:
    """As ``pulumi stack import`` takes it, with its secrets as they are kept: encrypted."""
    with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
        file = Path(folder) / "state.json"
        pulumi(["stack", "export", "--file", str(file)], stack, project.folder, _LIMIT)
        return file.read_bytes()


def _named(contract: Contract, what: str) -> Sequence[str]:
    """Digests of what is placed, each once."""
    every = (inputs.get(what) for slot in contract.placed().values() for inputs in slot.values())
    return sorted({each for each in every if isinstance(each, str)})


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files and links of a folder, by their names within it; what running a program makes is no part of it."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if (file.is_symlink() or file.is_file()) and "__pycache__" not in name.parts:
            yield str(name), file
