"""The prices the api serves, rendered once for each tick and not for each request."""

import json
import time
from collections.abc import Mapping

from trading.broadcast import Broadcast


class Pricing:
    """The latest prices: as numbers, as the body of `GET /prices`, and as a stream."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._seq = 0
        self.live = False
        """Whether the prices are the exchange's; otherwise they are our own."""
        self.prices: dict[str, float] = {}
        self.body = b"{}"
        self.stream = Broadcast()

    @property
    def feed(self) -> str:
        """Where the prices come from, in one word."""
        return "live" if self.live else "local"

    def update(self, prices: Mapping[str, float]) -> None:
        """Replace the prices and tell every follower."""
        self._seq += 1
        self.prices = dict(prices)
        words = {
            "seq": self._seq,
            "version": self._version,
            "feed": self.feed,
            "at": time.time(),
            "prices": self.prices,
        }
        text = json.dumps(words)
        self.body = text.encode()
        self.stream.publish(text)
