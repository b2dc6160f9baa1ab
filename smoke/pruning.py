"""What a stack left on this machine that nothing needs any more: images, and the folders that they, or processes, were made from.

Needed is what is placed in either slot, what a rollout since the last promotion began with or goes back to, and what anything
uses that is there: a container, or a program of the supervisor's. What cannot be told is kept.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.contract import Contract, Json, short
from smoke.docker import Docker
from smoke.errors import CrossfadeError, DeployError
from smoke.rollout.opening import History

Inputs = Mapping[str, Json]
RECIPE = ("runtime", "source", "lock", "dockerfile", "base")
"""Inputs that decide what is in an image; it has each as a label ``crossfade.<name>``, its build context all in a file."""
_GONE = ".gone"
"""How the name of a folder ends that is being removed."""
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Outdated:
    """Something that nothing needs."""

    kind: str
    """``image``, ``context``, ``environment``, ``source`` or ``lock``."""
    name: str
    """Id of an image, path of all else."""
    size: int
    """Bytes; of an image at most: it may share layers with others."""
    tags: tuple[str, ...] = ()
    """Names of an image."""
    daemon: str = ""
    """Address of an image's engine."""

    def to_json(self) -> Mapping[str, Json]:
        """It for machines."""
        return {"kind": self.kind, "name": self.name, "bytes": self.size, "tags": list(self.tags)}


def needed(contract: Contract, history: History) -> Sequence[Inputs]:
    """The inputs of everything that is placed, or may be placed again without anybody writing settings."""
    slots: list[Mapping[str, Inputs]] = [*contract.placed().values()]
    for each in history.rollouts:
        slots += [*each.opened.inputs.values(), each.opened.back]
    return [inputs for services in slots for inputs in services.values()]


def outdated(home: Path, contract: Contract, wanted: Sequence[Inputs]) -> list[Outdated]:
    """Everything that none of these inputs needs, nor anything that is there.

    Raises:
        DeployError: an engine does not answer, or what is placed does not say what it was made from.
    """
    found = [*_folders(home, wanted)]
    if any(placement.container for service in contract.services for placement in service.placements.values()):
        recipes = {_recipe(inputs) for inputs in wanted}
        if None in recipes:
            raise DeployError("what is placed does not say what it was made from", home.name, "another version placed it")
        images = [each for daemon in _daemons(contract) for each in _images(Docker(daemon), home)]
        kept = {image.content for image in images if image.used or image.recipe in recipes}
        found += [image.outdated for image in images if not image.used and image.recipe not in recipes]
        found += _contexts(home / "contexts", recipes, {short(content) for content in kept})
    return found


def remove(each: Outdated) -> None:
    """Have it no more; what somebody began to use meanwhile stays.

    Raises:
        CrossfadeError: it could not be removed.
    """
    if each.kind == "image":
        # Never by force: the engine keeps what a container was made from.
        Docker(each.daemon).asked("image", "rm", *(each.tags or [each.name]))
        return
    path = Path(each.name)
    try:
        if not path.is_dir():
            path.unlink(missing_ok=True)
            return
        # By its name it is gone at once: nobody finds half of it.
        gone = path if path.name.endswith(_GONE) else path.with_name(f".{path.name}{_GONE}")
        path.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise CrossfadeError(f"{path} cannot be removed", cause=str(error), hint=f"ls -la {path.parent}") from error


def _folders(home: Path, wanted: Sequence[Inputs]) -> Iterator[Outdated]:
    """Sources, environments and locks; those of companions and of our own programs are mentioned in what these are started by."""
    mentioned = _mentioned(home)
    names = {
        "source": {short(inputs.get("source", "")) for inputs in wanted},
        "environment": {f"{inputs.get('runtime')}-{short(inputs.get('lock', ''))}" for inputs in wanted},
        "lock": {short(inputs.get("lock", "")) for inputs in wanted},
    }
    for kind, known in names.items():
        for each in _entries(home / f"{kind}s"):
            name = each.name.removesuffix(".txt")
            if name not in known and name not in mentioned:
                yield Outdated(kind, str(each), _bytes(each))


def _contexts(folder: Path, recipes: set[tuple[str, ...] | None], kept: set[str]) -> Iterator[Outdated]:
    for each in _entries(folder):
        recipe = None
        with suppress(OSError, ValueError):
            recipe = _recipe(json.loads((each / ".crossfade" / "recipe.json").read_bytes()))
        known = recipe is not None or each.name.endswith(_GONE)
        if known and recipe not in recipes and each.name not in kept:
            yield Outdated("context", str(each), _bytes(each))


def _entries(folder: Path) -> list[Path]:
    """What is whole there, and what was being removed; not what somebody is making."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [each for each in found if not each.name.startswith(".") or each.name.endswith(_GONE)]


def _mentioned(home: Path) -> str:
    files = [*home.glob("*.conf"), *home.glob("programs/*")]
    return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in sorted(files) if file.is_file())


def _bytes(path: Path) -> int:
    """What it takes on the disk, but for files that others share."""
    found = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    stats = [each.lstat() for each in found]
    return sum(each.st_blocks * _BLOCK for each, file in zip(stats, found, strict=True) if each.st_nlink == 1 or file.is_dir())


def _recipe(inputs: Inputs) -> tuple[str, ...] | None:
    """What decides what is in an image; None where it is not all there."""
    values = [inputs.get(name) for name in RECIPE]
    return tuple(map(str, values)) if all(values) else None


@dataclass(frozen=True, slots=True)
class _Image:
    """An image of this stack."""

    outdated: Outdated
    """It, if it should be."""
    content: str
    recipe: tuple[str, ...] | None
    used: bool
    """Whether a container was made from it, running or not."""


def _images(docker: Docker, home: Path) -> list[_Image]:
    """Images of the stack with that folder."""
    ids = docker.asked("image", "ls", "--quiet", "--no-trunc", "--filter", f"label=crossfade.stack={home.name}").split()
    if not ids:
        return []
    used = _used(docker)
    return [
        image
        for each in json.loads(docker.asked("image", "inspect", *dict.fromkeys(ids)))
        if (image := _image(each, docker.daemon, used, home)) is not None
    ]


def _image(said: Mapping[str, Json], daemon: str, used: set[str], home: Path) -> _Image | None:
    labels = said["Config"]["Labels"]
    if os.path.realpath(labels.get("crossfade.home", "")) != os.path.realpath(home):
        return None  # a stack of that name in another project
    recipe = _recipe({name: labels.get(f"crossfade.{name}") for name in RECIPE})
    one = Outdated("image", said["Id"], int(said["Size"]), tuple(said["RepoTags"] or ()), daemon)
    return _Image(one, str(labels.get("crossfade.content")), recipe, used=said["Id"] in used or recipe is None)


def _used(docker: Docker) -> set[str]:
    containers = docker.asked("ps", "--all", "--quiet", "--no-trunc").split()
    return set(docker.asked("inspect", "--format", "{{.Image}}", *containers).split()) if containers else set()


def _daemons(contract: Contract) -> list[str]:
    placements = [placement for service in contract.services for placement in service.placements.values()]
    return sorted({placement.daemon for placement in placements if placement.daemon})
