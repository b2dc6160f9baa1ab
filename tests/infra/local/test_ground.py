"""What this machine has: interpreters, and who listens where."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.config import Document, Fault, Settings, read, validate
from infra.targets.local.ground import faults
from infra.targets.local.home import Home, home_of
from infra.targets.local.machine import belongs_to, dotted, interpreter, is_free, listener, obstacle, runtimes, slot_port
from tests.infra.config.project import Project, project

LISTEN = "import socket,sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('up', flush=True); sys.stdin.read()"


@pytest.fixture
def whole(tmp_path: Path) -> Project:
    """Whole settings in a folder of the test's own."""
    return project(tmp_path)


@pytest.fixture
def ours(whole: Project) -> Iterator[subprocess.Popen[str]]:
    """A process of the stack that listens on the port of the api in blue; ends with the test."""
    yield from _listening(whole, {**os.environ, "CROSSFADE_HOME": str(home_of(whole.folder, "staging").folder)})


@pytest.fixture
def foreign(whole: Project) -> Iterator[subprocess.Popen[str]]:
    """A process of another stack that listens there."""
    yield from _listening(whole, {**os.environ, "CROSSFADE_HOME": str(home_of(whole.folder, "other").folder)})


def _listening(whole: Project, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", LISTEN, str(slot_port(whole.ports["api"], "blue"))]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()


def found(whole: Project, home: Home | None = None) -> list[Fault]:
    """The faults of this machine."""
    document: Document = read(whole.file)
    settings: Settings = validate(document)
    return list(faults(whole.folder, home or home_of(whole.folder, "staging"), settings, document))


def test_a_machine_that_has_everything(whole: Project) -> None:
    """Whole settings on free ports have no fault."""
    assert found(whole) == []


@pytest.mark.processes
def test_what_the_stack_itself_listens_on_is_no_fault(whole: Project, ours: subprocess.Popen[str]) -> None:
    """A port of a slot that a process of this stack has is where it should be."""
    assert ours.poll() is None
    assert found(whole) == []


@pytest.mark.processes
def test_what_another_stack_listens_on_is_a_fault(whole: Project, foreign: subprocess.Popen[str]) -> None:
    """A port of a slot that a process of another stack has is taken; the fault names it and a port to take."""
    (fault,) = found(whole)

    assert fault.what == f"port {whole.ports['api'] + 10_000} is taken"
    assert fault.where == "Pulumi.staging.yaml:14 crossfade:services.api.port"
    assert fault.cause == f"{psutil.Process(foreign.pid).name()} (process {foreign.pid}) listens there"
    assert fault.hint == f"end it, or take another port:\nport: {whole.ports['spare']}"


def test_a_folder_too_deep_for_a_socket(whole: Project) -> None:
    """A socket whose path would be too long is told before anything is made."""
    (fault,) = found(whole, Home(Path("/" + "x" * 90)))
    assert fault.what == "the project's folder lies too deep"
    assert "107 bytes" in fault.cause


def test_a_runtime_that_is_not_here(whole: Project) -> None:
    """Each key that asks for a runtime without an interpreter is a fault, and its lock is not asked for yet."""
    whole.change("green: {runtime: py312}", "green: {runtime: py399}")
    whole.change("    blue: {runtime: py39}", "    blue: {runtime: py399}")
    assert [(fault.what, fault.where.split(" ")[1]) for fault in found(whole)] == [
        ("runtime py399 is not on this machine", "crossfade:slots.blue.runtime"),
        ("runtime py399 is not on this machine", "crossfade:slots.green.runtime"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "cause", "hint"),
    [
        ("source: examples/trading", "source: Pulumi.yaml", "Pulumi.yaml is a file", "take the program's folder"),
        ("source: examples/trading", "source: no/such", "no/such is not there", "take the program's folder"),
        ("lock: examples/trading/locks/app-{runtime}.txt", "lock: examples", "examples is no file", "uv pip compile"),
        ("lock: examples/trading/locks/app-{runtime}.txt", "lock: no/{runtime}", "no/py312 is not there", "uv pip compile"),
    ],
)
def test_files_that_are_not_there(whole: Project, old: str, new: str, cause: str, hint: str) -> None:
    """A source that is no folder and a lock that is no file are told with the path that was looked at, and what to do."""
    whole.change(old, new)
    fault = found(whole)[0]

    assert fault.cause.endswith(cause)
    assert fault.hint.startswith(hint)


def test_an_interpreter_is_of_its_runtime() -> None:
    """The interpreter that is found runs, and is of the version asked for; this one's is always found."""
    runtime = f"py3{sys.version_info.minor}"
    python = interpreter(runtime)

    assert python is not None
    say = "import sys; print('py%d%d' % sys.version_info[:2])"
    assert subprocess.run([python, "-c", say], capture_output=True, text=True, check=True).stdout == f"{runtime}\n"
    assert runtime in runtimes()
    assert interpreter("py399") is None
    assert (dotted("py39"), dotted("py312")) == ("3.9", "3.12")


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - what is listened on ends with the test
def test_a_port_that_is_listened_on_is_not_free(listen: str) -> None:
    """A port is free until somebody listens on it, on this address or on all; who listens can be told."""
    with socket.create_server((listen, 0)) as server:
        port = server.getsockname()[1]
        owner = listener(port)
        assert obstacle("127.0.0.1", port) == ""
        assert owner is not None
        assert owner.pid == os.getpid()
        assert not belongs_to(owner, Path("/nowhere"))
    assert is_free("127.0.0.1", port)
    assert listener(port) is None


def test_an_address_that_is_not_here() -> None:
    """An address of another machine cannot be listened on, and that is not said to be somebody's doing."""
    assert "assign" in str(obstacle("192.0.2.1", 8080)).lower()


@pytest.mark.parametrize(
    ("old", "key"), [("source: examples/trading", "source"), ("lock: examples/trading/locks/app-{runtime}.txt", "lock")]
)
def test_no_path_is_too_long_for_a_fault(whole: Project, old: str, key: str) -> None:
    """A path that no file system has is told as a fault of its key."""
    text = whole.file.read_text(encoding="utf-8")
    whole.file.write_text(text.replace(old, f"{key}: {'x' * 500}", 1), encoding="utf-8")

    assert any(f"services.api.{key}" in fault.where for fault in found(whole))
