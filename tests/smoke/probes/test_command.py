"""What holds for the command probe beyond the suite for all."""

import sys
from pathlib import Path

import psutil
import pytest

from infra.contract import Json
from smoke.model import Answer, Reading
from smoke.probes import probe
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import OTHER, VERSION, ended, placed
from tests.smoke.routers.envoy_harness import wait_for

pytestmark = pytest.mark.processes

SAID = f"print('x-crossfade-version: {VERSION}');"


def read(folder: Path, *run: str, given: dict[str, Json] | None = None, **settings: Json) -> Reading:
    """One look by a command in that folder."""
    return ended(probe(backend("command", run=[*run], **settings)), placed(folder=str(folder), **(given or {})))


def shell(folder: Path, script: str, **settings: Json) -> Reading:
    """The same by a line of shell."""
    return read(folder, "sh", "-c", script, **settings)


def test_its_name_is_the_command() -> None:
    """A person knows the probe by its command."""
    assert probe(backend("command", run=["sh", "-c", "exit 0"])).name == "command sh -c 'exit 0'"


def test_its_last_line_is_the_detail(tmp_path: Path) -> None:
    """A command that ends well is OK, and the last line beside its version is the detail."""
    reading = shell(tmp_path, f"echo first; echo last; echo X-Crossfade-Version: {VERSION}")
    assert (reading.answer, reading.detail, reading.version) == (Answer.OK, "last", VERSION)


@pytest.mark.parametrize("status", [1, 2, 124])
def test_another_status_fails(tmp_path: Path, status: int) -> None:
    """A status other than 0 fails, with the last line of its errors where there is no other."""
    reading = shell(tmp_path, f"echo no database >&2; exit {status}")
    assert (reading.answer, reading.detail) == (Answer.FAILED, f"exit status {status}: no database")


@pytest.mark.parametrize("status", [125, 126, 127])
def test_a_command_that_was_not_run_is_untold(tmp_path: Path, status: int) -> None:
    """The statuses by which a shell says that nothing was run say nothing about the placement."""
    assert shell(tmp_path, f"exit {status}").answer is Answer.UNTOLD


def test_no_such_command_is_untold(tmp_path: Path) -> None:
    """A command that is not there cannot tell, and is named."""
    reading = read(tmp_path, "no-such-command")
    assert reading.answer is Answer.UNTOLD
    assert "no-such-command cannot be started" in reading.detail


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (40, "signal 40")])
def test_a_killed_command_fails(tmp_path: Path, number: int, name: str) -> None:
    """A command that was killed fails with the signal, also where that has no name."""
    assert shell(tmp_path, f"kill -{number} $$").detail == f"killed by {name}: without a word"


def test_no_version_line_fails(tmp_path: Path) -> None:
    """A command that ends well without a version is told how to say one."""
    reading = shell(tmp_path, "echo fine")
    assert reading.answer is Answer.FAILED
    assert reading.detail == "did not say which version it asked: print a line `x-crossfade-version: <version>` (fine)"


def test_one_wrong_version_of_several_is_an_impostor(tmp_path: Path) -> None:
    """A command that asked several and met another version fails as an impostor."""
    reading = shell(tmp_path, f"echo x-crossfade-version: {VERSION}; echo x-crossfade-version: {OTHER}")
    assert (reading.impostor, reading.version) == (True, OTHER)


def test_python_is_the_slots_own(tmp_path: Path) -> None:
    """The word ``python`` is the slot's interpreter, and its own programs come before ours."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "slots-python").symlink_to(sys.executable)
    (programs / "check").write_text(f"#!/bin/sh\necho x-crossfade-version: {VERSION}\necho checked\n")
    (programs / "check").chmod(0o755)
    own = {"python": str(programs / "slots-python")}
    asked = f"import sys; {SAID} print(sys.orig_argv[0])"
    assert read(tmp_path, "python", "-c", asked, given=own).detail == str(programs / "slots-python")
    assert read(tmp_path, "check", given=own).detail == "checked"


def test_it_is_told_whom_to_ask(tmp_path: Path) -> None:
    """A command runs in the slot's folder, with the placement's environment and where to ask."""
    given: dict[str, Json] = {"environment": {"FEED": "ws"}, "address": "127.0.0.1:9", "heartbeat": "/b"}
    names = ["FEED", "ADDRESS", "CROSSFADE_HEARTBEAT", "CROSSFADE_SERVICE", "CROSSFADE_SLOT", "CROSSFADE_VERSION"]
    asked = f"import os; {SAID} print(os.getcwd(), *[os.environ[each] for each in {names}])"
    detail = read(tmp_path, "python", "-c", asked, given=given).detail
    assert detail == f"{tmp_path} ws 127.0.0.1:9 /b api green {VERSION}"


def test_one_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    """At its limit a command fails and is killed, together with what it started."""
    reading = shell(tmp_path, "sleep 600 & echo $! > child; wait", timeout=1.5)
    assert (reading.answer, reading.detail) == (Answer.FAILED, "did not end within 1.5 s, and was killed")
    wait_for(lambda: _gone(int((tmp_path / "child").read_text())))


def test_what_it_left_behind_is_killed(tmp_path: Path) -> None:
    """What a command left running ends with it, and keeps nobody waiting though it holds the output."""
    reading = shell(tmp_path, f"sleep 600 & echo $! > child; echo x-crossfade-version: {VERSION}")
    assert reading.answer is Answer.OK
    wait_for(lambda: _gone(int((tmp_path / "child").read_text())))


def test_a_flood_of_words_is_read_in_part(tmp_path: Path) -> None:
    """Of more than a megabyte of output the beginning is looked at."""
    reading = read(tmp_path, "python", "-c", f"{SAID} print('x' * 3_000_000)")
    assert reading.answer is Answer.OK
    assert len(reading.detail) < 300


def test_its_input_is_empty(tmp_path: Path) -> None:
    """A command that reads its input finds the end of it, and waits for nobody."""
    assert read(tmp_path, "python", "-c", f"import sys; {SAID} print(len(sys.stdin.read()))").detail == "0"


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
