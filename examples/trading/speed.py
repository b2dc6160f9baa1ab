"""What the agent and the API spend their time on, for `crossfade gate ab`: decisions, and prices rendered for users."""

import json
import random

from trading.pricing import Pricing
from trading.strategy import MeanReversion

TICKS = 40_000


def main() -> None:
    """Decide and render as often as in some hours of work."""
    chance = random.Random(1)  # noqa: S311  prices, no secret
    strategy, pricing = MeanReversion(), Pricing("bench")
    for _ in range(TICKS):
        prices = {"BTC-USD": round(64_000 + chance.gauss(0, 100), 2), "ETH-USD": round(3_000 + chance.gauss(0, 10), 2)}
        strategy.see(prices)
        pricing.update(prices)
        json.dumps(strategy.decide())


if __name__ == "__main__":
    main()
