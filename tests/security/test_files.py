"""What holds for the files and sockets of a stack: they are their owner's alone, whatever the shell's umask allows."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from infra.targets.local.home import make_folder, write_whole
from infra.targets.local.machine import slot_port
from tests.security.stack import Stack, umask

pytest.importorskip("envoy", reason="needs the proxy: install the extra 'local'")
pytestmark = pytest.mark.processes

NOBODY = 65534
OTHERS = stat.S_IRWXG | stat.S_IRWXO
TRIES = """
import json, os, socket, stat, sys
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
done = []
def attempt(what, act):
    try:
        act()
        done.append(what)
    except OSError:
        pass
for path in json.load(sys.stdin):
    attempt(f"read {path}", lambda: os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)))
    attempt(f"write {path}", lambda: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)))
    attempt(f"connect {path}", lambda: socket.socket(socket.AF_UNIX).connect(path))
    attempt(f"replace {path}", lambda: os.rename(path, path + ".theirs"))
    attempt(f"remove {path}.theirs", lambda: os.unlink(path + ".theirs"))
print(json.dumps(done))
"""


def below(folder: Path) -> Iterator[Path]:
    """The folder itself, and everything in it."""
    yield folder
    yield from folder.rglob("*")


def shown(paths: Iterator[Path]) -> list[str]:
    """Those that somebody else may do something with, or that belong to somebody else."""
    return [f"{each} {stat.filemode(at.st_mode)}" for each in paths if _is_open(at := each.lstat())]


def _is_open(at: os.stat_result) -> bool:
    return bool(stat.S_IMODE(at.st_mode) & OTHERS) or at.st_uid != os.getuid()


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_everything_is_its_owners_alone(mask: int, stack: Stack) -> None:
    """In a stack that is up no bit of group and others is set, from the folder above it on, but for the proxy's program."""
    with umask(mask):
        stack.make()
    home = stack.place.home
    found = [each for each in below(home.folder.parent) if each != home.folder / "envoy" / "envoy"]
    seen = {each.name for each in found}
    wanted = {"supervisor.sock", "envoy.sock", "supervisord.pid", "supervisord.log", "stack.json", "launch.py", "fence.json"}
    wanted |= {
        "api--blue.json",
        "api--blue.conf",
        "api--blue.log",
        "envoy.log",
        "bootstrap.json",
        "api.json",
        "fence.lock",
        "data",
    }

    assert wanted <= seen
    assert shown(iter(found)) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes somebody else")
def test_somebody_else_can_do_nothing(stack: Stack) -> None:
    """Another user of the machine opens no file, replaces none, and reaches no socket of a stack that is up."""
    with umask(0):
        stack.make()
    home = stack.place.home
    stack.place.project.parent.chmod(0o755)  # as anybody's project may lie: what is ours must not lean on it
    theirs, ours = ([*below(home.folder.parent)], [home.birth, home.supervisor])

    assert tried(NOBODY, theirs) == []
    assert {f"read {home.birth}", f"connect {home.supervisor}", f"remove {home.birth}.theirs"} <= set(tried(0, ours))


def tried(user: int, paths: Sequence[Path]) -> list[str]:
    """What a user of the machine can do with these."""
    asked = [sys.executable, "-I", "-S", "-c", TRIES, str(user)]
    names = json.dumps([str(each) for each in paths])
    return list(json.loads(subprocess.run(asked, input=names, capture_output=True, text=True, check=True).stdout))


def test_who_listens(stack: Stack) -> None:
    """A stack listens on its fronts and its slots, on loopback, and on the two sockets in its folder; on nothing else."""
    stack.make()
    home = stack.place.home
    ports: set[tuple[str, int]] = set()
    sockets: set[str] = set()
    for process in stack.place.processes():
        ports |= {tuple(each.laddr) for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
        sockets |= {str(each.laddr) for each in process.net_connections("unix") if each.laddr}
    # Bound under a name with the process in it, and then linked to its own. A name with @ has no owner, and any user reaches it.
    supervisors = next(each for each in sockets if each.startswith(f"{home.supervisor}."))
    own = {stack.port, slot_port(stack.port, "blue"), slot_port(stack.port, "green")}

    assert ports == {("127.0.0.1", each) for each in own}
    assert sockets == {supervisors, str(home.admin)}
    assert [stat.S_IMODE(each.stat().st_mode) for each in (home.supervisor, home.admin)] == [0o700, 0o600]


def test_a_folder_that_was_open_is_closed(stack: Stack) -> None:
    """Where the folder was there already, open to others, making it closes it, and the one above it."""
    folder = stack.place.home.folder
    folder.mkdir(parents=True)
    for each in (folder.parent, folder):
        each.chmod(0o777)
    stack.place.make("folder")

    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder.parent, folder)] == [0o700, 0o700]


def test_files_and_folders_under_any_umask(tmp_path: Path) -> None:
    """A file that is written whole, every folder that is made for it, and a folder that is made by itself, are closed."""
    with umask(0):
        write_whole(tmp_path / "a" / "b" / "file", "text")
        make_folder(tmp_path / "c" / "d")

    assert shown(each for each in below(tmp_path) if each != tmp_path) == []
