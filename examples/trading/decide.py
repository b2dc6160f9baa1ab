"""The agent's decisions on recorded prices: a tick a line on standard input, an order a line on standard output."""

import json
import sys

from trading.strategy import MeanReversion


def main() -> None:
    """Decide after every tick, as the agent does."""
    strategy = MeanReversion()
    for line in sys.stdin:
        strategy.see(json.loads(line))
        if strategy.ready():
            sys.stdout.write(json.dumps(strategy.decide()) + "\n")


if __name__ == "__main__":
    main()
