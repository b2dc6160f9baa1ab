"""What holds for a run of Pulumi, by stand-ins for it: programs of that name that do what the real one does not do on demand."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from machine import wait_for

from infra.contract import Backend
from smoke.errors import CrossfadeError, DeployError, Locked, NoSuchStack
from smoke.stack import PulumiStack
from smoke.stack.command import pulumi
from smoke.stack.locks import locks, stale
from smoke.stack.project import Project
from tests.smoke.cli.program import bring_up

pytestmark = pytest.mark.processes
StandIn = Callable[[str], Path]
GOES_ON = "i=0; while [ $((i += 1)) -lt 1200 ]; do sleep 0.05; done"
"""A minute, or a little more: a test that fails must not leave it for ever."""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Puts a program first on PATH that is called ``pulumi`` and does what a shell is told; it works in the folder returned."""

    def put(script: str) -> Path:
        program = tmp_path / "bin" / "pulumi"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    return put


def test_what_it_says(stand_in: StandIn) -> None:
    """It is run in the project's folder, never asks, and what it says comes back."""
    folder = stand_in('echo "$(pwd) $*"')

    assert pulumi(["cancel", "--yes"], "staging", folder, 30.0) == (
        f"{folder} cancel --yes --stack staging --non-interactive --color never\n"
    )


@pytest.mark.parametrize("said", ['{"a": {"b": 1}}', 'WARN {no} checksum\n{\n "a": {"b": 1}\n}\nWARN again'])
def test_outputs_among_warnings(stand_in: StandIn, said: str) -> None:
    """Where the state is in no folder Pulumi is asked, and what it warns of is no part of what it answers."""
    folder = stand_in(f"cat <<'END'\n{said}\nEND")
    with pytest.raises(NoSuchStack):  # there is none of ours among them
        PulumiStack(Project("shop", folder, None), "staging").release()


@pytest.mark.parametrize("said", ["", "WARN no checksum", "[1]"])
def test_what_is_no_document_is_told(stand_in: StandIn, said: str) -> None:
    """Words, a list, or nothing at all: none of it is taken for outputs."""
    folder = stand_in(f"cat <<'END'\n{said}\nEND")
    with pytest.raises(DeployError, match="outputs cannot be read"):
        PulumiStack(Project("shop", folder, None), "staging").release()


def test_that_fails(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the end of what it said, without secrets and within bounds."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "tulip")
    folder = stand_in('seq 1000; echo; printf "it says tulip, and \\377\\n"; head -c 9000 /dev/zero | tr "\\0" x; exit 3')
    with pytest.raises(DeployError) as raised:
        pulumi(["up"], "staging", folder, 30.0)
    error = raised.value

    assert (error.what, error.where) == ("pulumi up failed: exit status 3", "stack staging")
    assert error.hint == "pulumi up --stack staging"
    assert error.cause is not None
    assert error.cause.splitlines()[-2:] == ["it says [secret], and \ufffd", "x" * 500]
    assert error.cause.splitlines()[0] == "978"


def test_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, with what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployError) as raised:
        pulumi(["up"], "staging", tmp_path, 30.0)

    assert (raised.value.what, raised.value.hint) == ("pulumi cannot be started", "make setup, then: . ./activate")


def test_at_the_limit_it_is_told_to_end_and_may(stand_in: StandIn) -> None:
    """By one SIGINT, upon which it finishes what it is at."""
    folder = stand_in(f"trap 'echo told >> told; exit 1' INT; {GOES_ON}")
    with pytest.raises(DeployError) as raised:
        pulumi(["up"], "staging", folder, 3.0)

    assert raised.value.what == "pulumi up did not end within 3 s"
    assert (folder / "told").read_text(encoding="utf-8") == "told\n"


def test_that_does_not_end_is_killed_and_its_lock_is_stale(stand_in: StandIn) -> None:
    """After a grace it is killed with its process group; what it leaves behind keeps nobody out."""
    lock = f'{{"pid": %s, "username": "tulip", "hostname": "{socket.gethostname()}", "timestamp": "%s"}}'
    folder = stand_in(
        f"trap 'echo told >> told' INT; printf '{lock}' $$ \"$(date -u +%FT%TZ)\" > lock.json\n"
        f"sleep 60 & echo $! > child; {GOES_ON}"
    )
    with pytest.raises(DeployError):
        pulumi(["up"], "staging", folder, 3.0, grace=0.5)
    [found] = locks(folder)

    assert (folder / "told").read_text(encoding="utf-8") == "told\n"
    assert found.owner is not None
    assert stale(found)
    child = int((folder / "child").read_text(encoding="utf-8"))
    wait_for(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", limit=20.0)


def test_what_it_leaves_behind_keeps_nobody_waiting(stand_in: StandIn) -> None:
    """A process that holds on to its output goes on, and the run ends all the same."""
    folder = stand_in("setsid sleep 60 & echo $! > child; echo done")
    said = pulumi(["up"], "staging", folder, 30.0)
    child = psutil.Process(int((folder / "child").read_text(encoding="utf-8")))
    alive = child.is_running()
    child.kill()

    assert (said, alive) == ("done\n", True)


def test_a_ctrl_c_is_passed_on_once(stand_in: StandIn) -> None:
    """Who waits is interrupted at once; Pulumi is told once, and finishes what it is at by itself."""
    folder = stand_in(f"trap 'echo told >> told; exit 1' INT; sleep 0.5; : > begun; {GOES_ON}")
    program = (
        "from pathlib import Path; from smoke.stack.command import pulumi\n"
        "try: pulumi(['up'], 'staging', Path.cwd(), 60.0)\n"
        "except KeyboardInterrupt: print('interrupted')"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True) as waiting:
        wait_for((folder / "begun").exists, limit=30.0)
        waiting.send_signal(signal.SIGINT)
        said, _ = waiting.communicate(timeout=30)

    assert said == "interrupted\n"
    wait_for((folder / "told").exists, limit=20.0)
    assert (folder / "told").read_text(encoding="utf-8") == "told\n"


def test_a_lock_that_was_taken_just_now(stand_in: StandIn) -> None:
    """Who comes second is told so in words of its own, also where there is no lock that we could read."""
    folder = stand_in("echo 'error: the stack is currently locked by 1 lock(s). Either wait'; exit 1")
    with pytest.raises(Locked) as raised:
        pulumi(["up"], "staging", folder, 30.0)

    assert raised.value.what == "another Pulumi works on stack staging"
    assert raised.value.cause == "error: the stack is currently locked by 1 lock(s). Either wait"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(some.binary(max_size=200), some.integers(0, 255))
def test_anything_it_says(stand_in: StandIn, said: bytes, status: int) -> None:
    """Whatever it says and however it ends, it is text that comes back, or an error in words."""
    folder = _once(stand_in)
    (folder / "said").write_bytes(said)
    (folder / "status").write_text(str(status), encoding="utf-8")
    if status:
        with pytest.raises(CrossfadeError, match=r"^error: "):
            pulumi(["up"], "staging", folder, 30.0)
    else:
        assert pulumi(["up"], "staging", folder, 30.0) == said.decode(errors="replace")


def _once(stand_in: StandIn) -> Path:
    place = Path(os.environ["PATH"].split(os.pathsep)[0])
    if (place / "pulumi").is_file() and (place.parent / "said").is_file():
        return place.parent
    return stand_in("cat said; exit $(cat status)")


# What the stack makes of it

TAKEN = """echo "$*" >> asked
case "$1" in
up) if [ -f seen ]; then exit 0; fi; : > seen; echo 'error: the stack is currently locked by 1 lock(s).'; exit 1;;
esac"""


def stack(folder: Path) -> PulumiStack:
    """A stack of a project in that folder."""
    return PulumiStack(Project("shop", folder, folder / ".state"), "staging")


def asked(folder: Path) -> list[str]:
    """What the stand-in was asked, by first words."""
    return [line.partition(" ")[0] for line in (folder / "asked").read_text(encoding="utf-8").splitlines()]


def test_a_lock_that_came_and_went_costs_another_try(stand_in: StandIn) -> None:
    """Somebody took it after our look and gave it back: the deployment is tried once more, by itself."""
    folder = stand_in(TAKEN)
    stack(folder).deploy()

    assert asked(folder) == ["up", "up"]


def test_a_lock_that_is_held_is_told(stand_in: StandIn) -> None:
    """Nothing is run while a living process has the lock, and the error says which."""
    folder = stand_in('echo "$*" >> asked')
    place = folder / ".state" / ".pulumi" / "locks" / "organization" / "shop" / "staging"
    place.mkdir(parents=True)
    lock = {"pid": os.getpid(), "username": "tulip", "hostname": socket.gethostname(), "timestamp": "2126-01-01T00:00:00Z"}
    (place / "a.json").write_text(json.dumps(lock), encoding="utf-8")
    with pytest.raises(Locked) as raised:
        stack(folder).deploy()

    assert f"process {os.getpid()}" in str(raised.value.cause)
    assert not (folder / "asked").exists()


def test_only_pending_creations_need_a_refresh(stand_in: StandIn) -> None:
    """Pulumi itself drops whatever else was pending, and keeps creations for ever."""
    folder = stand_in('echo "$*" >> asked')
    state = folder / ".state" / ".pulumi" / "stacks" / "shop" / "staging.json"
    state.parent.mkdir(parents=True)
    for kind in ("updating", "creating"):
        state.write_text(f'{{"checkpoint": {{"latest": {{"pending_operations": [{{"type": "{kind}"}}]}}}}}}', encoding="utf-8")
        stack(folder).deploy()

    assert asked(folder) == ["up", "refresh", "up"]


def test_outputs_that_are_none(stand_in: StandIn) -> None:
    """Where the state is in no folder Pulumi is asked for the outputs; what is no document is refused."""
    folder = stand_in("echo '{'")
    with pytest.raises(DeployError) as raised:
        PulumiStack(Project("shop", folder, None), "staging").release()

    assert raised.value.what == "the stack's outputs cannot be read"


SETTINGS = [b"\xff", b"[1]", b"config: 7", b"config: {7: 1}", b"config: [", b"[" * 100_000, b"7"]


@pytest.mark.parametrize("settings", SETTINGS, ids=range(len(SETTINGS)))
def test_a_revert_with_settings_that_cannot_be_read(stand_in: StandIn, settings: bytes) -> None:
    """Whatever became of the user's settings, it is an error that names the file."""
    folder = stand_in("exit 0")
    bring_up(folder, Backend("memory", {}))
    (folder / "Pulumi.staging.yaml").write_bytes(settings)
    with pytest.raises(DeployError) as raised:
        stack(folder).revert("green", {})

    assert (raised.value.what, raised.value.where) == (
        "the stack's settings cannot be read",
        str(folder / "Pulumi.staging.yaml"),
    )


def test_a_revert_keeps_the_settings_of_others(stand_in: StandIn) -> None:
    """Of the user's settings a revert takes all but ours, as they are; ours are those that are deployed."""
    folder = stand_in('cp "$5" given')
    bring_up(folder, Backend("memory", {}))
    text = "encryptionsalt: v1\nconfig: {crossfade:start: green, till:since: 2026-01-31, till:open: true}\n"
    (folder / "Pulumi.staging.yaml").write_text(text, encoding="utf-8")
    stack(folder).revert("green", {})
    given_to_pulumi = json.loads((folder / "given").read_text(encoding="utf-8"))

    assert given_to_pulumi["encryptionsalt"] == "v1"
    assert given_to_pulumi["config"].pop("crossfade:recorded")["green"] == {}
    assert given_to_pulumi["config"] == {"till:since": "2026-01-31", "till:open": True}
