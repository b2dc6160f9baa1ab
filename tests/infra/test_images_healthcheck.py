"""What holds for the health check of an image: it is run here as a container runs it."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.images.recipe import FILES
from infra.targets.local.machine import interpreter

pytestmark = pytest.mark.processes


def pythons() -> list[str]:
    """This interpreter, and 3.9 where the machine has it."""
    return [sys.executable, *filter(None, [str(interpreter("py39") or "")])]


def run(python: str = sys.executable, **environment: str) -> tuple[int, str]:
    """Exit code and last words of the check in an environment."""
    done = subprocess.run(
        [python, "-I", "-S", FILES / "healthcheck.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


@pytest.fixture
def port() -> Iterator[str]:
    """A port where ``/`` and ``/well`` are answered with 200, and any other path with 503."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in {"/", "/well"} else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.parametrize("python", pythons())
def test_a_service_that_answers(port: str, python: str) -> None:
    """A port that answers well is well, on its root by default; the oldest runtime runs the check as the newest does."""
    assert run(python, PORT=port) == (0, "/ answered status 200")
    assert run(python, PORT=port, CROSSFADE_HEALTH_PATH="/well") == (0, "/well answered status 200")


def test_a_service_that_answers_badly(port: str) -> None:
    """A status of 400 or above is not well."""
    assert run(PORT=port, CROSSFADE_HEALTH_PATH="/ill") == (1, "/ill answered status 503")


def test_a_port_without_a_path(port: str) -> None:
    """Where the path is empty, a connection will do."""
    assert run(PORT=port, CROSSFADE_HEALTH_PATH="") == (0, f"port {port} takes connections")


@pytest.mark.parametrize("path", ["/", ""])
def test_a_port_where_nobody_listens(path: str) -> None:
    """A port that takes no connections is not well."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        code, said = run(PORT=str(bound.getsockname()[1]), CROSSFADE_HEALTH_PATH=path)

    assert (code, "refused" in said) == (1, True)


def test_a_port_that_talks_nonsense() -> None:
    """What is answered must be HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"nonsense\r\n\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        code, said = run(PORT=str(server.getsockname()[1]))
        thread.join(10)

    assert (code, said) == (1, "nonsense")


@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize(("age", "code"), [(5, 0), (60, 1)])
def test_a_heartbeat(tmp_path: Path, python: str, age: int, code: int) -> None:
    """A file that was replaced a short while ago is well, an old one is not."""
    beat = tmp_path / "beat.json"
    beat.touch()
    os.utime(beat, (time.time() - age,) * 2)

    assert code == run(python, CROSSFADE_HEARTBEAT=str(beat))[0]
    assert run(python, CROSSFADE_HEARTBEAT=str(beat), CROSSFADE_HEARTBEAT_AGE="100")[0] == 0


def test_no_heartbeat_yet(tmp_path: Path) -> None:
    """A file that is not there is not well."""
    code, said = run(CROSSFADE_HEARTBEAT=str(tmp_path / "none"))

    assert (code, "No such file" in said) == (1, True)


def test_a_port_comes_before_a_heartbeat(port: str, tmp_path: Path) -> None:
    """A service that listens is asked there, also where it beats: every container of a slot has a file for it."""
    assert run(PORT=port, CROSSFADE_HEARTBEAT=str(tmp_path / "none"))[0] == 0


def test_a_program_that_has_neither() -> None:
    """A program without a port or a heartbeat is well while it runs."""
    assert run() == (0, "nothing to ask")


def test_a_port_that_is_no_number() -> None:
    """What cannot be asked is not well, and is told in one line."""
    assert run(PORT="http")[0] == 1
