"""Faults on order: what this process does wrong on purpose, all off by default.

Standard library only. Faults of requests are carried out by `edge`, faults of the feed
by `api` and `agent`; here are the values and the two faults that only need time.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from trading.settings import flag, number

GROWTH_STEP_SECONDS = 0.1


@dataclass(frozen=True)
class Faults:
    """What goes wrong; the defaults are a healthy process."""

    errors: float = 0.0
    """Share of requests other than health that answer 500."""
    latency: float = 1.0
    """Factor on the service time of requests other than health."""
    crash_after: float = 0.0
    """Seconds until the process dies at once; 0 is never."""
    memory_mb_per_s: float = 0.0
    """Growth of resident memory."""
    never_ready: bool = False
    """Health answers 503; the agent never connects."""
    wrong_version: bool = False
    """The process reports another identity than its own."""
    script_crash: bool = False
    """The dashboard's script raises NameError."""
    silent_feed: bool = False
    """Websockets stay open without a message."""


def from_environment(environ: Mapping[str, str]) -> Faults:
    """The faults ordered by the environment."""
    return Faults(
        errors=number(environ, "FAULT_ERRORS", default=0.0, low=0.0, high=1.0),
        latency=number(environ, "FAULT_LATENCY", default=1.0, low=1.0),
        crash_after=number(environ, "FAULT_CRASH_AFTER", default=0.0, low=0.0),
        memory_mb_per_s=number(environ, "FAULT_MEMORY_MB_PER_S", default=0.0, low=0.0),
        never_ready=flag(environ, "FAULT_NEVER_READY"),
        wrong_version=flag(environ, "FAULT_WRONG_VERSION"),
        script_crash=flag(environ, "FAULT_SCRIPT_CRASH"),
        silent_feed=flag(environ, "FAULT_SILENT_FEED"),
    )


def arm(faults: Faults) -> None:
    """Start the faults that need only time: the crash and the growth."""
    if faults.crash_after:
        threading.Thread(target=_crash, args=(faults.crash_after,), daemon=True).start()
    if faults.memory_mb_per_s:
        threading.Thread(target=_grow, args=(faults.memory_mb_per_s,), daemon=True).start()


def _crash(after: float) -> None:
    time.sleep(after)
    os._exit(1)


def _grow(mb_per_s: float) -> None:
    kept = []
    step = max(1, int(mb_per_s * 1024 * 1024 * GROWTH_STEP_SECONDS))
    while True:
        # Ones, not zeros: pages of zeros are never touched and cost no memory.
        kept.append(b"\x01" * step)
        time.sleep(GROWTH_STEP_SECONDS)
