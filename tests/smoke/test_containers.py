"""A container by the word of its engine, and its processes by the word of the system; the engine is a test's own."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest
from docker_engine import STARTED, Engine, document
from hypothesis import given
from hypothesis import strategies as some

from smoke.containers import Container, Down, Reference, Unseen
from tests.smoke.probes.peers import VERSION, placed, process

NAME = "crossfade-staging-api--blue"
_WAITS = "import sys; sys.stdin.read()"
_CHILD = """
import subprocess, sys
said = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
subprocess.Popen([sys.executable, "-c", said]).wait()
"""
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=3),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(max_size=3), inner, max_size=2),
)


@pytest.fixture(name="engine")
def _engine() -> Iterator[Engine]:
    with Engine() as engine:
        engine.containers[NAME] = document(os.getpid())
        yield engine


def look(engine: Engine) -> Container:
    """How that container is."""
    return Reference(NAME, engine.daemon).look()


def test_a_container_is_as_its_engine_says(engine: Engine) -> None:
    """A look has the container's identity, its first process, its version, its state and its own addresses."""
    engine.containers[NAME]["RestartCount"] = 3

    assert look(engine) == Container(
        name=NAME,
        id=engine.containers[NAME]["Id"],
        pid=os.getpid(),
        version=VERSION,
        started=STARTED,
        restarts=3,
        paused=False,
        addresses=frozenset({"127.0.0.1"}),
    )


def test_each_start_is_another_instance(engine: Engine) -> None:
    """A container that was started again has the same id, and is another instance."""
    before = look(engine).instance
    again = look(engine).instance
    engine.containers[NAME]["State"]["StartedAt"] = "2026-11-28T20:30:09.1Z"

    assert before == again == f"1eb536b0f69a@{STARTED}"
    assert look(engine).instance == "1eb536b0f69a@2026-11-28T20:30:09.1Z"


@pytest.mark.parametrize("labels", [None, {}, {"crossfade.version": ""}], ids=str)
def test_who_was_not_placed_has_no_version(engine: Engine, labels: dict[str, str] | None) -> None:
    """A container without our label has no version."""
    engine.containers[NAME]["Config"]["Labels"] = labels

    assert look(engine).version is None


@pytest.mark.parametrize("status", ["exited", "created", "restarting"])
def test_one_that_does_not_run_is_down(engine: Engine, status: str) -> None:
    """A container without a process is down, in the engine's own word for it."""
    engine.containers[NAME] = document(0, Status=status, Restarting=status == "restarting")

    with pytest.raises(Down, match=f"container {NAME} does not run: {status}"):
        look(engine)


def test_one_that_is_not_there_is_down(engine: Engine) -> None:
    """A container that the engine does not know is down."""
    del engine.containers[NAME]

    with pytest.raises(Down, match=f"container {NAME} is not there"):
        look(engine)


def test_an_engine_that_is_gone_says_nothing(engine: Engine) -> None:
    """Where no engine listens nothing is known, and the socket is named."""
    path = engine.daemon.removeprefix("unix://")
    os.unlink(path)  # noqa: PTH108 - a text

    with pytest.raises(Unseen, match=f"{path}: No such file or directory"):
        look(engine)


@pytest.mark.parametrize("daemon", ["tcp://127.0.0.1:2375", "ssh://host", "", "/run/docker.sock"])
def test_an_engine_elsewhere_is_not_asked(daemon: str) -> None:
    """An engine that has no socket on this machine is not asked."""
    with pytest.raises(Unseen, match="engines are asked at unix:///"):
        Reference(NAME, daemon).look()


@pytest.mark.parametrize("name", ["", "../images", "a b", "a/json?x", "a\r\nx"], ids=repr)
def test_a_name_that_is_none_is_not_asked_for(engine: Engine, name: str) -> None:
    """A name that no container can have does not become a part of a question."""
    with pytest.raises(Unseen):
        Reference(name, engine.daemon).look()

    assert engine.asked == []


@given(words=JSON, at=some.sampled_from(["", "State", "State.Pid", "Config", "Config.Labels", "NetworkSettings.Networks", "Id"]))
def test_any_answer_is_read_or_refused(words: object, at: str) -> None:
    """Whatever an engine answers, a look has a container, or ends in one of its two errors."""
    answer: dict[str, object] = document(os.getpid())
    *way, last = at.split(".")
    inner: dict[str, object] = answer
    for each in way:
        inner = inner[each]  # type: ignore[assignment]
    inner[last] = words
    with Engine() as engine:
        engine.texts[NAME] = json.dumps(answer if at else words)
        with suppress(Down, Unseen):
            assert look(engine).pid > 0


def test_a_placement_says_where_its_container_is() -> None:
    """A placement of this machine has no container; one that names no engine is that of the machine's own."""
    assert Reference.of(placed()) is None
    assert Reference.of(placed(container=NAME, daemon="unix:///x")) == Reference(NAME, "unix:///x")
    assert Reference.of(placed(container=NAME)) == Reference(NAME, "unix:///var/run/docker.sock")


def test_a_command_is_a_line_to_paste() -> None:
    """A command names the engine, and is quoted as a shell wants it."""
    assert Reference(NAME, "unix:///a b").command("kill") == f"docker -H 'unix:///a b' kill {NAME}"


@pytest.mark.processes
def test_its_processes_are_all_that_it_started(engine: Engine) -> None:
    """The memory is that of all of its processes, and a process of somebody else's is not found in it."""
    with process(_CHILD) as first, process(_WAITS) as stranger:
        assert first.stdout is not None
        child = int(first.stdout.readline())
        engine.containers[NAME] = document(first.pid)
        found = look(engine)
        pids = [each.pid for each in found.processes()]

        assert pids == [first.pid, child]
        assert found.rss() > 1.5 * max(each.memory_info().rss for each in found.processes())
        assert (found.hosted(child), found.hosted(stranger.pid)) == (child, None)
        os.kill(child, 9)  # it would outlive its parent


@pytest.mark.processes
def test_a_process_goes_by_its_own_count_in_a_container(engine: Engine) -> None:
    """The id that a process has in a namespace of its own is translated to this machine's."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "sleep 60 & echo $$ $! && wait"]
    if os.geteuid() != 0:
        words[1:1] = ["--user", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*words[:-3], "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs unshare, and a system that lets us")
    with subprocess.Popen(words, stdout=subprocess.PIPE) as outer:
        try:
            assert outer.stdout is not None
            first, child = map(int, outer.stdout.readline().split())
            engine.containers[NAME] = document(outer.pid)
            container = look(engine)
            *_, hosted_first, hosted_child = [each.pid for each in container.processes()]
            found = container.hosted(first), container.hosted(child), container.hosted(99)
        finally:
            outer.kill()

    assert (first, child) == (1, 2)
    assert found == (hosted_first, hosted_child, None)


@pytest.mark.processes
def test_processes_of_another_machine_are_unseen(engine: Engine) -> None:
    """Where this machine does not know the first process, nothing is said of those in the container."""
    with process(_WAITS) as ended:
        pass
    engine.containers[NAME] = document(ended.pid)
    container = look(engine)

    with pytest.raises(Unseen, match=f"the processes of container {NAME} cannot be seen"):
        container.hosted(1)
