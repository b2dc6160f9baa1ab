"""The first act of every process: read the environment once, arm the faults, log.

Standard library only, so that every process can begin with it.
"""

import dataclasses
import logging
import os
import signal
import sys
from dataclasses import dataclass

from trading import faults, identity
from trading.settings import MalformedSettingError


@dataclass(frozen=True)
class Launch:
    """What a process was started with."""

    identity: identity.Identity
    faults: faults.Faults


def begin(service: str, *, port: int) -> Launch:
    """Read the environment; leave with status 2 and a clear sentence if it is malformed."""
    try:
        launch = read(service, port=port)
    except MalformedSettingError as error:
        sys.stderr.write(f"{service}: {error}\n")
        sys.exit(2)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    faults.arm(launch.faults)
    return launch


def read(service: str, *, port: int) -> Launch:
    """The same values without any effect."""
    ordered = faults.from_environment(os.environ)
    who = identity.from_environment(os.environ, service=service, port=port)
    if ordered.wrong_version:
        who = dataclasses.replace(who, version=identity.WRONG_VERSION)
    return Launch(who, ordered)
