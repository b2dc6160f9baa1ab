"""Slots in real containers: what probes see of them, and how the work of a singleton goes from one to the other."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import machine
import psutil
import pytest
from docker_host import DockerHost

from infra.contract import Backend, Placement
from smoke.clock import SystemClock
from smoke.containers import Reference
from smoke.errors import HandoverError
from smoke.handovers import handover
from smoke.heartbeat import Life, read_beat, traced
from smoke.model import Answer, Reading
from smoke.probes import probe
from smoke.seams import Handover
from tests.smoke.handovers.stage import EXAMPLE, SLOTS, WORKER, Stage, run

# The suite that holds for every hand-over, here for one between containers.
from tests.smoke.handovers.test_conformance import (  # noqa: F401
    test_an_unknown_slot_is_refused,
    test_each_call_may_be_repeated,
    test_one_is_not_given_the_work_while_the_other_works,
    test_the_holder_is_the_one_that_was_given_the_work,
    test_the_release_of_one_leaves_the_other_alone,
    test_the_work_goes_over_and_back,
)
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import OTHER, VERSION, ended, placed

IMAGE = "python:3.12-slim-bookworm"
USER = 10001
"""Whose processes are in the containers: never root's."""
SHORT = 0.6
"""Seconds after which a hand-over that is to fail gives up."""
_LISTENS = ("python", "-m", "http.server", "--bind", "0.0.0.0", "8000")  # noqa: S104 - within its container

wait_for = partial(machine.wait_for, limit=30.0)
Run = Callable[..., Placement]


class Engine:
    """Runs containers of these tests, and takes them off again."""

    def __init__(self, host: DockerHost) -> None:
        self._host = host
        self._names: list[str] = []

    def run(self, name: str, *words: str, options: tuple[str, ...] = (), version: str = VERSION) -> Placement:
        """Start a container as the target does; where it is placed once it runs."""
        user, label, given = f"--user={USER}:{USER}", f"--label=crossfade.version={version}", f"--env=CROSSFADE_VERSION={version}"
        self._names.append(name)
        self.docker(
            "run", "--detach", "--init", "--restart=always", f"--name={name}", user, label, given, *options, IMAGE, *words
        )
        where = {"container": name, "daemon": self._host.docker_host, "python": "python", "folder": "/app"}
        address = self.docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
        return placed(address=f"{address}:8000", **where)

    def docker(self, *words: str) -> str:
        """What Docker's command line says."""
        return self._host.docker(*words).stdout.strip()

    def close(self) -> None:
        """Take off what was started."""
        for each in self._names:
            self.docker("rm", "--force", "--volumes", each)


@pytest.fixture(name="engine")
def _engine(docker_host: DockerHost) -> Iterator[Engine]:
    engine = Engine(docker_host)
    yield engine
    engine.close()


class Agents(Stage):
    """A fence with a container in each slot, which have it mounted and run the worker as a user of their own."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        super().__init__(folder)
        self.engine = engine
        self.placements: dict[str, Placement] = {}
        (folder / "orders.d").mkdir()
        self.log = folder / "orders.d" / "orders"
        for slot in SLOTS:
            (folder / slot).mkdir()
            self.beats[slot] = folder / slot / "beat.json"
            os.chown(folder / slot, USER, USER)
        for each in (self.folder, self.log.parent):
            os.chown(each, USER, USER)

    def start(self, slot: str, *extra: str) -> int:
        """Start the container of a slot; returns the id of its process on this machine once it beats."""
        mounts = {
            self.folder: "/crossfade/fence",
            self.beats[slot].parent: "/crossfade/beat",
            self.log.parent: "/crossfade/orders",
            EXAMPLE: "/app:ro",
            WORKER: "/worker.py:ro",
        }
        options = ("--env=PYTHONPATH=/app", *(f"--volume={host}:{inside}" for host, inside in mounts.items()))
        words = ("python", "/worker.py", slot, "/crossfade/fence", "/crossfade/beat/beat.json", "/crossfade/orders/orders")
        placement = self.engine.run(f"contained-{slot}", *words, *extra, options=options, version="py39-0123456789ab")
        heard = {"slot": slot, "heartbeat": str(self.beats[slot]), "version": "py39-0123456789ab"}
        self.placements[slot] = placed(**{**_fields(placement), **heard})
        wait_for(self.beats[slot].exists, f"{slot} beats")
        return self.pid(slot)

    def pid(self, slot: str) -> int:
        """The id on this machine of the process that beats."""
        beat, alive = traced(read_beat(self.beats[slot]), Reference.of(self.placements[slot]))
        assert alive is not Life.GONE
        return beat.pid

    def settings(self, timeout: float = 20.0) -> dict[str, Any]:
        """What the contract says of it."""
        where = {slot: each.container for slot, each in self.placements.items()}
        return {**super().settings(timeout), "containers": where, "daemon": self.placements["blue"].daemon}

    def read(self, slot: str, made: Backend) -> Reading:
        """One look at a slot."""
        return ended(probe(made), self.placements[slot])


def _fields(placement: Placement) -> Mapping[str, Any]:
    return {name: getattr(placement, name) for name in Placement.__slots__}


@pytest.fixture(name="agents")
def _agents(tmp_path: Path, engine: Engine) -> Agents:
    agents = Agents(tmp_path, engine)
    agents.name("blue", 1)
    for slot in SLOTS:
        agents.start(slot)
    agents.more_orders("blue", 1)
    return agents


@pytest.fixture(name="any_handover")
def _any_handover(agents: Agents) -> Handover:
    return handover(agents.backend(), SystemClock())


# Who listens


def test_a_container_that_listens(engine: Engine) -> None:
    """A container is told by its label; at the address of another one it is an impostor, and paused it is not well."""
    own = engine.run("contained-own", *_LISTENS)
    other = engine.run("contained-other", *_LISTENS, version=OTHER)

    def asked(placement: Placement) -> Reading:
        return ended(probe(backend("tcp")), placement)

    wait_for(lambda: asked(own).answer is Answer.OK, "it listens")
    wait_for(lambda: asked(other).impostor, "the other listens")
    well = asked(own)
    elsewhere = asked(placed(**{**_fields(own), "address": other.address}))
    engine.docker("pause", "contained-own")
    paused = asked(own)

    assert (well.detail, well.numbers["rss_mb"] > 1) == ("container contained-own listens", True)
    assert (elsewhere.answer, elsewhere.impostor) == (Answer.FAILED, True)
    assert "is no address of container contained-own" in elsewhere.detail
    assert (paused.answer, paused.detail) == (Answer.FAILED, "container contained-own is paused")


def test_a_restart_by_the_engine_is_another_instance(engine: Engine) -> None:
    """A container whose process died, and that the engine started again by itself, is another instance at the same address."""
    placement = engine.run("contained-own", *_LISTENS)
    reference = Reference.of(placement)
    assert reference is not None
    before = reference.look()
    (listener,) = [each for each in before.processes() if each.pid != before.pid]
    listener.kill()
    wait_for(lambda: engine.docker("inspect", "--format", "{{.RestartCount}}", "contained-own") == "1", "it was started again")
    wait_for(lambda: ended(probe(backend("tcp")), placement).answer is Answer.OK, "it listens again")
    after = reference.look()

    assert (before.restarts, after.restarts) == (0, 1)
    assert before.id == after.id
    assert before.instance != after.instance


# Heartbeats


def test_a_beat_is_known_by_this_machines_id(agents: Agents) -> None:
    """A beat in a container is told by the id that its process has on this machine, with its memory; paused it is stale."""
    well = agents.read("blue", backend("heartbeat"))
    pid = int((well.instance or "").partition("@")[0])
    words = " ".join(psutil.Process(pid).cmdline())
    agents.engine.docker("pause", "contained-blue")
    wait_for(lambda: agents.read("blue", backend("heartbeat", max_age=0.5)).answer is Answer.FAILED, "its beat is stale")
    paused = agents.read("blue", backend("heartbeat", max_age=0.5))

    assert (well.answer, well.numbers["rss_mb"] > 1) == (Answer.OK, True)
    assert words.startswith("python /worker.py blue")
    assert pid != agents.beat("blue")["pid"]
    assert paused.detail.endswith("its container is paused")


def test_a_beat_of_an_earlier_start_is_of_nobody(agents: Agents) -> None:
    """A process that has the same id in its container as the one before it, is not taken for that one."""
    last: dict[str, Any] = {}

    def again() -> bool:
        return agents.beat("blue")["started"] != last["started"]

    psutil.Process(agents.pid("blue")).suspend()  # or it beats once more
    last.update(agents.beat("blue"))
    psutil.Process(agents.pid("blue")).kill()
    wait_for(again, "its next start beats")
    own = agents.read("blue", backend("heartbeat"))
    stale = agents.beats["blue"].with_name("stale.json")
    counted = {"pid": agents.beat("blue")["pid"]}  # mostly the same, but another program may come between
    stale.write_text(json.dumps({**last, **counted}), encoding="utf-8")
    old = ended(probe(backend("heartbeat")), placed(**{**_fields(agents.placements["blue"]), "heartbeat": str(stale)}))

    assert (own.answer, old.answer) == (Answer.OK, Answer.FAILED)
    assert f"pid {counted['pid']} is gone from container contained-blue" in old.detail


# Hand-overs


def test_ten_hand_overs_under_work(agents: Agents) -> None:
    """Over ten hand-overs under work no two containers are ever at work at once, and every grant has a token of its own."""
    for number in range(10):
        old, new = ("blue", "green") if number % 2 == 0 else ("green", "blue")
        agents.handover().release(old)
        agents.handover().hold(new)
        agents.more_orders(new)
    found = agents.judged()

    assert [span.token for span in found] == list(range(1, 12))
    assert [span.slot for span in found] == ["blue", "green"] * 5 + ["blue"]


@pytest.mark.parametrize("way", ["unpause", "kill"])
def test_a_holder_that_is_paused(agents: Agents, way: str) -> None:
    """A paused container keeps the work; each of the commands that the error says, as it stands, brings the work over."""
    agents.handover().hold("blue")
    pid = agents.pid("blue")
    agents.engine.docker("pause", "contained-blue")
    with pytest.raises(HandoverError, match=f"blue may still be at work: pid {pid} has the lock") as busy:
        agents.handover(SHORT).release("blue")
    ways = (busy.value.hint or "").splitlines()

    assert [each.split()[3] for each in ways[:2]] == ["unpause", "kill"]
    assert busy.value.cause == "it is paused with its container; nobody is named to work any more"

    run(next(each for each in ways if each.split()[3] == way))
    agents.handover().release("blue")
    agents.handover().hold("green")
    agents.more_orders("green")

    assert [span.slot for span in agents.judged()] == ["blue", "green"]


def test_a_holder_that_was_stopped_by_a_signal(agents: Agents) -> None:
    """A process that was stopped inside of its container keeps the work until the signal that the error says."""
    agents.handover().hold("blue")
    os.kill(agents.pid("blue"), signal.SIGSTOP)
    with pytest.raises(HandoverError, match="may still be at work") as busy:
        agents.handover(SHORT).release("blue")

    assert (busy.value.cause or "").startswith("it was stopped by a signal")

    run((busy.value.hint or "").splitlines()[0])
    agents.handover().release("blue")
    agents.handover().hold("green")
    agents.more_orders("green")
    agents.judged()


def test_a_container_that_is_gone_works_no_more(agents: Agents) -> None:
    """A slot whose container was taken away works no more, although it is named and its last beat says so."""
    agents.engine.docker("rm", "--force", "contained-blue")
    agents.handover().hold("green")
    agents.more_orders("green")

    assert agents.words == {"holder": "green", "token": 2}
    agents.judged()


# Commands


def test_python_runs_in_the_container(engine: Engine) -> None:
    """A command of python's sees the container's environment and address, and its status and words are its own."""
    placement = engine.run("contained-own", *_LISTENS)
    script = (
        "import os; print('x-crossfade-version:', os.environ['CROSSFADE_VERSION']); print(os.getuid(), os.environ['ADDRESS'])"
    )
    well = ended(probe(backend("command", run=["python", "-c", script])), placement)
    wrong = ended(probe(backend("command", run=["python", "-c", "raise SystemExit('no database')"])), placement)
    missing = placed(**{**_fields(placement), "python": "no-such-python"})
    absent = ended(probe(backend("command", run=["python", "-c", script])), missing)

    assert (well.answer, well.version, well.detail) == (Answer.OK, VERSION, f"{USER} {placement.address}")
    assert (wrong.answer, wrong.detail) == (Answer.FAILED, "exit status 1: no database")
    assert (absent.answer, "the command was not run" in absent.detail) == (Answer.UNTOLD, True)


def test_a_command_that_hangs_is_ended_in_the_container(engine: Engine) -> None:
    """A command that does not end in time fails, and is left behind neither here nor in the container."""
    placement = engine.run("contained-own", *_LISTENS)
    endless = backend("command", timeout=1.0, run=["python", "-c", "import signal; signal.pause()"])
    reading = ended(probe(endless), placement)

    assert (reading.answer, "did not end within 1 s" in reading.detail) == (Answer.FAILED, True)
    wait_for(lambda: "signal.pause" not in engine.docker("top", "contained-own"), "it is ended")
