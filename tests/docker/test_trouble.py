"""Around the services something else is wrong: the disk, the engine, or that somebody has what the stack needs."""

import json
import os
import socket
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer
from typing import Self

import pytest
from docker_daemons import daemon
from docker_host import DockerHost
from docker_workshop import DockerWorkshop, docker_workshop
from scenes import PATIENT, QUIET
from workshop import STACK, until

from infra.contract import weights_in
from infra.targets.docker.layout import derived_subnet
from infra.targets.local.home import home_of

pytestmark = [pytest.mark.engine, pytest.mark.processes]


def alone(project: DockerWorkshop) -> None:
    """The API, and what it asks."""
    project.settings["services"] = {"api": project.settings["services"]["api"]}


# What somebody has


@contextmanager
def foreign(project: DockerWorkshop, made: tuple[str, ...], removed: tuple[str, ...]) -> Iterator[None]:
    """Something in the engine that no stack made."""
    project.host.docker(*made)
    try:
        yield
    finally:
        project.host.docker(*removed)


def container(project: DockerWorkshop) -> AbstractContextManager[None]:
    """One by the name of a slot's."""
    name = project.container("api--green")
    return foreign(project, ("create", "--name", name, "python:3.12-slim-bookworm", "true"), ("rm", name))


def volume(project: DockerWorkshop) -> AbstractContextManager[None]:
    """One by the name of a service's, with somebody's data in it."""
    name = project.container("api")
    return foreign(project, ("volume", "create", name), ("volume", "rm", name))


def network(project: DockerWorkshop) -> AbstractContextManager[None]:
    """One with addresses of the stack's."""
    subnet = str(derived_subnet(home_of(project.folder, STACK)))
    return foreign(project, ("network", "create", "--subnet", subnet, "somebodys"), ("network", "rm", "somebodys"))


@contextmanager
def port(project: DockerWorkshop) -> Iterator[None]:
    """A program listens where users would come."""
    with socket.create_server(("127.0.0.1", project.settings["services"]["api"]["port"])):
        yield


TAKEN: dict[str, tuple[Callable[[DockerWorkshop], AbstractContextManager[None]], str]] = {
    "container": (container, f"there is a container crossfade-{STACK}-api--green already"),
    "volume": (volume, f"there is a volume crossfade-{STACK}-api already"),
    "network": (network, "network somebodys has"),
    "port": (port, "listens there"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_somebody_has_is_refused(docker_host: DockerHost, name: str) -> None:
    """Up ends before it declares anything, and promote with 2, by the same sentence; what somebody has stays as it is."""
    take, words = TAKEN[name]
    with docker_workshop(docker_host, QUIET, alone) as made, take(made):
        before = made.things()
        up = made.up(check=False)
        promote = made.crossfade("promote", expected=2)

        assert up.returncode != 0
        assert words in up.stdout + up.stderr
        assert words in promote.stderr
        assert made.things() == before
        assert not made.home.exists()


# A disk that is full

MEGABYTE = 1024 * 1024
PROXY = "crossfade/nothing:1"
"""Stands where the proxy's image does: without a network that cannot be had, and the test ends before it starts."""
FROM_NOTHING = "FROM scratch\nCOPY . /app\nUSER 10001\n"


@contextmanager
def small_engine(host: DockerHost, size: int) -> Iterator[DockerHost]:
    """An engine of its own that has so many megabytes of disk, without a network."""
    with tempfile.TemporaryDirectory(prefix="cf-", dir="/tmp") as place:
        folder = Path(place)
        data, address = folder / "data", folder / "docker.sock"
        data.mkdir()
        words = ["dockerd", "--data-root", str(data), "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid")]
        words += ["--host", f"unix://{address}", "--bridge", "none", "--iptables=false"]
        # Its disk is a mount of its own, which goes with it. So is its network: an engine without a bridge removes docker0.
        script = f'mount -t tmpfs -o size={size}m tmpfs {data} && exec "$@"'
        info = ("docker", "--host", f"unix://{address}", "info")
        with daemon(
            ["unshare", "--net", "--", "sh", "-ec", script, "sh", *words],
            folder / "dockerd.log",
            lambda: subprocess.run(info, capture_output=True, timeout=30, check=False).returncode == 0,
        ):
            environment = {**host.environment, "DOCKER_HOST": f"unix://{address}"}
            yield replace(host, docker_host=f"unix://{address}", environment=environment)


def large(project: DockerWorkshop) -> None:
    """The API has 48 megabytes in its folder; what it is built from is in there too."""
    alone(project)
    source = project.folder / "large"
    source.mkdir()
    (source / "model.bin").write_bytes(os.urandom(48 * MEGABYTE))
    (project.folder / "Dockerfile").write_text(FROM_NOTHING, encoding="utf-8")
    for program in (project.settings["services"]["api"], project.settings["companions"]["exchange"]):
        program["dockerfile"] = "Dockerfile"
    project.settings["services"]["api"]["source"] = "large"
    project.settings["docker"] = {"proxy": PROXY}


def empty(folder: Path) -> Path:
    """An archive with nothing in it: an image that costs nothing."""
    with tarfile.open(folder / "empty.tar", "w") as archive:
        return Path(str(archive.name))


def test_a_disk_that_is_full_is_told(docker_host: DockerHost) -> None:
    """Up ends in the builder's words, no slot runs, and destroy leaves the engine as it was."""
    with small_engine(docker_host, 32) as host, docker_workshop(host, QUIET, large) as made:
        host.docker("import", str(empty(made.folder)), PROXY)
        before = made.things()
        said = made.up(check=False)
        slots = [each for each in made.things()["containers"] if "--" in each]
        made.pulumi("destroy", "--yes", "--skip-preview")

        assert said.returncode != 0
        assert "no space left on device" in said.stdout + said.stderr
        assert slots == []
        assert made.things() == before


# An engine that ends


class _Forward(BaseRequestHandler):
    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.server.engine)  # type: ignore[attr-defined]
            back = threading.Thread(target=_copy, args=(engine, self.request), daemon=True)
            back.start()
            _copy(self.request, engine)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Server(ThreadingUnixStreamServer):
    """Hands every byte on to an engine, and back."""

    daemon_threads = True
    engine: str


class Between:
    """An address of the shared engine's that can be gone, or hang, without any harm to who else uses it."""

    def __init__(self, host: DockerHost) -> None:
        self._host = host
        self._folder = tempfile.TemporaryDirectory(prefix="cf-", dir="/tmp")
        self._path = Path(self._folder.name) / "docker.sock"
        self.address = f"unix://{self._path}"

    def __enter__(self) -> Self:
        self.serve()
        return self

    def __exit__(self, *_: object) -> None:
        self.hang()
        self.end()
        self._folder.cleanup()

    def serve(self) -> None:
        """Answer."""
        self._path.unlink(missing_ok=True)
        self._server = Server(str(self._path), _Forward)
        self._server.engine = self._host.docker_host.removeprefix("unix://")
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def hang(self) -> None:
        """Take connections, and say nothing."""
        self._server.shutdown()

    def end(self) -> None:
        """Nobody listens any more."""
        self._server.server_close()
        self._path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def between(docker_host: DockerHost) -> Iterator[Between]:
    """An address that can be gone."""
    with Between(docker_host) as made:
        yield made


@pytest.fixture(scope="module")
def project(docker_host: DockerHost, between: Between) -> Iterator[DockerWorkshop]:
    """An API that is up in an engine that can be gone; a step lasts longer than any test of this file."""

    def prepare(made: DockerWorkshop) -> None:
        alone(made)
        made.environment["DOCKER_HOST"] = between.address

    with docker_workshop(docker_host, {**PATIENT, "bake": "100s"}, prepare) as made:
        made.up()
        yield made


@pytest.fixture
def driver(project: DockerWorkshop, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[bytes]"]:
    """Somebody promotes a release of this test's own, and half of the users are on it."""
    project.slot("green", runtime="py312", RELEASE=request.node.name)
    project.up()
    with project.begun("promote") as process:
        until(lambda: project.weights()["green"] == 50, "50 % on green", limit=60)
        yield process


def routed(project: DockerWorkshop) -> dict[str, int]:
    """Percent by slot, as the proxy's route file says; the proxy itself may be gone."""
    return weights_in(json.loads((project.home / "routes" / "api.json").read_text(encoding="utf-8")))


TROUBLE = {"hangs": "state: api 100 % blue", "gone": "state: api unknown: the data plane does not answer"}
"""What becomes of the engine, and what is said of users: with an engine that ends, the containers do."""


@pytest.mark.parametrize("how", TROUBLE)
def test_going_back_needs_no_engine(
    project: DockerWorkshop, between: Between, driver: "subprocess.Popen[bytes]", how: str
) -> None:
    """Weights are back on the live slot all the same, abort and driver end with 11, and all is done once the engine is back."""
    between.hang()
    if how == "gone":
        between.end()
        project.host.docker("kill", *project.things()["containers"])
    said = project.crossfade("abort", expected=11)
    code, weights, phase = driver.wait(120), routed(project), project.status()["rollout"]["phase"]
    between.end()
    between.serve()
    project.up()
    project.crossfade("abort")

    assert TROUBLE[how] in said.stderr
    assert (code, weights, phase) == (11, {"blue": 100, "green": 0}, "stuck")
    assert project.status()["rollout"]["phase"] == "rolled back"
    assert project.weights() == {"blue": 100, "green": 0}
    project.crossfade("smoke", "--slot", "blue")
