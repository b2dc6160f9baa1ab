"""What holds for Pulumi's locks: those of the dead are cleared, those of the living never."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.errors import DeployError, Locked
from smoke.stack.locks import clear, locks, stale

pytestmark = pytest.mark.processes
HERE = socket.gethostname()
NOW = datetime.now(UTC)


def lock(folder: Path, name: str = "a", **said: Any) -> Path:  # noqa: ANN401 - whatever somebody wrote
    """A lock of this process, taken just now, unless it says something else."""
    file = folder / f"{name}.json"
    whole = {"pid": os.getpid(), "username": "tulip", "hostname": HERE, "timestamp": datetime.now(UTC).isoformat(), **said}
    file.write_text(json.dumps(whole), encoding="utf-8")
    file.with_name(f"{file.name}.attrs").write_text("{}", encoding="utf-8")
    return file


def is_stale(folder: Path) -> bool:
    """Whether the one lock there is stale."""
    [found] = locks(folder)
    return stale(found)


@contextmanager
def running(*words: str) -> Iterator[int]:
    """A process that runs until the end of the test."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def dead() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(30)
    return process.pid


def test_of_a_living_process(tmp_path: Path) -> None:
    """The lock of a process that lives is not stale, whatever its user is called."""
    lock(tmp_path, username="somebody else")

    assert not is_stale(tmp_path)


def test_of_a_dead_process(tmp_path: Path) -> None:
    """The lock of a process that is gone is stale."""
    lock(tmp_path, pid=dead())

    assert is_stale(tmp_path)


def test_of_a_zombie(tmp_path: Path) -> None:
    """A process that has ended and that nobody asked for its end is as good as gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        lock(tmp_path, pid=process.pid)

        assert is_stale(tmp_path)


def test_of_a_number_that_was_given_once_more(tmp_path: Path) -> None:
    """A process that began after the lock was taken is not its owner; so it is with every process after a reboot."""
    with running("sleep", "60") as pid:
        lock(tmp_path, pid=pid, timestamp=(NOW - timedelta(hours=1)).isoformat())

        assert is_stale(tmp_path)


def test_of_a_pulumi_that_seems_younger(tmp_path: Path) -> None:
    """A living Pulumi with that number is waited for: that its start is later may come from a clock that was set."""
    program = tmp_path / "pulumi"
    shutil.copy2(shutil.which("sleep") or "", program)
    with running(str(program), "60") as pid:
        lock(tmp_path, pid=pid, timestamp=(NOW - timedelta(hours=1)).isoformat())

        assert not is_stale(tmp_path)


def test_of_another_machine(tmp_path: Path) -> None:
    """Nothing is known of another machine's processes."""
    lock(tmp_path, hostname=f"not-{HERE}", pid=dead())

    assert not is_stale(tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        {"pid": None},
        {"pid": True},
        {"pid": 0},
        {"pid": -1},
        {"pid": 1 << 80},
        {"pid": float("nan")},
        {"pid": "12"},
        {"hostname": 7},
        {"timestamp": None},
        {"timestamp": "soon"},
        {"timestamp": "0001-01-01T00:00:00"},
        {"timestamp": 1e300},
    ],
)
def test_that_does_not_say_whose_it_is(tmp_path: Path, said: Mapping[str, Any]) -> None:
    """A lock without an owner that can be asked for is not stale, and says so."""
    lock(tmp_path, **{"pid": dead(), **said})
    [found] = locks(tmp_path)

    assert not stale(found)
    assert str(found) == "a.json does not say who took it"


def test_torn_by_a_power_cut(tmp_path: Path) -> None:
    """A lock that is no whole document was left by a power cut: stale where the machine was started since."""
    file = lock(tmp_path)
    file.write_bytes(b"")
    before = is_stale(tmp_path)
    os.utime(file, (1, 1))

    assert not before
    assert is_stale(tmp_path)


def test_the_time_as_pulumi_writes_it(tmp_path: Path) -> None:
    """Nanoseconds, and any zone."""
    lock(tmp_path, timestamp="2026-11-28T16:28:37.131318059Z")
    lock(tmp_path, "b", timestamp="2026-11-28T18:28:37.131318059+02:00")
    first, second = (each.owner for each in locks(tmp_path))

    assert first == second
    assert first is not None
    assert first.since == pytest.approx(1795883317.131318)


# Clearing


def test_none(tmp_path: Path) -> None:
    """Where there is no lock, nor a folder for them, nothing is cancelled; what was left half written is mended all the same."""
    called: list[int] = []
    clear(tmp_path / "nowhere", "staging", lambda: called.append(0), pytest.fail)

    assert called == [0]


def test_when_all_are_stale_pulumi_removes_them(tmp_path: Path) -> None:
    """Once, and with its own command, which reads what has to be mended before."""
    lock(tmp_path, "a", pid=dead())
    lock(tmp_path, "b", pid=dead())
    called: list[int] = []
    clear(tmp_path, "staging", lambda: called.append(0), lambda: called.append(1))

    assert called == [0, 1]


def test_when_one_is_held_the_others_are_removed_by_hand(tmp_path: Path) -> None:
    """Pulumi's own command would remove the one that is held too. The error says whose it is, and what to do."""
    gone, held = lock(tmp_path, "a", pid=dead()), lock(tmp_path, "b", timestamp="2126-11-28T16:28:37Z")
    with pytest.raises(Locked) as raised:
        clear(tmp_path, "staging", pytest.fail, pytest.fail)
    error = raised.value

    assert sorted(each.name for each in tmp_path.iterdir()) == ["b.json", "b.json.attrs"]
    assert not gone.exists()
    assert (error.what, error.where) == ("another Pulumi works on stack staging", str(held))
    assert error.cause is not None
    assert error.cause.startswith(f"tulip@{HERE}, process {os.getpid()}, since 2126-11-28 ")
    assert error.hint == "wait until it ends; if you are sure that it is dead: pulumi cancel --stack staging --yes"


def test_that_cannot_be_read(tmp_path: Path) -> None:
    """A lock that cannot be read is an error that names the folder."""
    (tmp_path / "a.json").mkdir()
    with pytest.raises(DeployError) as raised:
        clear(tmp_path, "staging", pytest.fail, pytest.fail)

    assert raised.value.where == str(tmp_path)


values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
owners = some.fixed_dictionaries(
    {}, optional={name: values | some.datetimes().map(str) for name in ("pid", "username", "hostname", "timestamp")}
)


@given(some.lists(some.binary(max_size=99) | (values | owners).map(lambda each: json.dumps(each).encode()), max_size=3))
def test_of_anything(contents: list[bytes]) -> None:
    """Whatever a lock says, it is told; nothing but a Locked comes of it, and nobody's lock is removed who is not known dead."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for number, content in enumerate(contents):
            (folder / f"{number}.json").write_bytes(content)
        if contents:
            with pytest.raises(Locked):
                clear(folder, "staging", pytest.fail, pytest.fail)

        assert len(list(folder.iterdir())) == len(contents)


def test_of_lists_within_lists(tmp_path: Path) -> None:
    """What is too deep to be read is a lock that says nothing."""
    (tmp_path / "a.json").write_text("[" * 200_000, encoding="utf-8")

    assert not is_stale(tmp_path)
