"""The supervisor of a stack: it outlives every command, restarts what crashes, and keeps what the programs say."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from infra.targets.local.home import Home, read_json, write_whole

LIMIT = 20.0
"""Seconds that the supervisor has to come up, or to end with everything it started."""
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "TMPDIR", "TZ", "USER")
"""Variables of the caller that programs may see; everything else would tie a stack to the shell it was begun in."""
RUNNING, GONE = frozenset({"STARTING", "RUNNING", "BACKOFF"}), "GONE"

_CONF = """\
[supervisord]
logfile={home}/logs/supervisord.log
pidfile={home}/supervisord.pid
childlogdir={home}/logs
identifier=crossfade-{name}
umask=077

[unix_http_server]
file={home}/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={home}/programs/*.conf
"""
_UNIT = """\
[program:{name}]
command="{python}" -I "{launch}" "{program}"
autostart=true
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs=15
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
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
        """Have it running; may be repeated.

        Raises:
            SupervisionError: it does not come up.
        """
        if self.answers():
            return
        conf = self._home.folder / "supervisord.conf"
        home = _literal(self._home.folder)
        write_whole(conf, _CONF.format(home=home, name=_literal(self._home.folder.name)))
        for folder in ("programs", "logs", "heartbeats", "routes", "envoy"):
            (self._home.folder / folder).mkdir(exist_ok=True, mode=0o700)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(conf)]
        started = subprocess.run(
            command, env=inherited(), cwd=self._home.folder, capture_output=True, text=True, check=False, start_new_session=True
        )
        if started.returncode or not until(self.answers, LIMIT):
            raise SupervisionError(f"the supervisor does not come up: {started.stderr.strip() or self._home.log('supervisord')}")

    def answers(self) -> bool:
        """Whether it is there."""
        with suppress(SupervisionError):
            return bool(self._call("getState")["statename"] == "RUNNING")
        return False

    def stop(self) -> None:
        """End it and everything it started; may be repeated.

        Raises:
            SupervisionError: something does not end.
        """
        pid = self._pid()
        if pid is None:
            return
        family = [each for each in (pid, *pid.children(recursive=True)) if each.is_running()]
        with suppress(psutil.NoSuchProcess):
            pid.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=LIMIT)
        for each in alive:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        _, alive = psutil.wait_procs(alive, timeout=LIMIT)
        if alive:
            raise SupervisionError(f"these do not end: {', '.join(str(each.pid) for each in alive)}")

    def state(self, name: str) -> str:
        """State of a program; ``GONE`` where it is not known, or the supervisor is not there."""
        with suppress(SupervisionError):
            return str(self._call("getProcessInfo", name)["statename"])
        return GONE

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
        write_whole(self._home.program(name), json.dumps(program, indent=1))
        # A copy: what runs must not need the folder that Crossfade itself is installed in.
        launch = self._home.folder / "launch.py"
        write_whole(launch, Path(__file__).with_name("launch.py").read_text(encoding="utf-8"))
        texts = {"python": python, "launch": launch, "program": self._home.program(name), "log": self._home.log(name)}
        write_whole(self._home.unit(name), _UNIT.format(name=name, **{key: _literal(text) for key, text in texts.items()}))
        self._call("reloadConfig")
        self._call("addProcessGroup", name)

    def end(self, name: str) -> None:
        """Have a program ended and forgotten; may be repeated.

        Raises:
            SupervisionError: it does not end.
        """
        if self.state(name) != GONE:
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for file in (self._home.unit(name), self._home.program(name)):
            file.unlink(missing_ok=True)

    def described(self, name: str) -> Any:  # noqa: ANN401 - whatever is in there
        """What a program was last run with, or None."""
        return read_json(self._home.program(name))

    def again(self, name: str) -> None:
        """Start a program that has ended, as it was."""
        self._call("startProcessGroup", name)

    def _call(self, method: str, *words: str) -> Any:  # noqa: ANN401 - whatever it answers
        transport = SupervisorTransport(None, None, f"unix://{self._home.supervisor}")
        try:
            with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
                return getattr(server.supervisor, method)(*words)
        except (OSError, xmlrpc.client.Error, http.client.HTTPException) as error:
            said = error.faultString if isinstance(error, xmlrpc.client.Fault) else error
            raise SupervisionError(f"the supervisor answers to {method} {' '.join(words)}: {said}") from error

    def _pid(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int((self._home.folder / "supervisord.pid").read_text()))
            ours = str(self._home.folder / "supervisord.conf") in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return process if ours else None


def inherited() -> dict[str, str]:
    """The part of our environment that programs see."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}


def until(condition: Callable[[], bool], limit: float) -> bool:
    """Whether the condition came to hold within the limit, in seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _literal(text: object) -> str:
    # A percent sign would be expanded by the supervisor.
    return str(text).replace("%", "%%")
