"""Whether a program that beats is ready: what a pod's kubelet runs, run here."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.targets.kubernetes.asking import probes

pytestmark = pytest.mark.processes
AGE = 5


class Program:
    """What beats, and who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "beat.json"
        found = probes({"ready": {"kind": "heartbeat", "max_age": AGE, "every": 1, "timeout": 1}}, listens=False)
        self.asked = {name: [sys.executable, *each["exec"]["command"][1:-2]] for name, each in found.items() if "exec" in each}

    def beat(self, beats: int, *, run: float = 1.0, connected: bool = True) -> None:
        """Beat now."""
        self.file.write_text(json.dumps({"started": run, "beats": beats, "connected": connected}), encoding="utf-8")

    def stands(self, seconds: float) -> None:
        """Let the count have stood for that long."""
        then = time.time() - seconds
        os.utime(self.file.with_name("beat.json.seen"), (then, then))

    def look(self, probe: str = "readinessProbe") -> str:
        """Look once: what is said against it, or nothing."""
        done = subprocess.run([*self.asked[probe], str(self.file), str(AGE)], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is (done.stderr == ""), done.stderr
        return done.stderr.strip()


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_run_is_ready_once_it_gets_something_done(program: Program) -> None:
    """One that has only begun to beat has begun, and is not ready; it is as soon as its count moves."""
    program.beat(7)
    assert program.look("startupProbe") == ""
    assert [program.look() for _ in range(2)] == 2 * ["it beats, and has done nothing: it stands at 7 beats"]
    program.beat(8)
    assert program.look() == ""


def test_a_count_that_stands_is_not_ready(program: Program) -> None:
    """One that beats and does nothing for longer than a beat may be old is not ready any more, and is again once it goes on."""
    for beats in (7, 8):
        program.beat(beats)
        program.look()
    program.stands(AGE - 2)
    assert program.look() == ""
    program.stands(AGE + 2)
    assert program.look() == "it beats, and has done nothing: it stands at 8 beats"
    program.beat(9)
    assert program.look() == ""


def test_a_silent_feed_is_not_ready(program: Program) -> None:
    """One that says that it is not connected is not ready, whatever it counts; nobody starts it again for that."""
    for beats in (7, 8):
        program.beat(beats, connected=False)
        assert program.look().startswith("feed is silent")
    assert (program.look("startupProbe"), program.look("livenessProbe")) == ("", "")


def test_another_run_has_to_move_anew(program: Program) -> None:
    """What a run before it did says nothing of one that was started again in the same pod."""
    for beats, run in ((7, 1.0), (8, 1.0), (0, 2.0)):
        program.beat(beats, run=run)
        said = program.look()
    assert said == "it beats, and has done nothing: it stands at 0 beats"


def test_an_old_beat_is_not_ready(program: Program) -> None:
    """A beat that is older than it may be is no beat."""
    program.beat(7)
    os.utime(program.file, (time.time() - AGE - 3, time.time() - AGE - 3))
    assert program.look().startswith("it beat 8 s ago")


@pytest.mark.parametrize("text", ["", "alive", "[1]", "{}", '{"at": 1}'])
def test_a_file_that_is_touched_is_enough(program: Program, text: str) -> None:
    """One that counts nothing is ready as long as its file is young."""
    program.file.write_text(text, encoding="utf-8")
    assert program.look() == ""
