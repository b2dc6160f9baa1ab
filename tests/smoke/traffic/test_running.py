"""The generator as a process: when it begins, when it ends, what it leaves."""

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import machine
import psutil
import pytest

from smoke.errors import SeamError
from smoke.traffic import Load, Loss, Running, Target, entries, traffic
from tests.smoke.traffic.server import Server

pytestmark = [pytest.mark.processes, pytest.mark.load]
ROOT = Path(__file__).parents[3]


wait_for = partial(machine.wait_for, limit=15.0)


def runs(pid: int) -> bool:
    """The process is there, and has not ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def called(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The generator as people call it."""
    command = [sys.executable, "-m", "smoke.traffic", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT, check=False)


def test_ends_with_the_context(server: Server, tmp_path: Path) -> None:
    """The process sends while the context lasts, ends with it, and says of each request what became of it."""
    record = tmp_path / "record"
    with traffic({"it": Target(server.url("/turns"), 100.0)}, limit=60.0, record=record) as running:
        wait_for(lambda: server.seen >= 50)
        assert runs(running.pid)
    found = running.summary()["it"]
    assert not runs(running.pid)
    assert found.offered == found.sent == found.answered == server.seen
    assert len(list(entries(record))) == found.answered


def test_the_record_can_be_read_while_it_runs(server: Server, tmp_path: Path) -> None:
    """Lines are in the record a second after what they say, before the context ends; what was in it before is gone."""
    record = tmp_path / "record"
    record.write_text("something else\n")
    with traffic({"it": Target(server.url(), 50.0)}, limit=60.0, record=record):
        wait_for(lambda: len(list(entries(record))) > 10)


def test_an_error_of_the_body_passes_through(server: Server) -> None:
    """Whatever ends the context ends the process, and is raised as it is."""
    with pytest.raises(ZeroDivisionError), traffic({"it": Target(server.url(), 50.0)}, limit=60.0) as running:
        raise ZeroDivisionError
    assert not runs(running.pid)
    assert running.summary()["it"].lost == {}


def test_ends_at_the_limit(server: Server) -> None:
    """The process ends at its limit, context or not, and its summary is there when the context has ended."""
    with traffic({"it": Target(server.url(), 100.0)}, limit=0.5) as running:
        wait_for(lambda: not runs(running.pid))
        with pytest.raises(RuntimeError, match="still runs"):
            running.summary()
    assert (running.summary()["it"].offered, server.seen) == (50, 50)


def test_ends_when_its_parent_is_killed(server: Server) -> None:
    """A parent that is killed without a chance to say so takes the traffic with it, at once."""
    command = [sys.executable, str(Path(__file__).with_name("parent.py")), server.url("/hang")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        try:
            pid = int(parent.stdout.readline())
            wait_for(lambda: server.seen > 5)
            assert runs(pid)
        finally:
            parent.kill()
    wait_for(lambda: not runs(pid), limit=5.0)


def test_is_in_a_session_of_its_own(server: Server) -> None:
    """What a terminal sends to all that run in it does not reach the process."""
    with traffic({"it": Target(server.url(), 10.0)}, limit=60.0) as running:
        assert os.getsid(running.pid) == running.pid != os.getsid(0)


def test_a_process_that_died_has_no_summary(server: Server) -> None:
    """Where the process was killed the context ends as ever, and only who asks for the summary hears of it."""
    with traffic({"it": Target(server.url(), 10.0)}, limit=60.0) as running:
        os.kill(running.pid, signal.SIGKILL)
        wait_for(lambda: not runs(running.pid))
    with pytest.raises(SeamError) as caught:
        running.summary()
    assert caught.value.cause == "its process ended with -9"


def test_a_process_that_cannot_start(server: Server, tmp_path: Path) -> None:
    """Traffic that cannot begin raises at once, with what its process said last."""
    with pytest.raises(SeamError, match="did not start") as caught:
        Running(Load({"it": Target(server.url(), 1.0)}, 1.0, tmp_path / "no" / "record"))
    assert "No such file or directory" in (caught.value.cause or "")


def test_a_thousand_a_second(remote: str) -> None:
    """At 1000 requests a second every one is sent and answered; how fast is for people to read."""
    done = called("--url", remote, "--rate", "1000", "--seconds", "2")
    assert done.stdout.startswith('{\n "format": 1,')
    found = json.loads(done.stdout)["targets"][remote]
    assert (found["offered"], found["sent"], found["answered"], found["lost"]) == (2000, 2000, 2000, {})


def test_an_interrupt_ends_it_in_order(server: Server) -> None:
    """Ctrl-C ends the load, and what was sent so far is summed up."""
    command = [sys.executable, "-m", "smoke.traffic", "--url", server.url(), "--rate", "50", "--seconds", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        wait_for(lambda: server.seen > 10)
        process.send_signal(signal.SIGINT)
        document = json.loads(process.communicate(timeout=15)[0])
    assert document["targets"][server.url()]["answered"] == server.seen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "http://example.com/", "--rate", "1", "--seconds", "1"], "error: example.com is not this machine"),
        (["--url", "http://127.0.0.1.example.com/", "--rate", "1", "--seconds", "1"], "is not this machine"),
        (["--url", "ftp://127.0.0.1/", "--rate", "1", "--seconds", "1"], "error: traffic cannot go to"),
        (["--url", "http://127.0.0.1/", "--rate", "0", "--seconds", "1"], "cannot have the rate"),
        (["--url", "http://127.0.0.1/"], "error: --rate, --seconds is missing"),
        (["--url", "http://127.0.0.1/", "--rate", "fast"], "invalid float"),
    ],
)
def test_refuses_what_is_not_for_it(arguments: list[str], said: str) -> None:
    """Load for another machine, and what is no load, is refused in words with the exit code for usage; nothing is sent."""
    done = called(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_losses_are_no_error(server: Server) -> None:
    """A load that was lost is data, and the command did what it was asked."""
    done = called("--url", server.url("/half"), "--rate", "50", "--seconds", "0.2")
    assert (done.returncode, json.loads(done.stdout)["targets"][server.url("/half")]["lost"]) == (0, {Loss.HALF: 10})
