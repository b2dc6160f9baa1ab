"""The supervisor of a stack: it outlives every command, restarts what crashes, and keeps what the programs say."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from infra.targets.local.home import Home, read_json, write_whole
from infra.targets.local.launch import PASSED_ON
from infra.targets.local.processes import end, family, living, of_stack, until
from infra.targets.local.unix import UnixTransport

LIMIT = 20.0
"""Seconds that the supervisor has to come up, or to end with everything it started."""
RUNNING, GONE = frozenset({"STARTING", "RUNNING", "BACKOFF"}), "GONE"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a program looks for others, after its own environment."""
_SOON, _LATER = 5.0, 60.0
"""Seconds for an answer at once; for one that waits until a program has ended or stands."""
_UNREADABLE = frozenset("*?[")
"""Characters that the supervisor takes for a pattern, where it looks for its programs."""
_LAUNCH = Path(__file__).with_name("launch.py")
_writing = threading.Lock()
"""Pulumi makes several things at once, in threads."""

# Paths are relative to the folder, where the supervisor stays: one from outside could hold what it reads as a comment.
_CONF = """\
[supervisord]
logfile=logs/supervisord.log
pidfile=supervisord.pid
childlogdir=logs
identifier=crossfade
umask=077

[unix_http_server]
file=supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files=programs/*.conf
"""
_UNIT = """\
[program:{name}]
command="{python}" -I launch.py programs/{name}.json
autostart=true
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs=15
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
"""


class SupervisionError(Exception):
    """The supervisor does not do what it was asked; says what it did."""


class Supervisor:
    """The supervisor of the stack in one folder."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def start(self) -> None:
        """Have it running, with every program that it was given before; may be repeated.

        Raises:
            SupervisionError: it does not come up.
        """
        self._check_folder()
        for folder in ("programs", "logs", "heartbeats", "routes", "envoy"):
            (self._home.folder / folder).mkdir(exist_ok=True, mode=0o700)
        self._write_launch()
        if self.answers():
            return
        self.stop()  # what outlived it has nobody, and sits on the ports of what comes back
        conf = self._home.folder / "supervisord.conf"
        write_whole(conf, _CONF)
        started = subprocess.run(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(conf)],
            env={**inherited(), "CROSSFADE_HOME": str(self._home.folder)},
            cwd=self._home.folder,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            umask=0o077,  # its own setting comes into force after it has made its log
        )
        if started.returncode or not until(self.answers, LIMIT):
            said = started.stderr.strip() or f"see {self._home.log('supervisord')}"
            raise SupervisionError(f"the supervisor does not come up: {said}")

    def answers(self) -> bool:
        """Whether it is there."""
        with suppress(SupervisionError):
            return bool(self._call("getState")["statename"] == "RUNNING")
        return False

    def stop(self) -> None:
        """End it and everything it started, also where it is gone and something outlived it; may be repeated.

        Raises:
            SupervisionError: something does not end.
        """
        left: list[psutil.Process] = []
        supervisor = self._process()
        if supervisor is not None:
            everything = family(supervisor)
            with suppress(psutil.NoSuchProcess):
                supervisor.send_signal(signal.SIGTERM)
            living([supervisor], LIMIT)  # it ends last
            left = living(everything, 0)
        alive = end({*left, *of_stack(self._home.folder)})
        if alive:
            raise SupervisionError(f"these do not end: {', '.join(str(each.pid) for each in alive)}")

    def state(self, name: str) -> str:
        """State of a program; ``GONE`` where it is not known, or the supervisor is not there."""
        return str(self._info(name).get("statename", GONE))

    def run(self, name: str, program: Mapping[str, Any], python: str) -> None:
        """Have a program running as it is described, anew where it ran already.

        Args:
            name: of the program, its files and its log.
            program: ``argv``, ``environment`` and ``folder``; anything else is kept beside them.
            python: an interpreter that starts it; best the one that it needs anyway.

        Raises:
            SupervisionError: it is not taken.
        """
        self.end(name)
        self._write_launch()
        write_whole(self._home.program(name), json.dumps(program, indent=1))
        write_whole(self._home.unit(name), _UNIT.format(name=name, python=self._near(python)))
        self._call("reloadConfig")
        self._call("addProcessGroup", name)

    def end(self, name: str) -> None:
        """Have a program ended and forgotten, with everything it started; may be repeated.

        Raises:
            SupervisionError: it does not end.
        """
        group = self._info(name).get("pid", 0)
        if not until(lambda: self._forget(name), LIMIT):
            raise SupervisionError(f"{name} does not end: it is {self.state(name)}")
        if group:
            end(each for each in of_stack(self._home.folder) if _group(each) == group)
        for file in (self._home.unit(name), self._home.program(name)):
            file.unlink(missing_ok=True)

    def described(self, name: str) -> Any:  # noqa: ANN401 - whatever is in there
        """What a program was last run with, or None."""
        return read_json(self._home.program(name))

    def again(self, name: str) -> None:
        """Start a program that has ended, as it was."""
        self._call("startProcessGroup", name, limit=_LATER)

    def _forget(self, name: str) -> bool:
        """Whether it is forgotten. One that crashed at this very moment is started again in between: then it is not."""
        if self.state(name) == GONE:
            return True
        self._call("stopProcessGroup", name, limit=_LATER)
        with suppress(SupervisionError):
            self._call("removeProcessGroup", name)
        return self.state(name) == GONE

    def _info(self, name: str) -> Mapping[str, Any]:
        with suppress(SupervisionError):
            return dict(self._call("getProcessInfo", name))
        return {}

    def _call(self, method: str, *words: str, limit: float = _SOON) -> Any:  # noqa: ANN401 - whatever it answers
        transport = UnixTransport(self._home.supervisor, limit)
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
                return getattr(server.supervisor, method)(*words)
        except (OSError, xmlrpc.client.Error, http.client.HTTPException) as error:
            said = error.faultString if isinstance(error, xmlrpc.client.Fault) else error
            raise SupervisionError(f"the supervisor answers to {' '.join((method, *words))}: {said}") from error

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int((self._home.folder / "supervisord.pid").read_text()))
            ours = str(self._home.folder / "supervisord.conf") in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return process if ours else None

    def _check_folder(self) -> None:
        folder = self._home.folder
        if self._home.too_deep:
            raise SupervisionError(f"{folder} lies too deep for a socket in it: move the project to a shorter path")
        if found := sorted(_UNREADABLE & set(str(folder))):
            raise SupervisionError(f"{folder} has {' '.join(found)} in its name, which the supervisor cannot read: rename it")

    def _write_launch(self) -> None:
        # A copy: what runs must not need the folder that Crossfade itself is installed in.
        launch, text = self._home.folder / "launch.py", _LAUNCH.read_text(encoding="utf-8")
        with _writing:
            if not launch.exists() or launch.read_text(encoding="utf-8") != text:
                write_whole(launch, text)

    def _near(self, python: str) -> str:
        """The interpreter from the folder, where it is in there."""
        file = Path(python)
        inside = file.is_relative_to(self._home.folder)
        return str(file.relative_to(self._home.folder) if inside else file).replace("%", "%%")


def inherited() -> dict[str, str]:
    """The part of our environment that the supervisor is started with."""
    return {"PATH": PATH, **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return 0
