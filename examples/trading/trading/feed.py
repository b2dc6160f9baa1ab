"""Following the exchange: connect, read, notice silence, come back.

What to do with a tick belongs to the api and the agent.
"""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Union

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
SILENCE_SECONDS = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tick:
    """The prices of one moment at the exchange."""

    seq: int
    prices: Mapping[str, float]


def parse(message: Union[str, bytes]) -> Tick:
    """One message of the exchange; ValueError if it is no tick."""
    words = json.loads(message)
    try:
        return Tick(int(words["seq"]), {str(symbol): float(price) for symbol, price in words["prices"].items()})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no tick: {message!r}") from error


async def follow(url: str, *, on_tick: Callable[[Tick], None], on_connected: Callable[[bool], None]) -> None:
    """Call `on_tick` for every tick, for ever; connect again after every loss, waiting longer each time.

    Connected means that ticks arrive: an open socket without a tick is not yet a feed.
    """
    wait = FIRST_WAIT_SECONDS

    def deliver(tick: Tick) -> None:
        nonlocal wait
        wait = FIRST_WAIT_SECONDS
        on_connected(True)  # noqa: FBT003  a callable's only word
        on_tick(tick)

    while True:
        try:
            await _read(url, deliver)
        except (OSError, ValueError, WebSocketException, asyncio.TimeoutError) as error:  # crossfade: seen
            log.warning("feed %s lost (%s: %s), again in about %.1f s", url, type(error).__name__, error, wait)
        on_connected(False)  # noqa: FBT003
        # Jitter: the slots must not come back in step.
        await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311  a wait, not a secret
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)


async def _read(url: str, deliver: Callable[[Tick], None]) -> None:
    # No proxy of the environment may stand between the slots and their own exchange.
    async with connect(url, proxy=None, open_timeout=SILENCE_SECONDS, close_timeout=1) as socket:
        log.info("feed %s open", url)
        while True:
            deliver(parse(await asyncio.wait_for(socket.recv(), SILENCE_SECONDS)))
