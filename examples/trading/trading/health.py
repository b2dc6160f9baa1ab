"""What a process says about itself at `/health/`. Standard library only."""

import os
import resource
import sys
from pathlib import Path
from typing import Any

from trading.launch import Launch

OK = 200
UNAVAILABLE = 503


def status(launch: Launch) -> int:
    """The status code of the health answer."""
    return UNAVAILABLE if launch.faults.never_ready else OK


def report(launch: Launch, **more: object) -> dict[str, Any]:
    """The body of the health answer; `more` is what only this service knows."""
    who = launch.identity
    return {
        "status": "fail" if launch.faults.never_ready else "pass",
        "service": who.service,
        "slot": who.slot,
        "version": who.version,
        "runtime": who.runtime,
        "pid": who.pid,
        "started": who.started,
        "rss_mb": rss_mb(),
        **more,
    }


def rss_mb() -> float:
    """Resident memory now; where the system has no /proc, the highest so far."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        pages = int(statm.read_text(encoding="ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)
