"""What holds for a program, as a thing."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from machine import free_port

from infra.targets.local import launch
from tests.infra.local.place import Place, wait_for

pytestmark = pytest.mark.processes

WAITS = "import time; print('up'); time.sleep(600)"
LISTENS = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('up'); time.sleep(600)"
SAYS = "import os, time; print(dict(os.environb)); print('up'); time.sleep(600)"
NASTY = "a \"b\" 'c'\nd\t%(x)s %% ; # = ä€🙂 \\n $HOME {port}"
TEXTS = some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def test_sees_the_environment_it_was_given(stack: Place) -> None:
    """A value with quotes, line breaks, percent signs and more arrives as it was given, and nothing of ours comes with it."""
    stack.make("program", stack.program("one", SAYS, NASTY=NASTY))
    wait_for(lambda: "up" in stack.log("one"))
    said = stack.log("one")
    assert repr(NASTY.encode()) in said
    assert "SUPERVISOR" not in said


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(given=some.dictionaries(TEXTS.filter(lambda name: name and "=" not in name), TEXTS, max_size=4))
def test_launches_with_exactly_that(tmp_path_factory: pytest.TempPathFactory, given: dict[str, str]) -> None:
    """Whatever text is given arrives byte for byte in any locale, beside the few variables that are passed on."""
    file = tmp_path_factory.mktemp("launch") / "program.json"
    file.write_text(json.dumps({"argv": ["/usr/bin/env", "-0"], "environment": given, "folder": "/"}))
    passed = {"HOME": "/nowhere", "LC_ALL": "C"}
    seen = subprocess.run(
        [sys.executable, "-I", launch.__file__, file], env={**passed, "SHELL": "x"}, stdout=subprocess.PIPE, check=True
    ).stdout
    assert sorted(filter(None, seen.split(b"\0"))) == sorted(f"{k}={v}".encode() for k, v in {**passed, **given}.items())


def test_sees_a_long_environment(stack: Place) -> None:
    """A value of 100,000 characters arrives."""
    stack.make("program", stack.program("one", "import os; print(len(os.environ['A']), 'up'); input()", A="x" * 100_000))
    wait_for(lambda: "100000 up" in stack.log("one"))


def test_says_why_it_cannot_start(stack: Place) -> None:
    """A program that cannot be started says why in one line of its log, and is tried again."""
    cases = {
        "absent": (["/nowhere/gunicorn", "app"], "", "/nowhere/gunicorn", "No such file or directory"),
        "long": (["/bin/true"], "x" * 200_000, "/bin/true", "Argument list too long"),
        "null": (["/bin/true"], "\0", "/bin/true", "embedded null byte"),
    }
    for name, (argv, value, _, _) in cases.items():
        spec = {"name": name, "program": stack.described(argv, A=value), "python": sys.executable, "folders": []}
        stack.make("program", spec)
    for name, (_, _, first, why) in cases.items():
        wait_for(lambda name=name: stack.log(name).count("\n") > 1)
        assert set(stack.log(name).splitlines()) == {f"crossfade: {first} cannot be started in {stack.project}: {why}"}
        assert stack.supervisor.state(name) in {"BACKOFF", "STARTING"}


def test_is_made_once(stack: Place) -> None:
    """A second making of what runs changes nothing."""
    spec = stack.program("one", WAITS)
    stack.make("program", spec)
    before = stack.pid("one")
    stack.make("program", spec)
    assert stack.pid("one") == before


def test_is_started_anew_when_it_changed(stack: Place) -> None:
    """A spec that differs starts it anew, as the new spec says, and leaves others alone."""
    stack.make("program", stack.program("other", WAITS))
    stack.make("program", stack.program("one", SAYS, A="old"))
    other, changed = stack.pid("other"), stack.program("one", SAYS, A="new")
    assert not stack.well("program", changed)
    stack.make("program", changed)
    wait_for(lambda: "b'new'" in stack.log("one"))
    assert (stack.pid("other"), stack.well("program", changed)) == (other, True)


def test_is_well_while_it_is_kept_running(stack: Place) -> None:
    """One that crashes all the time is well, since it is started again; a making leaves it to that."""
    spec = stack.program("one", "print('crash')")
    stack.make("program", spec)
    wait_for(lambda: stack.log("one").count("crash") > 1)
    assert stack.well("program", spec)
    stack.make("program", spec)
    assert stack.well("program", spec)


def test_is_started_again_where_somebody_stopped_it(stack: Place) -> None:
    """A program that was stopped by hand is not well, and is started as it was."""
    spec = stack.program("one", WAITS)
    stack.make("program", spec)
    wait_for(lambda: "up" in stack.log("one"))
    stack.ask("stopProcess", "one")
    assert not stack.well("program", spec)
    stack.make("program", spec)
    assert stack.pid("one")
    assert stack.well("program", spec)


def test_returns_once_it_listens(stack: Place) -> None:
    """With a port, making returns when somebody listens there; another port is another program."""
    one, two = free_port(), free_port()
    for port in (one, two):
        spec = stack.program("one", LISTENS, port=port)
        spec["program"]["argv"].append(str(port))
        stack.make("program", spec)
        assert stack.listens(port)
    assert not stack.listens(one)


def test_one_that_is_still_starting_is_waited_for_and_left_alone(stack: Place, tmp_path: Path) -> None:
    """Running but not yet listening, as after a reboot, is not well; making it again waits for it and does not start it anew."""
    port, gate = free_port(), tmp_path / "gate"
    late = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n{LISTENS}"
    spec = stack.program("one", late, port=port)
    spec["program"]["argv"].append(str(port))
    stack.supervisor.run("one", spec["program"], sys.executable)
    wait_for(lambda: stack.supervisor.state("one") == "RUNNING")
    before = stack.pid("one")
    assert not stack.well("program", spec)
    threading.Timer(0.3, gate.touch).start()
    stack.make("program", spec)
    assert stack.listens(port)
    assert stack.pid("one") == before
    assert stack.well("program", spec)


def test_has_its_folders(stack: Place) -> None:
    """Folders that it needs are there before it starts, for its owner alone."""
    folder = stack.home.data("api")
    code = f"import os; print('up', os.listdir({str(folder)!r})); input()"
    stack.make("program", {**stack.program("one", code), "folders": [str(folder)]})
    wait_for(lambda: "up []" in stack.log("one"))
    assert Path(folder).stat().st_mode & 0o077 == 0


def test_starts_with_ordinary_signals(stack: Place) -> None:
    """No signal is ignored from the start: a pipe whose reader left ends its writer, as everywhere."""
    spec = stack.program("one", "")
    spec["program"]["argv"] = ["/bin/sh", "-c", "grep SigIgn /proc/$$/status; sleep 600"]
    stack.make("program", spec)
    wait_for(lambda: "SigIgn" in stack.log("one"))
    assert int(stack.log("one").split()[-1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_is_ended(stack: Place) -> None:
    """Unmaking ends it, removes its description, and keeps its log; it may be repeated."""
    spec = stack.program("one", WAITS)
    stack.make("program", spec)
    wait_for(lambda: "up" in stack.log("one"))
    before = stack.pid("one")
    stack.unmake("program", spec)
    stack.unmake("program", spec)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert (stack.home.program("one").exists(), stack.home.unit("one").exists(), "up" in stack.log("one")) == (False, False, True)
