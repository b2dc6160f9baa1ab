"""The orders, for the gates of a rollout: kept and read back, compared with what was kept, and still coming in.

    python orders.py keep DATA FOLDER        copy the ledger and the exchange's log, and read both copies back
    python orders.py compare DATA FOLDER     every order that was kept is there, as it was
    python orders.py coming DATA SECONDS     the agent ordered within so many seconds, and never with an older token

Standard library only. The last line is what `crossfade check` reads.
"""

import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

LEDGER, LOG = Path("api") / "orders.sqlite3", Path("exchange") / "orders.jsonl"


def keep(data: Path, folder: Path) -> None:
    """Copy both, and read back what was copied."""
    folder.mkdir(parents=True, exist_ok=True)
    with _opened(data / LEDGER) as source, _opened(folder / LEDGER.name) as copy:
        source.backup(copy)  # whole, whoever writes meanwhile
        [(well,)] = copy.execute("PRAGMA integrity_check")
    text = (data / LOG).read_text(encoding="utf-8")
    (folder / LOG.name).write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
    rows, lines = _rows(folder / LEDGER.name), _lines(folder / LOG.name)
    missing = len(_missing(rows, _rows(data / LEDGER))) + len(_missing(lines, _lines(data / LOG)))
    detail = f"{len(rows)} orders of the ledger and {len(lines)} of the exchange were kept, and read back"
    if well != "ok" or missing:
        detail = f"the copy is not as the orders are: {well}, {missing} differ"
    _say(detail, len(rows) + len(lines), missing + (well != "ok"), [folder / LEDGER.name, folder / LOG.name])


def compare(data: Path, folder: Path) -> None:
    """Look for every order that was kept."""
    kept, lines = _rows(folder / LEDGER.name), _lines(folder / LOG.name)
    lost = [*_missing(kept, _rows(data / LEDGER)), *_missing(lines, _lines(data / LOG))]
    total = len(kept) + len(lines)
    _say(f"{total - len(lost)} of {total} orders that were kept are there as they were", total, len(lost), [])


def coming(data: Path, seconds: float) -> None:
    """Count the agent's orders of the last seconds."""
    every = list(_lines(data / LOG).values())
    new = [order for order in every if order["received"] > time.time() - seconds]
    tokens = [order["token"] for order in every if order["token"] is not None]
    slots = sorted({order["slot"] for order in new})
    torn = sum(tokens[place] < tokens[place - 1] for place in range(1, len(tokens)))
    detail = (
        f"{len(new)} orders within {seconds:g} s, of {', '.join(slots) or 'nobody'}; {torn} of {len(every)} with an older token"
    )
    _say(detail, len(new), torn, [])


def _opened(file: Path) -> "contextlib.closing[sqlite3.Connection]":
    return contextlib.closing(sqlite3.connect(file, timeout=5.0))


def _rows(file: Path) -> Mapping[int, Any]:
    with _opened(file) as connection:
        return {row[0]: row for row in connection.execute("SELECT * FROM orders")}


def _lines(file: Path) -> Mapping[int, Any]:
    whole = file.read_text(encoding="utf-8").rpartition("\n")[0]
    return {order["id"]: order for order in map(json.loads, whole.splitlines())}


def _missing(kept: Mapping[int, Any], there: Mapping[int, Any]) -> Sequence[int]:
    return [number for number, order in kept.items() if there.get(number) != order]


def _say(detail: str, count: int, wrong: int, files: Sequence[Path]) -> NoReturn:
    words = {"detail": detail, "n": count, "value": wrong, "sign": "==", "limit": 0, "files": [str(file) for file in files]}
    sys.stdout.write(json.dumps(words) + "\n")
    sys.exit(1 if wrong else 0)


def main() -> None:
    """Do what the words ask for."""
    verb, data, what = sys.argv[1:]
    if verb == "coming":
        coming(Path(data), float(what))
    {"keep": keep, "compare": compare}[verb](Path(data), Path(what))


if __name__ == "__main__":
    main()
