"""What probes see of a slot in a container; its engine is one that says what it is told."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import create_connection

import pytest
from docker_engine import STARTED, Engine, document

from infra.contract import Backend, Json
from smoke.model import Answer, Reading
from smoke.probes import probe
from smoke.probes.owner import owners
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import (
    FINISHED,
    OTHER,
    VERSION,
    Peer,
    beat,
    caption,
    ended,
    placed,
    process,
    silent,
    streamlits,
)

pytestmark = pytest.mark.processes

NAME = "crossfade-staging-api--green"
_WAITS = "import sys; sys.stdin.read()"


@pytest.fixture(name="engine")
def _engine() -> Iterator[Engine]:
    """One container, whose first process is this very one, at 127.0.0.1."""
    with Engine() as engine:
        engine.containers[NAME] = document(os.getpid())
        yield engine


def read(engine: Engine, made: Backend, **changes: Json) -> Reading:
    """One look at a placement in that container."""
    return ended(probe(made), placed(container=NAME, daemon=engine.daemon, **changes))


@contextmanager
def tcp(engine: Engine) -> Iterator[Reading]:
    """One look by tcp at somebody who listens."""
    with Peer(silent) as peer:
        yield read(engine, backend("tcp"), address=peer.address)


# Who listens


def test_a_container_that_listens_is_well(engine: Engine) -> None:
    """Who listens is the container, as the version of its label, with the memory of its processes."""
    with tcp(engine) as reading:
        assert (reading.answer, reading.version, reading.detail) == (Answer.OK, VERSION, f"container {NAME} listens")
        assert reading.numbers["rss_mb"] > 1


def test_another_version_is_an_impostor(engine: Engine) -> None:
    """A container that was placed as another version fails as an impostor."""
    engine.containers[NAME]["Config"]["Labels"] = {"crossfade.version": OTHER}
    with tcp(engine) as reading:
        assert (reading.answer, reading.impostor) == (Answer.FAILED, True)


def test_who_listens_elsewhere_is_an_impostor(engine: Engine) -> None:
    """Where the address is not the container's, somebody else answers there, whatever the container is."""
    engine.containers[NAME]["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] = "10.203.78.0"
    with tcp(engine) as reading:
        assert (reading.answer, reading.impostor) == (Answer.FAILED, True)
        assert reading.detail == f"127.0.0.1 is no address of container {NAME}, it has 10.203.78.0: another answers"


def test_one_that_was_not_placed_fails(engine: Engine) -> None:
    """A container without our label fails."""
    engine.containers[NAME]["Config"]["Labels"] = {}
    with tcp(engine) as reading:
        assert (reading.answer, reading.detail) == (
            Answer.FAILED,
            f"container {NAME} was not placed here: it has no label crossfade.version",
        )


def test_a_paused_container_fails(engine: Engine) -> None:
    """A container that is paused fails, although the kernel takes its connections."""
    engine.containers[NAME]["State"]["Paused"] = True
    with tcp(engine) as reading:
        assert (reading.answer, reading.detail) == (Answer.FAILED, f"container {NAME} is paused")


def test_one_that_is_down_fails(engine: Engine) -> None:
    """A container that does not run fails, whoever has its address."""
    engine.containers[NAME] = document(0, Status="restarting")
    with tcp(engine) as reading:
        assert (reading.answer, reading.detail) == (Answer.FAILED, f"container {NAME} does not run: restarting")


def test_without_its_engine_nothing_is_told(engine: Engine) -> None:
    """Where the engine does not say, the probe cannot tell."""
    engine.texts[NAME] = "[]"
    with tcp(engine) as reading:
        assert (reading.answer, reading.impostor) == (Answer.UNTOLD, False)
        assert "answers what is no container" in reading.detail


def test_each_start_is_another_owner(engine: Engine) -> None:
    """The word for who listens stays the same as long as the container runs, and differs after it was started again."""
    with Peer(silent) as peer:
        host, _, port = peer.address.rpartition(":")

        def seen() -> str | None:
            with closing(create_connection((host, int(port)))) as connection:
                return owners(connection, placed(container=NAME, daemon=engine.daemon))[0].instance

        before = seen(), seen()
        engine.containers[NAME]["State"]["StartedAt"] = STARTED.replace("20:30", "20:31")

        assert before[0] == before[1] != seen()


def test_a_page_of_another_container_is_an_impostors(engine: Engine) -> None:
    """A page that shows the right version at an address that is not the container's is an impostor's."""
    with streamlits(caption(f"version {VERSION}"), FINISHED) as address:
        well = read(engine, backend("streamlit"), address=address)
        engine.containers[NAME]["NetworkSettings"]["Networks"] = {}
        wrong = read(engine, backend("streamlit"), address=address)

    assert (well.answer, well.instance) == (Answer.OK, f"1eb536b0f69a@{STARTED}")
    assert (wrong.answer, wrong.impostor) == (Answer.FAILED, True)


# Heartbeats


def test_a_beat_tells_the_process(engine: Engine, tmp_path: Path) -> None:
    """A beat of a process in the container is well, by this machine's id and with its memory."""
    file = beat(tmp_path / "beat.json", started=12.5)
    reading = read(engine, backend("heartbeat"), heartbeat=file)

    assert (reading.answer, reading.instance) == (Answer.OK, f"{os.getpid()}@12.5")
    assert reading.numbers["rss_mb"] > 1


def test_a_beat_of_a_process_outside_is_of_nobody(engine: Engine, tmp_path: Path) -> None:
    """An id that lives on this machine and not in the container is of a process that is gone."""
    with process(_WAITS) as inside, process(_WAITS) as outside:
        engine.containers[NAME] = document(inside.pid)
        reading = read(engine, backend("heartbeat"), heartbeat=beat(tmp_path / "beat.json", pid=outside.pid))

    assert reading.answer is Answer.FAILED
    assert reading.detail.startswith(f"pid {outside.pid} is gone from container {NAME}; it beat ")


def test_a_beat_of_an_earlier_start_is_of_nobody(engine: Engine, tmp_path: Path) -> None:
    """A container counts its processes anew with each start: a beat that is a moment older than the process is not its own."""
    at = time.time()
    with process(_WAITS) as young:
        engine.containers[NAME] = document(young.pid)
        before = read(engine, backend("heartbeat"), heartbeat=beat(tmp_path / "beat.json", pid=young.pid, at=at - 0.2))
        own = read(engine, backend("heartbeat"), heartbeat=beat(tmp_path / "beat.json", pid=young.pid))

    assert (before.answer, "is gone" in before.detail) == (Answer.FAILED, True)
    assert own.answer is Answer.OK


def test_one_that_is_down_has_no_process(engine: Engine, tmp_path: Path) -> None:
    """The last beat in a container that does not run is of a process that is gone."""
    engine.containers.clear()
    reading = read(engine, backend("heartbeat"), heartbeat=beat(tmp_path / "beat.json"))

    assert (reading.answer, "is gone from container" in reading.detail) == (Answer.FAILED, True)


@pytest.mark.parametrize("how", ["paused", "stopped"])
def test_who_does_nothing_is_told(engine: Engine, tmp_path: Path, how: str) -> None:
    """A process whose beat is stale is told as paused with its container, or as stopped by itself."""
    with process(_WAITS) as still:
        at = time.time()
        engine.containers[NAME] = document(still.pid, Paused=how == "paused")
        if how == "stopped":
            still.send_signal(signal.SIGSTOP)
            os.waitpid(still.pid, os.WUNTRACED)
        file = beat(tmp_path / "beat.json", pid=still.pid, at=at)
        reading = read(engine, backend("heartbeat", max_age=0.001), heartbeat=file)

    assert reading.answer is Answer.FAILED
    assert reading.detail.endswith({"paused": "its container is paused", "stopped": "it was stopped by a signal"}[how])


def test_a_beat_without_its_engine_is_untold(engine: Engine, tmp_path: Path) -> None:
    """Where the engine does not say, nobody knows whose beat it is."""
    engine.texts[NAME] = "{}"
    reading = read(engine, backend("heartbeat"), heartbeat=beat(tmp_path / "beat.json"))

    assert reading.answer is Answer.UNTOLD


def test_a_pipe_is_no_beat(engine: Engine, tmp_path: Path) -> None:
    """A pipe that a container put in the place of its beat keeps nobody waiting."""
    os.mkfifo(tmp_path / "beat.json")
    reading = read(engine, backend("heartbeat"), heartbeat=str(tmp_path / "beat.json"))

    assert (reading.answer, "holds no JSON" in reading.detail) == (Answer.FAILED, True)


# Commands


def test_another_command_runs_on_this_machine(engine: Engine) -> None:
    """A command that is not python runs here, in our own folder, knows who is asked, and nothing of the container's own."""
    script = (
        "echo x-crossfade-version: $CROSSFADE_VERSION; echo $PWD $ADDRESS $CROSSFADE_SERVICE/$CROSSFADE_SLOT own:$OWN ${PATH%%:*}"
    )
    made = backend("command", run=["sh", "-c", script])
    where: dict[str, Json] = {"python": "python", "folder": "/app", "environment": {"OWN": "yes", "PATH": "/app/bin"}}
    reading = read(engine, made, address="10.203.78.0:8000", **where)

    assert (reading.answer, engine.asked) == (Answer.OK, [])
    assert reading.detail == f"{Path.cwd()} 10.203.78.0:8000 api/green own: {os.environ['PATH'].partition(':')[0]}"


@pytest.mark.parametrize(
    ("said", "answer", "detail"),
    [
        (document(0, Status="exited"), Answer.FAILED, f"container {NAME} does not run: exited"),
        (document(1, Paused=True), Answer.FAILED, f"container {NAME} is paused"),
        ({}, Answer.UNTOLD, "answers what is no container"),
    ],
    ids=["down", "paused", "odd"],
)
def test_python_is_not_run_where_it_cannot(engine: Engine, said: Json, answer: Answer, detail: str) -> None:
    """Where nothing can be run in the container, that is told; it is not taken for what the command said."""
    engine.containers[NAME] = said
    reading = read(engine, backend("command", run=["python", "-c", "pass"]))

    assert (reading.answer, detail in reading.detail) == (answer, True)
