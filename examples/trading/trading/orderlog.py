"""What the exchange received: every order in order, in memory and in `orders.jsonl`.

Standard library only. The log refuses a token lower than the highest it has seen, so that an
agent that lost its fence cannot order, whatever it believes; that holds over a restart too.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

# An order without a token is below every token.
NO_TOKEN = -1


class StaleTokenError(Exception):
    """The order's token is lower than one already seen."""

    def __init__(self, token: Optional[int], highest: int) -> None:
        super().__init__(f"fence token {token} is lower than {highest}")


class OrderLog:
    """The orders received. `highest` is the highest token seen, None when none was."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "orders.jsonl"
        self._orders = _recover(path)
        self._file = path.open("a", encoding="utf-8")
        tokens = [order["token"] for order in self._orders if order["token"] is not None]
        self.highest: Optional[int] = max(tokens, default=None)

    def receive(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Log one order; StaleTokenError if its token is too low."""
        token = order["token"]
        if self.highest is not None and (NO_TOKEN if token is None else token) < self.highest:
            raise StaleTokenError(token, self.highest)
        received = {"id": len(self._orders) + 1, "received": time.time(), **order}
        self._file.write(json.dumps(received) + "\n")
        self._file.flush()
        self._orders.append(received)
        if token is not None:
            self.highest = token
        return received

    def since(self, number: int) -> list[dict[str, Any]]:
        """The orders after that number, oldest first."""
        return self._orders[number:]


def _recover(path: Path) -> list[dict[str, Any]]:
    """The orders of an earlier process; a torn last line is cut off, any other bad line is an error."""
    if not path.exists():
        return []
    whole, _, torn = path.read_text(encoding="utf-8").rpartition("\n")
    if torn:
        path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]
