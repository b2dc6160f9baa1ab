"""What Pulumi's own resources of containers cannot do: things that are made beside them, and looked at at every `up`.

What must not be here: containers, networks and volumes themselves; those are ``declaring``'s, by the engine's own provider.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from infra.contract.document import Json
from infra.images import Build, BuildError, ContextError, Origin, Recipe, assemble, attempt
from infra.targets.docker.engine import Engine, EngineError
from infra.targets.local.home import Home, make_folder, read_json, write_whole
from infra.targets.local.processes import until
from infra.targets.local.provider import Provider
from infra.targets.local.things import Spec, Thing, ThingError
from infra.targets.local.things.folder import Folder
from infra.targets.local.things.program import LISTENING, Program, answers
from infra.targets.local.things.proxy import open_doors, shut, write, written
from infra.targets.local.things.ways import Fence as LocalFence
from infra.targets.local.things.ways import Route


class Context:
    """The folder that an image is built from. Kept until the stack is destroyed: a revert may want it."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Assemble it from the project; what is there stays as it is."""
        recipe, paths = Recipe(**spec["recipe"]), spec.get("from")
        origin = None if paths is None else Origin(*(Path(each) if each else None for each in paths))  # type: ignore[arg-type]
        try:
            assemble(contexts(home), recipe, origin)
        except ContextError as error:
            raise ThingError(str(error)) from error
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: it is kept."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there."""
        return (contexts(home) / Recipe(**spec["recipe"]).folder).is_dir()


class Trial:
    """That an image can be built from its folder, and pushed."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Try it."""
        build = Build(**{**spec["build"], "recipe": Recipe(**spec["build"]["recipe"])})
        try:
            attempt(build, contexts(home) / build.recipe.folder, spec["daemon"])
        except BuildError as error:
            raise ThingError(str(error)) from error
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: what was built or pushed is kept."""

    def well(self, home: Home, spec: Spec) -> bool:
        """It could be: that is enough."""
        del home, spec
        return True


class Seat:
    """Folders of this machine that a container shares, its user's own."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have them."""
        del home
        for folder in spec["folders"]:
            make_folder(Path(folder))
            _give(Path(folder), spec)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: what a container said of itself may still be read; they go with the stack."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether they are there, and its user's."""
        del home
        return all(Path(each).is_dir() and Path(each).stat().st_uid == spec["user"][0] for each in spec["folders"])


class Fence(LocalFence):
    """The fence of a singleton whose process is another user."""

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have one; what it says stays as it is."""
        made = super().make(home, spec)
        folder = home.fence(spec["service"])
        for each in (folder, *folder.iterdir()):
            _give(each, spec)
        return made

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there, and its user's."""
        return super().well(home, spec) and home.fence(spec["service"]).stat().st_uid == spec["user"][0]


class Keeper:
    """A container that is kept running, and the record of what was placed in it."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it running and on record; returns once it listens, or has had its time. Whether it is well is for the probes."""
        write_whole(home.program(spec["name"]), json.dumps(_record(spec), indent=1))
        with _told():
            _awake(Engine(spec["daemon"]), spec["container"])
        if spec.get("address"):
            until(lambda: _listens(spec), LISTENING)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Forget it: Pulumi removes the container next."""
        home.program(spec["name"]).unlink(missing_ok=True)

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it runs, is on record as the spec says, and listens."""
        with _told():
            running = Engine(spec["daemon"]).running(spec["container"])
        return running and read_json(home.program(spec["name"])) == _record(spec) and _listens(spec)


class Fronts:
    """The files that the proxy reads, before it is started."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Write what differs."""
        write(home, spec)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: the container goes first, and the folder last."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether they say what the spec says."""
        return written(home, spec)


class Doors:
    """The proxy's container: running, with every door open."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it running; returns once it listens for every service."""
        engine, name = Engine(spec["daemon"]), spec["container"]
        with _told():
            open_doors(home, spec, lambda: _awake(engine, name), lambda: f"{name} says:\n{engine.log(name)}")
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: Pulumi removes the container."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it runs and every door is open."""
        with _told():
            return Engine(spec["daemon"]).running(spec["container"]) and not shut(home, spec)


class DockerProvider(Provider):
    """The one dynamic provider, with the things of containers."""

    THINGS: ClassVar[Mapping[str, Thing]] = {
        "folder": Folder(),
        "program": Program(),
        "route": Route(),
        "context": Context(),
        "trial": Trial(),
        "seat": Seat(),
        "fence": Fence(),
        "keeper": Keeper(),
        "fronts": Fronts(),
        "doors": Doors(),
    }


def contexts(home: Home) -> Path:
    """Where build contexts are kept."""
    return home.folder / "contexts"


def _record(spec: Spec) -> Mapping[str, Any]:
    placed = {"container": spec["container"], "daemon": spec["daemon"]}
    return {**placed, **({"inputs": spec["inputs"]} if "inputs" in spec else {})}


def _listens(spec: Spec) -> bool:
    if not spec.get("address"):
        return True
    host, _, port = spec["address"].rpartition(":")
    return answers(int(port), host)


def _awake(engine: Engine, name: str) -> None:
    if not engine.wake(name):
        raise ThingError(f"container {name} is gone, and Pulumi did not remove it: pulumi up --refresh makes it anew")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise ThingError(str(error)) from error


def _give(path: Path, spec: Spec) -> None:
    user, group = spec["user"]
    if path.stat().st_uid != user:
        os.chown(path, user, group)
