"""Starts the trading system's processes and asks them: what every test of it needs.

Standard library and the `websockets` client only. What must hold belongs to the tests.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parent.parent
HEX = "0123456789ab"
LIMIT_SECONDS = 30.0
T = TypeVar("T")


@dataclass(frozen=True)
class Runtime:
    """One of the two runtimes, with the interpreters of its environments."""

    name: str
    app: str
    dashboard: str

    @property
    def version(self) -> str:
        """The identity a process of this runtime reports."""
        return f"{self.name}-{HEX}"


def runtime(name: str) -> Runtime:
    """The runtime of that name, its environments given by the environment or built."""
    return Runtime(
        name,
        os.environ.get(f"TRADING_PYTHON_{name.upper()}") or _build("app", name),
        os.environ.get(f"TRADING_DASHBOARD_PYTHON_{name.upper()}") or _build("dashboard", name),
    )


def _build(kind: str, name: str) -> str:
    lock = ROOT / "locks" / f"{kind}-{name}.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = Path.home() / ".cache" / "crossfade" / "trading" / f"{kind}-{name}-{digest}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        assert uv, f"uv is not on PATH: put it there or set TRADING_PYTHON_{name.upper()}"
        subprocess.run([uv, "venv", "-q", "--clear", "--python", _interpreter(name), folder], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--require-hashes", "--python", python, "-r", lock], check=True)
        complete.touch()
    return str(python)


def _interpreter(name: str) -> str:
    """The newest one of pyenv, whose shims uv cannot see behind; else what uv is asked for."""
    wanted = f"3.{name[3:]}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(pyenv.glob(f"versions/{wanted}.*/bin/python{wanted}"))
    return str(found[-1]) if found else wanted


def until(condition: Callable[[], T], what: str, limit: float = LIMIT_SECONDS) -> T:
    """The condition's first true answer; the test fails with `what` when the limit is over."""
    end = time.monotonic() + limit
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {limit:g} s: {what}"
        time.sleep(0.01)
    return answer


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    version: str | None
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The body as JSON."""
        return json.loads(self.body)


def ask(url: str, body: Mapping[str, Any] | None = None) -> Answer:
    """GET, or POST of a JSON body; a redirect is an answer, not followed."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with _OPENER.open(request, timeout=LIMIT_SECONDS) as answer:
            return Answer(answer.status, answer.headers["x-crossfade-version"], answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers["x-crossfade-version"], error.read())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))


class Process:
    """One running process of the system."""

    def __init__(self, popen: subprocess.Popen[bytes], port: int, output: Path) -> None:
        self.popen = popen
        self.port = port
        self._output = output

    @property
    def output(self) -> str:
        """What the process printed so far."""
        return self._output.read_text(encoding="utf-8")

    @property
    def feed(self) -> str:
        """The address of its feed, if it is an exchange."""
        return f"ws://127.0.0.1:{self.port}/feed"

    def url(self, path: str) -> str:
        """The address of a path of this process."""
        return f"http://127.0.0.1:{self.port}{path}"

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """One request."""
        return ask(self.url(path), body)

    def open(self, path: str, **options: Any) -> ClientConnection:  # noqa: ANN401  passed on
        """One websocket."""
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None, max_size=None, **options)

    def listens(self) -> bool:
        """Whether the process takes connections; the test fails if it has ended."""
        assert self.popen.poll() is None, f"the process ended:\n{self.output}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def terminate(self) -> int:
        """Ask it to end and return its exit status."""
        self.popen.terminate()
        return self.popen.wait(LIMIT_SECONDS)

    def kill(self) -> None:
        """End it at once."""
        self.popen.kill()
        self.popen.wait(LIMIT_SECONDS)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class System:
    """All processes of one test, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[Process] = []

    def launch(self, module: str, python: str, *, port: int | None = None, **env: str) -> Process:
        """Start a process and return at once."""
        port = port or free_port()
        output = self.folder / f"{module}-{len(self._processes)}.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSFADE_", "FAULT_", "TRADING_"))}
        given = {"PORT": str(port), "CROSSFADE_VERSION": f"py27-{HEX}", "CROSSFADE_DATA": str(self.folder / module)}
        with output.open("wb") as out:
            popen = subprocess.Popen(
                [python, "-m", f"trading.{module}"], cwd=ROOT, env={**clean, **given, **env}, stdout=out, stderr=subprocess.STDOUT
            )
        process = Process(popen, port, output)
        self._processes.append(process)
        return process

    def serve(self, module: str, python: str, *, port: int | None = None, **env: str) -> Process:
        """Start a process and wait until it takes connections."""
        process = self.launch(module, python, port=port, **env)
        until(process.listens, f"{module} listens")
        return process

    def agent(self, python: str, slot: str, exchange: Process, **env: str) -> "AgentProcess":
        """Start an agent and wait for its first heartbeat."""
        beat = self.folder / f"heartbeat-{slot}.json"
        beat.unlink(missing_ok=True)
        given = {"CROSSFADE_SLOT": slot, "CROSSFADE_HEARTBEAT": str(beat), "TRADING_EXCHANGE": exchange.feed}
        agent = AgentProcess(self.launch("agent", python, **given, **env), beat)
        until(beat.exists, f"the first heartbeat of {slot}")
        return agent

    def stop(self) -> None:
        """End every process that still runs."""
        for process in self._processes:
            if process.popen.poll() is None:
                process.kill()


@dataclass(frozen=True)
class AgentProcess:
    """One running agent and its heartbeat file."""

    process: Process
    path: Path

    @property
    def beat(self) -> dict[str, Any]:
        """The heartbeat now."""
        return dict(json.loads(self.path.read_bytes()))

    def later(self, count: int = 4) -> list[dict[str, Any]]:
        """The next different heartbeats."""
        beats = [self.beat]
        while len(beats) <= count:
            beats.append(until(lambda: beat if (beat := self.beat)["at"] != beats[-1]["at"] else None, "another heartbeat"))
        return beats
