"""Daemons of a cluster of the tests' own: processes that end with whoever started them, and can be away for a while."""

import os
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from docker_daemons import BIN
from machine import wait_for

LIMIT = 120.0
"""Seconds that a daemon may take to serve."""


class Daemon:
    """One process, started by hand. What it says is in ``log``."""

    def __init__(
        self, words: Sequence[str], log: Path, serves: Callable[[], bool], *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.words = words
        self.log = log
        self._serves = serves
        self._environment = {**plain(), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it serves.

        Raises:
            RuntimeError: it ended before it served; says what it said.
            TimeoutError: it does not serve.
        """
        self.launch()
        self.serve()

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        # A signal when its parent ends, however that came about. It needs no farewell: what it knows is in a folder that goes.
        held = ["setpriv", "--pdeathsig", "KILL", "--", *self.words]
        with self.log.open("ab") as told:
            self._process = subprocess.Popen(
                held, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=self._environment, start_new_session=True
            )

    def serve(self) -> None:
        """Wait until it serves; raises as :meth:`start`."""
        wait_for(lambda: self._ended() or self._serves(), f"{self.name} serves: see {self.log}", limit=LIMIT, pause=0.1)
        if self._ended():
            raise RuntimeError(f"{self.name} ended:\n{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """End it at once, as a machine that loses its power does; nothing where it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def name(self) -> str:
        """What it is called: its log is."""
        return self.log.stem

    @property
    def pid(self) -> int:
        """Of the process that runs, or ran last."""
        assert self._process is not None, "never started"
        return self._process.pid

    @contextmanager
    def away(self) -> Iterator[None]:
        """Killed within the context, and serving again after it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within the context it takes connections, and answers none."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


@contextmanager
def running(*daemons: Daemon) -> Iterator[None]:
    """All of them, started at once, serve within the context, and none is there after it. Raises as :meth:`Daemon.start`."""
    try:
        for each in daemons:
            each.launch()
        for each in daemons:
            each.serve()
        yield
    finally:
        for each in reversed(daemons):
            each.stop()


def said(url: str, context: ssl.SSLContext | None = None) -> str:
    """What is answered with 200, within two seconds; nothing where it is not."""
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=2) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def plain() -> dict[str, str]:
    """This process's environment without what points programs elsewhere: at another cluster, another engine, a proxy."""
    elsewhere = ("DOCKER_", "KUBE", "CONTAINERD_")
    left_out = {each for each in os.environ if each.startswith(elsewhere) or each.lower().endswith("_proxy")}
    return {key: value for key, value in os.environ.items() if key not in left_out} | {"PATH": BIN}
