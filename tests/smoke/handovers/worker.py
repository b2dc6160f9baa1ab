"""An agent that is all fence and heartbeat: while it may work, it puts one order after the other into a log.

Runs as a process of its own, on 3.9 as well, with the example's modules on its path:
``worker.py SLOT FOLDER HEARTBEAT ORDERS [deaf]``. One that is deaf never connects to what it works on, and orders nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from trading import fence, heartbeat

LOOK_SECONDS = 0.02
ORDER_SECONDS = 0.002
BEAT_SECONDS = 0.25


class Worker:
    """The state of one process."""

    def __init__(self, slot: str, folder: str, beats: str, orders: str, *, connected: bool) -> None:
        self._slot = slot
        self._fence = fence.of(Path(folder), slot)
        self._file = Path(beats)
        self._orders = os.open(orders, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._connected = connected
        self._started = time.time()
        self._count = 0
        self._beaten = float("-inf")
        self.stopping = False

    def run(self) -> None:
        """Look, work, beat; until told to stop."""
        while not self.stopping:
            permit = self._fence.settle()
            if permit and self._connected:
                self._order(permit.token)
            if time.monotonic() - self._beaten >= BEAT_SECONDS:
                self._beat(permit)
            time.sleep(LOOK_SECONDS)
        self._fence.release()
        self._beat(None)

    def _order(self, token: int | None) -> None:
        begun = time.monotonic()
        time.sleep(ORDER_SECONDS)  # it is on its way
        self._count += 1
        order = {"token": token, "slot": self._slot, "id": f"{self._slot}-{self._started}-{self._count}"}
        moments = [json.dumps({**order, "at": at}) for at in (begun, time.monotonic())]
        os.write(self._orders, ("\n".join(moments) + "\n").encode())

    def _beat(self, permit: fence.Permit | None) -> None:
        self._beaten = time.monotonic()
        beat = heartbeat.Beat(
            version="py39-0123456789ab",
            slot=self._slot,
            pid=os.getpid(),
            started=self._started,
            beats=self._count,
            at=time.time(),
            connected=self._connected,
            holding=permit is not None,
            token=permit.token if permit else None,
        )
        heartbeat.write(self._file, beat)


def main(slot: str, folder: str, beats: str, orders: str, *deaf: str) -> None:
    """Work until SIGTERM."""
    worker = Worker(slot, folder, beats, orders, connected=not deaf)
    signal.signal(signal.SIGTERM, lambda *_: setattr(worker, "stopping", True))
    worker.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
