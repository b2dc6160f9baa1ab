"""What holds for the supervisor of a stack and what runs under it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from infra.targets.local.supervision import SupervisionError
from tests.infra.local.place import Place, wait_for

pytestmark = pytest.mark.processes

WAITS = "import time; print('up'); time.sleep(600)"
BEGIN = """
import sys, time
from pathlib import Path
from infra.targets.local.home import Home
from infra.targets.local.things import THINGS
THINGS["folder"].make(Home(Path(sys.argv[1])), {"start": "blue"})
print("made", flush=True)
time.sleep(600)
"""


def run(stack: Place, name: str, code: str = WAITS, **environment: str) -> int:
    """Have a program running; its process, once it has said that it is up."""
    spec = stack.program(name, code, **environment)
    stack.supervisor.run(name, spec["program"], spec["python"])
    wait_for(lambda: "up" in stack.log(name))
    return stack.pid(name)


def test_outlives_whoever_started_it(place: Place) -> None:
    """The supervisor stays when the process that started it is killed with its whole group."""
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN, place.home.folder], stdout=subprocess.PIPE, start_new_session=True
    ) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"made\n"
        os.killpg(one.pid, signal.SIGKILL)
    assert place.supervisor.answers()


def test_starts_once(stack: Place) -> None:
    """A start of what is there changes nothing."""
    before = stack.supervisor_pid
    stack.supervisor.start()
    assert stack.supervisor_pid == before


def test_adding_and_ending_one_leaves_the_others(stack: Place) -> None:
    """A program that comes, changes or goes restarts no other."""
    one, two = run(stack, "one"), run(stack, "two")
    run(stack, "three")
    assert run(stack, "two", A="changed") != two
    stack.supervisor.end("three")
    assert stack.pid("one") == one


def test_many_at_once(stack: Place) -> None:
    """Programs that are run at the same time, from threads, all come up, and each once."""
    names = [f"p{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        pids = list(pool.map(lambda name: run(stack, name), names))
    assert [stack.pid(name) for name in names] == pids


def test_starts_what_crashed_and_keeps_what_it_said(stack: Place) -> None:
    """A program that is killed comes back, and its log has what both said."""
    before = run(stack, "one")
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: stack.log("one").count("up") == 2)
    assert stack.pid("one") not in {0, before}


def test_ends_with_sigterm(stack: Place) -> None:
    """A program is asked to end, and may do so in its own way."""
    polite = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit('bye'))\nprint('up')\ntime.sleep(600)"
    run(stack, "one", polite)
    stack.supervisor.end("one")
    assert "bye" in stack.log("one")


def test_ends_with_its_children(stack: Place) -> None:
    """Children of a program end with it, also one that does not want to."""
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    run(stack, "one", f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {stubborn!r}])\ntime.sleep(600)")
    stack.supervisor.end("one")
    assert [each.pid for each in stack.processes()] == [stack.supervisor_pid]


def test_ends_what_crashes_all_the_time(stack: Place) -> None:
    """A program that is between two starts is ended and forgotten, and its files are gone."""
    run(stack, "one", "raise SystemExit('up and away')")
    wait_for(lambda: stack.supervisor.state("one") == "BACKOFF")
    stack.supervisor.end("one")
    assert stack.supervisor.state("one") == "GONE"
    assert list((stack.home.folder / "programs").iterdir()) == []


def test_comes_back_after_a_reboot(stack: Place) -> None:
    """With every process gone, and socket and pid file left, a start brings back what was described, and it alone."""
    run(stack, "one")
    run(stack, "two")
    stack.supervisor.end("two")
    stack.kill()
    assert stack.home.supervisor.exists()
    assert not stack.supervisor.answers()
    stack.supervisor.start()
    wait_for(lambda: stack.log("one").count("up") == 2)
    assert stack.supervisor.state("two") == "GONE"


def test_takes_over_from_a_dead_supervisor(stack: Place) -> None:
    """What outlived its supervisor is ended before it is started again: no program runs twice."""
    before = run(stack, "one")
    os.kill(stack.supervisor_pid, signal.SIGKILL)
    wait_for(lambda: not stack.supervisor.answers())
    assert psutil.pid_exists(before)
    stack.supervisor.start()
    wait_for(lambda: stack.log("one").count("up") == 2)
    assert sorted(each.pid for each in stack.processes()) == sorted([stack.supervisor_pid, stack.pid("one")])


def test_ends_what_outlived_it(stack: Place) -> None:
    """A stop ends programs also where their supervisor was killed."""
    run(stack, "one")
    os.kill(stack.supervisor_pid, signal.SIGKILL)
    stack.supervisor.stop()
    assert stack.processes() == []


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours."""
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        yield process
        process.kill()


def test_leaves_strangers_alone(stack: Place, stranger: subprocess.Popen[bytes]) -> None:
    """A process that got the number in an old pid file is not ended."""
    stack.kill()
    (stack.home.folder / "supervisord.pid").write_text(f"{stranger.pid}\n")
    stack.supervisor.start()
    stack.supervisor.stop()
    assert stranger.poll() is None


def test_ends_without_a_supervisor(stack: Place) -> None:
    """A program of a supervisor that is gone can be ended: its description goes."""
    run(stack, "one")
    stack.kill()
    stack.supervisor.end("one")
    assert stack.supervisor.described("one") is None


@pytest.mark.parametrize("name", ["a b", "100%", "%(here)s", "a #b ;c", 'it\'s "ü"', "{x}", "$HOME\\n"])
def test_any_name_of_a_folder(name: str) -> None:
    """Programs run in a folder whose name has something in it that configuration files care for."""
    place = Place(name)
    try:
        place.make("folder")
        run(place, "one", "import os; print('up', os.environ['A'])\nwhile True: input()", A="%(here)s")
        assert "up %(here)s" in place.log("one")
    finally:
        place.close()


@pytest.mark.parametrize(("name", "says"), [("a[b]", r"has \[ in its name"), ("x" * 100, "lies too deep")])
def test_refuses_a_folder(name: str, says: str) -> None:
    """A folder that cannot work is refused, with what to do."""
    place = Place(name)
    try:
        with pytest.raises(SupervisionError, match=says):
            place.make("folder")
        assert place.processes() == []
    finally:
        place.close()
