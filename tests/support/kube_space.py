"""A machine within this machine, for a node of a cluster of the tests' own: its own processes, mounts, network and packet filter.

They all go with the one process that holds them, however that ends: a node undoes nothing, since its mounts, its rules and its
settings of the kernel never were this machine's. What is this machine's is one link, with a route, and groups for limits.

Runs as root on Linux.
"""

import ipaddress
import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
from docker_daemons import BIN
from kube_daemons import Daemon
from machine import wait_for

PREFIX = "cf-kube-"
"""How the links and groups of all such spaces begin. What follows is the second part of their range."""
CANDIDATES = range(199, 149, -1)
_GROUPS = Path("/sys/fs/cgroup")
_WANTED = {"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"}
"""What a kubelet sets, and is shown as set already: these would be the whole machine's."""
_KINDS = ("mount", "net", "pid", "uts", "ipc")


@dataclass(frozen=True, slots=True)
class Space:
    """A space that is held."""

    name: str
    """Of its link here, and of its groups."""
    range: ipaddress.IPv4Network
    """Everything in it has its address from this /16, which is routed to it: the link, pods, services."""
    pid: int
    """Of the process that holds it, as this machine counts."""

    @property
    def here(self) -> str:
        """This machine's address on the link: what is in the space reaches this machine by it."""
        return str(self.range[1])

    @property
    def there(self) -> str:
        """The space's own address."""
        return str(self.range[2])

    @property
    def pods(self) -> str:
        """The range of its pods."""
        return str(list(self.range.subnets(new_prefix=24))[1])

    @property
    def services(self) -> str:
        """The range of its services."""
        return str(list(self.range.subnets(new_prefix=24))[2])

    def inside(self, *words: str) -> list[str]:
        """The words that run a program in it. The program ends with whoever started it."""
        entered = [f"--{each}" for each in _KINDS]
        return ["nsenter", "--target", str(self.pid), *entered, "--", "setpriv", "--pdeathsig", "KILL", "--", *words]


@contextmanager
def space(folder: Path) -> Iterator[Space]:
    """A space within the context; after it nothing is left of it. ``folder`` takes what it would write into /var.

    Raises:
        RuntimeError: it cannot be made here; says why.
    """
    ready = folder / "space"
    holder = Daemon(_holder(folder, ready), folder / "space.log", ready.exists)
    made = None
    try:
        holder.start()
        made = _connected(_child(holder.pid))
        _sweep(made.name)
        for each in _hierarchies():
            _group(each / made.name)
        yield made
    finally:
        holder.stop()
        if made is not None:
            wait_for(lambda: not _present(made.name), f"link {made.name} goes with its space", limit=30)
            wait_for(lambda: _remove_groups(made.name), f"groups {made.name} are empty", limit=30, pause=0.05)


def left(name: str) -> list[str]:
    """What is here of the space with this name, in words; nothing after its end."""
    groups = [f"group {top / name}" for top in _hierarchies() if (top / name).exists()]
    return ([f"link {name}"] if _present(name) else []) + groups


def orphans() -> set[str]:
    """Names of spaces that ended without their groups: whoever held them was killed, or is just taking them away."""
    return {each.name for top in _hierarchies() for each in top.glob(f"{PREFIX}*") if not _present(each.name)}


def _holder(folder: Path, ready: Path) -> list[str]:
    for each in ("log", "lib", "tmp"):
        (folder / "var" / each).mkdir(parents=True)
    shown = folder / "shown"
    shown.mkdir()
    lines = ["set -e", "mount --make-rshared /", "mount -t tmpfs run /run"]
    lines += [f"ln -s /run {folder}/var/run", f"mount --bind {folder}/var /var", "ip link set lo up", "hostname node"]
    for at, (name, value) in enumerate(_WANTED.items()):
        (shown / str(at)).write_text(f"{value}\n", encoding="ascii")
        lines.append(f"mount --bind {shown}/{at} /proc/sys/{name}")
    # The first process of a space has what others leave behind: it waits for each.
    lines += [f"touch {ready}", "set +e", "while :; do sleep 3600 & wait $!; done"]
    alone = [*(f"--{each}" for each in _KINDS), "--fork", "--kill-child", "--mount-proc"]
    return ["unshare", *alone, "--", "sh", "-c", "\n".join(lines)]


def _connected(pid: int) -> Space:
    made = next(each for each in map(partial(_space, pid), CANDIDATES) if not _taken(each.range) and _linked(each))
    _run("ip", "address", "add", f"{made.here}/30", "dev", made.name)
    _run("ip", "link", "set", made.name, "up")
    _run("ip", "route", "add", str(made.range), "via", made.there)
    _run(*made.inside("ip", "address", "add", f"{made.there}/30", "dev", "eth0"))
    _run(*made.inside("ip", "link", "set", "eth0", "up"))
    _run(*made.inside("ip", "route", "add", "default", "via", made.here))
    return made


def _space(pid: int, second: int) -> Space:
    return Space(f"{PREFIX}{second}", ipaddress.IPv4Network(f"10.{second}.0.0/16"), pid)


def _linked(made: Space) -> bool:
    try:
        _run("ip", "link", "add", made.name, "type", "veth", "peer", "name", "eth0", "netns", str(made.pid))
    except RuntimeError:
        if not _present(made.name):
            raise
        return False  # another run has just taken that name
    return True


def _taken(wanted: ipaddress.IPv4Network) -> bool:
    routes = [each["dst"] for each in json.loads(_run("ip", "-j", "-4", "route", "show"))]
    return any(wanted.overlaps(ipaddress.IPv4Network(each)) for each in routes if each != "default")


def _child(pid: int) -> int:
    # The program that made the space waits outside it for the first one inside.
    return next(iter(psutil.Process(pid).children())).pid


def _hierarchies() -> list[Path]:
    """Where groups are: one tree, or one a kind of limit."""
    if (_GROUPS / "cgroup.controllers").exists():
        return [_GROUPS]
    return [each for each in _GROUPS.iterdir() if (each / "cgroup.procs").exists()]


def _group(folder: Path) -> None:
    folder.mkdir()
    for each in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, and nothing runs in it then
        if (folder / each).exists():
            (folder / each).write_text((folder.parent / each).read_text(encoding="ascii"), encoding="ascii")


def _remove_groups(name: str) -> bool:
    for top in _hierarchies():
        for folder, _, _ in os.walk(top / name, topdown=False):
            with suppress(OSError):  # its last process is just going
                Path(folder).rmdir()
    return not any((top / name).exists() for top in _hierarchies())


def _sweep(own: str) -> None:
    """Take away the groups of runs that were killed; all else went with their processes."""
    for each in {own, *orphans()}:
        wait_for(partial(_remove_groups, each), f"groups {each} of a run that was killed are empty", limit=30, pause=0.05)


def _present(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False, env={"PATH": BIN})
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout
