"""Daemons of a test, started by hand: they end with the test, and with whoever runs it."""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import wait_for

LIMIT = 60.0
"""Seconds that a daemon may take to serve, and to end."""
BIN = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
"""Where system programs are: a shell of root need not have their folders on its PATH."""


@contextmanager
def daemon(words: Sequence[str], log: Path, serves: Callable[[], bool]) -> Iterator[None]:
    """A process that serves within the context, and has ended after it.

    Raises:
        RuntimeError: it ended before it served; says what it said.
        TimeoutError: it does not serve.
    """
    # A signal when its parent ends, however that came about; its own mounts, which go with it.
    held = ["setpriv", "--pdeathsig", "TERM", "--", "unshare", "--mount", "--", *words]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")} | {"PATH": BIN}
    with log.open("wb") as told:
        process = subprocess.Popen(
            held, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=environment, start_new_session=True
        )
    try:
        wait_for(lambda: process.poll() is not None or serves(), f"{words[0]} serves: see {log}", limit=LIMIT, pause=0.1)
        if process.poll() is not None:
            raise RuntimeError(f"{words[0]} ended with {process.returncode}:\n{log.read_text(errors='replace')[-4000:]}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def dockerd(folder: Path, data: Path, **settings: Any) -> Iterator[str]:  # noqa: ANN401 - whatever its configuration file takes
    """An engine whose state, apart from ``data``, is in ``folder``: its address. The machine's own is not touched."""
    address = folder / "docker.sock"
    (folder / "daemon.json").write_text(
        json.dumps(
            {
                "data-root": str(data),
                "exec-root": str(folder / "exec"),
                "pidfile": str(folder / "pid"),
                "hosts": [f"unix://{address}"],
                "builder": {"gc": {"enabled": True, "defaultKeepStorage": "4GB"}},
                "exec-opts": ["native.cgroupdriver=cgroupfs"],
                **settings,
            }
        ),
        encoding="utf-8",
    )
    with daemon(["dockerd", "--config-file", str(folder / "daemon.json")], folder / "dockerd.log", lambda: _answers(address)):
        yield f"unix://{address}"


@contextmanager
def registry(folder: Path, storage: Path, port: int, *, readonly: bool = False) -> Iterator[str]:
    """A registry on loopback, without TLS: its host and port, as images are named by. ``folder`` takes its settings and log."""
    settings = folder / f"registry-{port}.json"
    maintenance = {"readonly": {"enabled": readonly}}
    # JSON is YAML too.
    settings.write_text(
        json.dumps(
            {
                "version": 0.1,
                "log": {"level": "warn", "accesslog": {"disabled": True}},
                "storage": {"filesystem": {"rootdirectory": str(storage)}, "maintenance": maintenance},
                "http": {"addr": f"127.0.0.1:{port}"},
            }
        ),
        encoding="utf-8",
    )
    with daemon(["docker-registry", "serve", str(settings)], settings.with_suffix(".log"), lambda: _listens(port)):
        yield f"127.0.0.1:{port}"


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.settimeout(5)
        try:
            engine.connect(str(address))
            engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in engine.recv(64)
        except OSError:
            return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True
