"""What the agent orders: a pure decision from the ticks it saw. Standard library only."""

from collections import deque
from collections.abc import Mapping
from typing import Any

SYMBOL = "BTC-USD"
QUANTITY = 0.01
WINDOW = 20


class MeanReversion:
    """Buys below the mean of the last prices and sells otherwise: one order for every tick."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=WINDOW)

    def see(self, prices: Mapping[str, float]) -> None:
        """Remember one tick; a warm agent sees too, so that it can take over at once."""
        if SYMBOL in prices:
            self._seen.append(prices[SYMBOL])

    def ready(self) -> bool:
        """Whether there is a price to decide by."""
        return bool(self._seen)

    def decide(self) -> dict[str, Any]:
        """The order for the last price seen."""
        price = self._seen[-1]
        side = "buy" if price < sum(self._seen) / len(self._seen) else "sell"
        return {"symbol": SYMBOL, "side": side, "quantity": QUANTITY, "price": price}
