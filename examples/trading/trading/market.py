"""A market of our own: prices that walk from a seed. Standard library only."""

import random
from collections.abc import Mapping

TICK_SECONDS = 0.1
START = {"BTC-USD": 64_000.0, "ETH-USD": 3_200.0, "SOL-USD": 150.0, "ADA-USD": 0.45}


class Market:
    """Prices that move a little at each step, the same way for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)  # noqa: S311  a price, not a secret
        self.prices = dict(START)

    def step(self) -> Mapping[str, float]:
        """Move every price by at most a tenth of a per cent."""
        for symbol, price in self.prices.items():
            self.prices[symbol] = round(price * self._random.uniform(0.999, 1.001), 6)
        return self.prices
