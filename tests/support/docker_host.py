"""An engine of the tests' own, with what a deployment needs about it, and nothing of the machine's own engine.

Runs as root on Linux. What costs time is kept in the cache: base images, and the layers of builds.
"""

import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil
from docker_bases import bases, missing_interpreters
from docker_bridge import bridge, present, rules
from docker_daemons import BIN, dockerd, registry
from machine import free_ports, wait_for

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossfade"
LOCK = Path("/run/crossfade-docker.lock")
"""The bridge and its ranges are the machine's, so one run at a time has them."""
RUNNING = "CROSSFADE_TEST_HOST"
"""Variable with what ``python tests/support/docker_host.py`` prints: that engine is taken, for many runs of few tests."""
CGROUP = "crossfade-test"
PROGRAMS = ("dockerd", "docker", "docker-registry", "debootstrap", "iptables", "ip", "setpriv", "unshare")
BUILD_LIMIT = 1800.0
"""Seconds that the providers may take to be built, once."""


@dataclass(frozen=True, slots=True)
class DockerHost:
    """A running engine. It resolves the base images by their official names, and has nothing else at first."""

    docker_host: str
    """Its address, ``unix:///...``."""
    registry: str
    """Host and port of an empty registry that takes what is pushed, without TLS."""
    environment: Mapping[str, str]
    """What the environment of a child must have: DOCKER_HOST and DOCKER_CONFIG."""
    folder: Path
    """Everything of this run: sockets, logs, settings."""

    @classmethod
    def of(cls, text: str) -> Self:
        """One that runs already, by its text."""
        words = json.loads(text)
        return cls(**{**words, "folder": Path(words["folder"])})

    def text(self) -> str:
        """All of it in one line."""
        return json.dumps({**asdict(self), "folder": str(self.folder)})

    def docker(self, *words: str, check: bool = True, limit: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run Docker's command line, for at most ``limit`` seconds; it ends well where ``check``."""
        done = subprocess.run(
            ["docker", *words],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{done.args} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def install_plugins(self, pulumi_home: Path) -> None:
        """Give a home folder of Pulumi that has no plugins yet the providers for Docker."""
        pulumi_home.mkdir(parents=True, exist_ok=True)
        (pulumi_home / "plugins").symlink_to(self.folder / "pulumi" / "plugins")

    def clear(self) -> None:
        """Take everything off the engine: containers, networks, volumes, images."""
        listed = {
            ("rm", "--force", "--volumes"): ("ps", "--all", "--quiet"),
            ("network", "rm"): ("network", "ls", "--quiet", "--filter", "type=custom"),
            ("volume", "rm", "--force"): ("volume", "ls", "--quiet"),
        }
        for remove, ls in listed.items():
            if found := self.docker(*ls).stdout.split():
                self.docker(*remove, *found)
        self.docker("image", "prune", "--all", "--force")


def missing() -> str | None:
    """Why there can be no such engine here; None where there can."""
    if os.geteuid() != 0:
        return "needs root, for an engine of its own"
    if absent := [each for each in PROGRAMS if shutil.which(each, path=BIN) is None]:
        return f"needs {', '.join(absent)}: on Debian, make test-docker installs them"
    if runtimes := missing_interpreters():
        return f"needs {', '.join(runtimes)} in a folder of its own, to make an image of it: pyenv install"
    return None


@contextmanager
def docker_host() -> Iterator[DockerHost]:
    """The engine, within the context. After it nothing is left of it but the cache.

    Raises:
        RuntimeError: a part of it cannot be had or does not start; says which, and what it said.
        TimeoutError: another run has not ended.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        held.enter_context(_alone())
        # Short: the path of a socket has little room.
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="cf-", dir="/tmp", ignore_cleanup_errors=True)))
        _install(folder)
        mirror, pushed = free_ports(2)
        held.callback(_remove_cgroups)
        settings = {
            "bridge": held.enter_context(bridge()),
            "iptables": False,
            "cgroup-parent": CGROUP,
            "registry-mirrors": [f"http://127.0.0.1:{mirror}"],
        }
        address = held.enter_context(dockerd(folder, CACHE / "docker-data", **settings))
        environment = {"DOCKER_HOST": address, "DOCKER_CONFIG": str(folder / "config")}
        host = DockerHost(address, f"127.0.0.1:{pushed}", environment, folder)
        host.clear()
        images = bases(CACHE, folder, mirror, host.docker)
        held.enter_context(registry(folder, images, mirror, readonly=True))
        held.enter_context(registry(folder, folder / "registry", pushed))
        held.callback(host.clear)
        yield host


def left(folder: Path) -> list[str]:
    """What is there of an engine, in words; nothing after its end."""
    found = [
        f"process {each.pid}: {' '.join(_words(each))}" for each in psutil.process_iter() if str(folder) in " ".join(_words(each))
    ]
    found += [f"rule of {table}: {rule}" for table, rule in rules()]
    found += [
        f"mount: {line}" for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines() if str(folder) in line
    ]
    found += [f"cgroup: {each}" for each in _cgroups()]
    return found + (["bridge"] if present() else []) + ([str(folder)] if folder.exists() else [])


@contextmanager
def _alone() -> Iterator[None]:
    with LOCK.open("w", encoding="ascii") as lock:
        wait_for(
            lambda: _locked(lock.fileno()), f"another run's engine ends, whoever has {LOCK}: fuser -v {LOCK}", limit=1800, pause=1
        )
        yield


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _install(folder: Path) -> None:
    words = ["sh", str(ROOT / "toolchain" / "docker-install.sh"), str(folder / "pulumi"), str(folder / "config")]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_LIMIT, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def _cgroups() -> list[Path]:
    tops = [*Path("/sys/fs/cgroup").glob(f"*/{CGROUP}"), Path("/sys/fs/cgroup", CGROUP)]
    return [Path(folder) for top in tops for folder, _, _ in os.walk(top, topdown=False)]


def _remove_cgroups() -> None:
    for each in _cgroups():
        each.rmdir()


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def main() -> None:
    """Have one until a signal ends it, and print its text."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: sys.exit())
    with docker_host() as host:
        sys.stdout.write(f"export {RUNNING}={shlex.quote(host.text())}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
