"""The orders of the api's clients, in one SQLite file that both slots write.

Standard library only. WAL and a busy timeout let two processes share the file;
every act opens its own connection, so that no thread borrows another's.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUSY_SECONDS = 5.0
# Additive changes only: the older slot reads and writes the same table.
SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity REAL NOT NULL,
    price REAL NOT NULL,
    slot TEXT NOT NULL,
    version TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Entry:
    """One order as it is written."""

    at: float
    symbol: str
    side: str
    quantity: float
    price: float
    slot: str
    version: str


class Ledger:
    """The order table."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "orders.sqlite3"
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(SCHEMA)

    def add(self, entry: Entry) -> int:
        """Write one order and return its number."""
        words = vars(entry)
        columns, marks = ", ".join(words), ", ".join(f":{word}" for word in words)
        with self._connection() as connection:
            cursor = connection.execute(f"INSERT INTO orders ({columns}) VALUES ({marks})", words)  # noqa: S608  our own column names
            return int(cursor.lastrowid or 0)

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """The newest orders, newest first."""
        with self._connection() as connection:
            rows = connection.execute("SELECT * FROM orders ORDER BY id DESC LIMIT ?", (limit,))
            return [dict(row) for row in rows]

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as connection, connection:
            connection.row_factory = sqlite3.Row
            yield connection
