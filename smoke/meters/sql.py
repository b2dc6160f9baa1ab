"""Numbers that a query has of a SQLite database, which is opened to be read alone. Other databases are asked by a command."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from urllib.parse import quote

from infra.contract import Json
from smoke.errors import MeterError
from smoke.foreign import shortened
from smoke.meters.tallied import SLOT, Tallied, asked
from smoke.settings import is_text

_MOST = 16 * 1024 * 1024
"""Bytes of a value; a larger one is none that could be a number."""
_OFTEN = 10_000
"""Steps of the database's machine between two looks at the time."""


def sql(given: Mapping[str, Json]) -> Tallied:
    """The meter. Its query gives one row: bad and all, or one value; ``:slot`` in it is the slot.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    settings = asked("sql", given, {"database": is_text, "query": is_text}, "database (a file), query")

    def ask(slot: str, limit: float) -> Mapping[str, Json]:
        row = _row(given["database"].replace(SLOT, slot), given["query"], slot, limit)
        if len(row) != len(settings.figures):
            raise MeterError(f"the row has {len(row)} columns: {' and '.join(settings.figures)} are wanted")
        figures = dict(zip(settings.figures, row, strict=True))
        # What SQL's sum makes of no rows at all: of nothing, nothing was bad.
        return {**figures, "bad": 0} if figures.get("all") == 0 and figures["bad"] is None else figures

    return Tallied(settings, ask)


def _row(database: str, query: str, slot: str, limit: float) -> Sequence[Json]:
    deadline = time.monotonic() + limit
    late = False

    def watch() -> bool:
        nonlocal late
        late = time.monotonic() > deadline
        return late

    try:
        # Read only: a database that is not there must not come into being, empty, with nothing bad in it.
        with closing(sqlite3.connect(f"file:{quote(database)}?mode=ro", uri=True, timeout=limit)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST)
            connection.set_progress_handler(watch, _OFTEN)
            rows: list[Sequence[Json]] = connection.execute(query, {"slot": slot}).fetchmany(2)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:  # ValueError: what is no text, on either side
        if late:
            raise MeterError(f"the query did not end within {limit:.1f} s, and was stopped") from error
        raise MeterError(f"{database} does not answer: {shortened(str(error))}") from error
    if len(rows) != 1:
        raise MeterError(f"the query gives {'several rows' if rows else 'no row'}: one is wanted")
    return rows[0]
