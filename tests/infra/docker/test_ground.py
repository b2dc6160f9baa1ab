"""What an engine cannot give, by its own word: a real socket that answers as an engine does."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Network
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest
from machine import free_port

from infra.config import Document, Settings
from infra.config.rules import settings_in
from infra.targets.docker.engine import Engine, EngineError
from infra.targets.docker.ground import engine_faults, faults
from infra.targets.docker.layout import Layout
from infra.targets.local.home import Home, write_whole

VALUES: Mapping[str, Any] = {
    "target": "docker",
    "slots": {"blue": {"runtime": "py39"}},
    "services": {
        "api": {
            "kind": "http",
            "source": "src",
            "lock": "lock-{runtime}.txt",
            "command": "serve",
            "port": free_port(),
            "health": [{"http": "/"}],
        }
    },
}
ROOT: Mapping[str, Any] = {"SecurityOptions": ["name=seccomp,profile=default"], "OperatingSystem": "Debian"}


def network(name: str, subnet: str, home: str | None = None) -> Mapping[str, Any]:
    """A network as the engine lists it."""
    labels = {} if home is None else {"crossfade.home": home}
    return {"Name": name, "Labels": labels, "IPAM": {"Config": [{"Subnet": subnet}]}}


@contextmanager
def engine(folder: Path, answers: Mapping[str, Any]) -> Iterator[str]:
    """Its address, while it answers what begins with these paths, and 404 with a message to all else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = next((each for path, each in answers.items() if self.path.startswith(f"/v1.41{path}")), None)
            body = json.dumps({"message": "no such thing"} if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "a socket"

        def log_message(self, *_: object) -> None:
            """Nothing: nobody reads it."""

    socket = folder / "engine.sock"
    with ThreadingUnixStreamServer(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"unix://{socket}"
        finally:
            server.shutdown()
            thread.join(5)


def told(folder: Path, networks: list[Mapping[str, Any]], info: Mapping[str, Any] = ROOT) -> list[str]:
    """What is wrong, by an engine that says this of itself."""
    document = Document("Pulumi.staging.yaml", VALUES)
    settings: Settings = settings_in(document)
    said = {"/containers/json": [], "/volumes": {"Volumes": None}, "/networks": networks, "/info": info}
    with engine(folder, said) as address:
        layout = Layout("staging", Home(folder / "home"), address, IPv4Network("10.213.0.0/16"), (0, 0))
        return [fault.what for fault in engine_faults(layout, settings, document)]


def test_an_engine_that_has_nothing_of_it_will_do(tmp_path: Path) -> None:
    """Networks of others, with other addresses, are nobody's concern."""
    assert told(tmp_path, [network("bridge", "172.17.0.0/16")]) == []


def test_the_stacks_own_network_will_do(tmp_path: Path) -> None:
    """Its own network, as it is wanted, is no obstacle."""
    assert told(tmp_path, [network("crossfade-staging", "10.213.0.0/16", str(tmp_path / "home"))]) == []


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (("crossfade-staging", "10.99.0.0/16", "/another/home"), "there is a stack staging in this engine already"),
        (("crossfade-staging", "10.99.0.0/16", None), "there is a stack staging in this engine already"),
        (("somebody", "10.213.5.0/24", None), "the addresses 10.213.0.0/16 are taken"),
    ],
)
def test_what_another_has_is_told(tmp_path: Path, other: tuple[str, str, str | None], what: str) -> None:
    """A network of the same name, or with addresses of ours, is told before anything is declared."""
    assert told(tmp_path, [network(*other)]) == [what]


def test_the_network_of_a_stack_cannot_change(tmp_path: Path) -> None:
    """Other addresses than its network has would make every container anew, and are refused."""
    assert told(tmp_path, [network("crossfade-staging", "10.99.0.0/16", str(tmp_path / "home"))]) == [
        "the network of a stack cannot change"
    ]


@pytest.mark.parametrize("info", [{"SecurityOptions": ["name=rootless"]}, {"OperatingSystem": "Docker Desktop"}])
def test_an_engine_out_of_reach_is_refused(tmp_path: Path, info: Mapping[str, Any]) -> None:
    """A rootless engine and one in a machine of its own have containers that this machine does not reach."""
    assert told(tmp_path, [], {**ROOT, **info}) == ["this engine will not do"]


def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """Where nobody listens the error names the address; a container that it does not have is None, and no error."""
    with pytest.raises(EngineError, match=r"nobody\.sock does not answer"):
        Engine(f"unix://{tmp_path}/nobody.sock").container("api")
    with engine(tmp_path, {}) as address:
        assert Engine(address).container("api") is None
        with pytest.raises(EngineError, match="404: no such thing"):
            Engine(address).networks()


def test_a_stack_stays_in_its_engine(tmp_path: Path) -> None:
    """Another engine than the one its containers are in, by the shell or by the settings, is refused by the address of theirs."""
    home = Home(tmp_path / "home")
    write_whole(home.program("api--blue"), json.dumps({"container": "c", "daemon": "unix:///its.sock", "inputs": {}}))
    layout = Layout("staging", home, "unix:///other.sock", IPv4Network("10.213.0.0/16"), (0, 0))
    document = Document("Pulumi.staging.yaml", VALUES)
    found = {fault.what: fault.hint for fault in faults(tmp_path, layout, settings_in(document), document)}

    assert "unix:///its.sock" in found["the stack lives in another engine"]
