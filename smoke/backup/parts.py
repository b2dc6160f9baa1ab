"""What of a stack belongs into its backup, and where that is."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.contract import Contract, Json, Placement
from smoke.backup.archive import Part
from smoke.docker import Docker
from smoke.stack.command import pulumi
from smoke.wiring import Site

_LIMIT = 120.0
"""Seconds that Pulumi may take to say its state."""

_NOW = (".", "lease", "watchdog")
"""How files of a journal begin that say who is at work now, or keep room for it."""


def parts_of(site: Site) -> Mapping[str, Part]:
    """Every member of the archive, by its name.

    Raises:
        NoSuchStack: it was never brought up.
        DeployError: Pulumi does not say its state.
        OSError: something of it cannot be read.
    """
    found: dict[str, Part] = {
        "contract.json": json.dumps(site.contract.to_json(), indent=1).encode(),
        "state.json": _state(site),
        **{f"settings/{file.name}": file for file in (site.project.folder / "Pulumi.yaml", site.project.settings(site.name))},
    }
    # What is written to while we read is read at once: a line that is added later is none of this backup.
    remembered = ((name, file) for name, file in _below(site.folder) if not file.name.startswith(_NOW))
    found |= {f"journal/{name}": file.read_bytes() for name, file in remembered}
    home = site.project.folder / ".crossfade" / site.name
    for digest in _named(site.contract, "source"):
        folder = home / "sources" / _short(digest)
        found |= {f"sources/{_short(digest)}/{name}": file for name, file in _below(folder)}
    for digest in _named(site.contract, "lock"):
        file = home / "locks" / f"{_short(digest)}.txt"
        found |= {f"locks/{_short(digest)}.txt": file} if file.is_file() else {}
    return found


def about(site: Site, by: str) -> Mapping[str, Any]:
    """What is said of the stack: when and by whom it was copied, what each slot holds, and which images."""
    contract = site.contract
    placed = [each for service in contract.services for each in service.placements.values()]
    return {
        "stack": contract.stack,
        "target": contract.target,
        "at": site.clock.wall(),
        "by": by,
        "releases": dict(contract.releases),
        "environments": [each for placement in placed if not placement.imaged if (each := _environment(placement))],
        "images": [{"slot": each.slot, "service": each.service, **_image(each)} for each in placed if each.imaged],
    }


def _environment(placement: Placement) -> Mapping[str, Json]:
    lock = placement.inputs.get("lock")
    name = f"locks/{_short(str(lock))}.txt"
    return {"slot": placement.slot, "service": placement.service, "python": placement.python, "lock": name} if lock else {}


def _image(placement: Placement) -> Mapping[str, str]:
    """Its id where an engine of this machine has it; a cluster's is in its registry."""
    if not placement.daemon or not placement.container:
        return {}
    said = Docker(placement.daemon).asked("inspect", "--format", "{{.Image}}", placement.container)
    return {"daemon": placement.daemon, "image": said.strip()}


def _state(site: Site) -> bytes:
    """As ``pulumi stack import`` takes it, with its secrets as they are kept: encrypted."""
    with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
        file = Path(folder) / "state.json"
        pulumi(["stack", "export", "--file", str(file)], site.name, site.project.folder, _LIMIT)
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


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:16]
