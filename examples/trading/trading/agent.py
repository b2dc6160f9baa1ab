"""The agent: follows the exchange's feed and orders there, while it holds the fence.

Start it with `python -m trading.agent`. Without the fence it is warm: it follows, sees and
beats, but does not order. The decision belongs to `strategy`, the fence to `fence`.
"""

import asyncio
import contextlib
import logging
import signal
import time
from typing import Any, Optional
from urllib.parse import urlsplit, urlunsplit

import httpx

from trading import feed, fence, heartbeat, launch
from trading.strategy import MeanReversion

EXCHANGE = "ws://127.0.0.1:9000/feed"
POLL_SECONDS = 0.02
BEAT_SECONDS = 0.25
ORDER_SECONDS = 2.0

log = logging.getLogger(__name__)


class Agent:
    """The state of one agent process."""

    def __init__(self, begun: launch.Launch, client: httpx.AsyncClient, orders_url: str) -> None:
        self._who = begun.identity
        self._faults = begun.faults
        self._client = client
        self._orders_url = orders_url
        self._fence = fence.of(begun.identity.fence, begun.identity.slot)
        self._strategy = MeanReversion()
        self._ticks: asyncio.Queue[feed.Tick] = asyncio.Queue()
        self._permit: Optional[fence.Permit] = None
        self._connected = False
        self._beats = 0
        self._seq = 0

    def on_tick(self, tick: feed.Tick) -> None:
        """Take one tick from the feed."""
        if not self._faults.silent_feed:
            self._ticks.put_nowait(tick)

    def on_connected(self, connected: bool) -> None:  # noqa: FBT001  a callback's only word
        """Note whether ticks arrive."""
        self._connected = connected

    async def work(self, stop: asyncio.Event) -> None:
        """Handle batches of ticks until told to stop, then let go of the fence.

        An order in flight is always awaited before the fence is looked at again, so the lock
        is never released while an order may still reach the exchange.
        """
        try:
            while not stop.is_set():
                self._settle()
                if await self._see():
                    await self._trade()
                    self._beats += 1
        finally:
            self._permit = None
            self._fence.release()

    def _settle(self) -> None:
        before, self._permit = self._permit, self._fence.settle()
        if before != self._permit:
            log.info("fence: %s", self._permit or "none, warm")

    async def _see(self) -> bool:
        """Take in all ticks that wait, or give up soon: the fence wants to be looked at."""
        with contextlib.suppress(asyncio.TimeoutError):
            self._strategy.see((await asyncio.wait_for(self._ticks.get(), POLL_SECONDS)).prices)
            while not self._ticks.empty():
                self._strategy.see(self._ticks.get_nowait().prices)
            return True
        return False

    async def _trade(self) -> None:
        self._settle()  # right before the order: the fence may have moved while we waited
        if self._permit and self._strategy.ready():
            self._seq += 1
            await self._order({"token": self._permit.token, "seq": self._seq, **self._strategy.decide()})

    async def _order(self, words: dict[str, Any]) -> None:
        # Never sent twice: after a lost answer nobody knows whether the first one counted.
        order = {"slot": self._who.slot, "version": self._who.version, **words}
        try:
            answer = await self._client.post(self._orders_url, json=order)
        except httpx.HTTPError as error:
            log.warning("order %s unanswered (%s: %s)", self._seq, type(error).__name__, error)
            return
        if answer.is_error:
            log.warning("order %s refused (%s: %s)", self._seq, answer.status_code, answer.text)

    async def beat(self, stop: asyncio.Event) -> None:
        """Write the heartbeat until told to stop."""
        while not stop.is_set():
            self.beat_once()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), BEAT_SECONDS)

    def beat_once(self) -> None:
        """Write the heartbeat now, if anybody reads it."""
        if self._who.heartbeat is None:
            return
        beat = heartbeat.Beat(
            version=self._who.version,
            slot=self._who.slot,
            pid=self._who.pid,
            started=self._who.started,
            beats=self._beats,
            at=time.time(),
            connected=self._connected,
            holding=self._permit is not None,
            token=self._permit.token if self._permit else None,
        )
        heartbeat.write(self._who.heartbeat, beat)


def orders_url(feed_url: str) -> str:
    """Where the exchange with this feed takes orders."""
    parts = urlsplit(feed_url)
    return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, "/orders", "", ""))


async def run(begun: launch.Launch) -> None:
    """Run one agent until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    url = begun.identity.exchange or EXCHANGE
    async with httpx.AsyncClient(timeout=ORDER_SECONDS, trust_env=False) as client:
        agent = Agent(begun, client, orders_url(url))
        following = [] if begun.faults.never_ready else [feed.follow(url, on_tick=agent.on_tick, on_connected=agent.on_connected)]
        background = [asyncio.create_task(act) for act in [agent.beat(stop), *following]]
        try:
            await agent.work(stop)
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            agent.beat_once()


def main() -> None:
    """Run the agent."""
    asyncio.run(run(launch.begin("agent", port=9100)))


if __name__ == "__main__":
    main()
