"""Which health check of a program the kubelet asks, and how. Pure.

Every number is written out: what a cluster takes where nothing is said has changed before, and differs from what we mean.
"""

import math
from collections.abc import Mapping, Sequence

from infra.config.health import Check, Heartbeat, Http, Run, Streamlit, Tcp, Websocket
from infra.contract.document import Json
from infra.targets.kubernetes.layout import BEAT, PORT

_TELLING: tuple[type[Check], ...] = (Http, Streamlit, Run, Heartbeat, Websocket, Tcp)
"""The one that tells most first: a pod can be asked one thing."""
STARTING, STUCK = 180, 60
"""Seconds that a program has to start; that it may be stuck before it is started again."""
PATIENCE = 20
"""Seconds that one that has started has to be ready, at the least."""
_LOOK, _SLOW, _ALIVE = 2, 5, 10
"""Seconds between looks: at one that starts, by a command at the least, and at whether it is stuck."""
_MISSED = 3
"""Answers in a row that must be bad before a pod gets no more requests."""
_BEATS = "import os,sys,time; sys.exit(time.time() - os.stat(sys.argv[1]).st_mtime > float(sys.argv[2]))"
_WORKS = """\
import json, os, sys, time
path, most = sys.argv[1], float(sys.argv[2])
def old(file):
    return time.time() - os.stat(file).st_mtime
if old(path) > most:
    sys.exit(f"it beat {old(path):.0f} s ago, {most:g} s are allowed")
try:
    beat = dict(json.load(open(path)))
except (ValueError, TypeError):
    beat = {}
if beat.get("connected") is False:
    sys.exit("feed is silent: it beats, and is not connected to what it works on")
if "beats" not in beat:
    sys.exit()
note, run = path + ".seen", str(beat.get("started"))
now = run + " " + str(beat["beats"])
known = open(note).read() if os.path.exists(note) else ""
if known != now:
    open(note, "w").write(now)
    if known.partition(" ")[0] != run:
        os.utime(note, (0, 0))
if old(note) > most:
    sys.exit(f"it beats, and has done nothing: it stands at {beat['beats']} beats")
"""
"""Whether it gets something done. It remembers beside the beat since when the count stands; that of a new run has yet to move."""


def asked(checks: Sequence[Check]) -> Mapping[str, Json]:
    """What is recorded of a program's health: all that its pod is made from. Whole numbers: Pulumi knows no other ones."""
    ready = _first(checks)
    if ready is None:
        return {}
    beat = next((each for each in checks if isinstance(each, Heartbeat)), None)
    return {
        "ready": {"every": _whole(ready.every), "timeout": _whole(ready.timeout), **_kind(ready)},
        **({} if beat is None else {"beat": _whole(beat.max_age)}),
    }


def unasked(checks: Sequence[Check]) -> Sequence[Check]:
    """Checks that nobody asks in a cluster, or only in part."""
    ready = _first(checks)
    whole = (Http, Tcp, Run, Heartbeat)
    return [
        each for each in checks if not isinstance(each, Heartbeat | Tcp) and (each is not ready or not isinstance(each, whole))
    ]


def probes(health: Mapping[str, Json], *, listens: bool) -> Mapping[str, Json]:
    """The three probes of a container: has it started, may it be asked, is it stuck.

    Args:
        health: what was recorded of it; empty: a companion, which is asked for its port where it has one.
        listens: whether it has a port.
    """
    ready = health.get("ready") or ({"kind": "tcp", "every": _SLOW, "timeout": _LOOK} if listens else None)
    if ready is None:
        return {}
    action, by_command = _action(ready), ready["kind"] in {"heartbeat", "command"}
    every = max(ready["every"], _SLOW) if by_command else ready["every"]
    # Pods that all answer late must not all be taken away: then nobody answers at all. One that refuses is seen at once.
    timeout = max(ready["timeout"], _SLOW)
    look = max(every, _LOOK)
    return {
        "startupProbe": {**_begun(ready), **_times(look, timeout, math.ceil(STARTING / look))},
        "readinessProbe": {**action, **_times(every, timeout, _MISSED)},
        # Whether it is stuck, and nothing that it depends on: a database that is away must not start every pod again.
        "livenessProbe": {**_alive(health, listens=listens), **_times(_ALIVE, _SLOW, STUCK // _ALIVE)},
    }


def patience(health: Mapping[str, Json]) -> int:
    """Seconds that one that has started may take to be ready, before it is given up."""
    ready = health.get("ready") or {}
    return max(PATIENCE, int(ready.get("max_age", 0)) + _MISSED * max(int(ready.get("every", 0)), _SLOW))


def _first(checks: Sequence[Check]) -> Check | None:
    return next((each for kind in _TELLING for each in checks if isinstance(each, kind)), None)


def _kind(check: Check) -> Mapping[str, Json]:
    if isinstance(check, Http | Streamlit):
        return {"kind": "http", "path": check.path}
    if isinstance(check, Run):
        return {"kind": "command", "run": list(check.run)}
    if isinstance(check, Heartbeat):
        return {"kind": "heartbeat", "max_age": _whole(check.max_age)}
    return {"kind": "tcp"}


def _action(ready: Mapping[str, Json]) -> Mapping[str, Json]:
    if ready["kind"] == "http":
        return {"httpGet": {"path": ready["path"], "port": PORT, "scheme": "HTTP"}}
    if ready["kind"] == "command":
        return {"exec": {"command": list(ready["run"])}}
    return _beating(ready["max_age"], _WORKS) if ready["kind"] == "heartbeat" else _connecting()


def _begun(ready: Mapping[str, Json]) -> Mapping[str, Json]:
    # To be started again helps nobody whose feed is silent.
    return _beating(ready["max_age"]) if ready["kind"] == "heartbeat" else _action(ready)


def _alive(health: Mapping[str, Json], *, listens: bool) -> Mapping[str, Json]:
    if "beat" in health:
        return _beating(max(health["beat"], STUCK))
    return _connecting() if listens else _begun(health["ready"])


def _beating(age: int, program: str = _BEATS) -> Mapping[str, Json]:
    return {"exec": {"command": ["python", "-I", "-S", "-c", program, str(BEAT), str(age)]}}


def _connecting() -> Mapping[str, Json]:
    return {"tcpSocket": {"port": PORT}}


def _times(every: int, timeout: int, failures: int) -> Mapping[str, Json]:
    return {
        "initialDelaySeconds": 0,
        "periodSeconds": every,
        "timeoutSeconds": timeout,
        "successThreshold": 1,
        "failureThreshold": failures,
    }


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
