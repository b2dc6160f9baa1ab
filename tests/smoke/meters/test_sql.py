"""What holds for the numbers that a query has of a database, beyond the suite for all."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from infra.contract import Backend, Json
from smoke.errors import MeterError, UsageError
from smoke.meters import meter
from smoke.model import Counts

QUERY = "select sum(rejected), count(*) from orders where slot = :slot"
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*), :slot from n"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Three orders on blue, of which one was rejected."""
    file = tmp_path / "the orders?#%.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table orders (slot text, rejected integer)")
        connection.executemany("insert into orders values (?, ?)", [("blue", 0), ("blue", 1), ("blue", 0)])
    return file


def backend(database: Path, query: str = QUERY, **others: Json) -> Backend:
    """A query of it."""
    settings = {"slots": ["blue", "green"], "timeout": 20.0, "database": str(database), "query": query}
    return Backend("sql", {**settings, **others})


def refused(database: Path, query: str = QUERY, **others: Json) -> str:
    """What is said of a query that does not give numbers."""
    with pytest.raises(MeterError) as caught:
        meter(backend(database, query, **others)).read()
    return caught.value.what


def test_a_sum_of_no_rows_is_nothing_of_nothing(database: Path) -> None:
    """SQL's sum of no rows is NULL: where there is nothing, nothing is bad; where there is something, NULL is no number."""
    assert meter(backend(database)).read().slots == {"blue": Counts(3, 1), "green": Counts(0, 0)}
    assert refused(database, "select null, count(*) from orders where :slot = 'blue'") == "blue: bad is None, and no number"


def test_a_value_of_one_column(database: Path) -> None:
    """With a limit one column is the value; NULL is no number there either."""
    above = "select total(rejected) from orders where slot = :slot"
    mine = meter(backend(database, above, above=0.5))
    assert [mine.read().slots for _ in range(2)][1] == {"blue": Counts(2, 2), "green": Counts(2, 0)}
    assert refused(database, "select max(rejected) from orders where slot = :slot", above=0.5, slots=["green"]) == (
        "green: value is None, and no number"
    )


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select 0, 1 from orders where slot = :slot", "the query gives several rows: one is wanted"),
        ("select 0, 1 where :slot = ''", "the query gives no row: one is wanted"),
        ("pragma query_only = 1", "the query gives no row: one is wanted"),
        ("select 1, :slot, 3", "the row has 3 columns: bad and all are wanted"),
        ("select :slot", "the row has 1 columns: bad and all are wanted"),
        ("select '1', 2", "bad is '1', and no number"),
        ("select x'01', 2", "bad is b'\\x01', and no number"),
        ("select 1, 9e999", "all is inf, and no number"),
    ],
)
def test_what_is_not_one_row_of_numbers_is_refused(database: Path, query: str, told: str) -> None:
    """Rows, columns and kinds are as they should be, or are told."""
    assert refused(database, query) == f"blue: {told}"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("select 1, 2 from nowhere", "no such table: nowhere"),
        ("select 1, :other", "binding"),
        ("selec", "syntax error"),
        ("select 1, 2; select 3, 4", "one statement at a time"),
        ("delete from orders where slot = :slot returning 0, 1", "attempt to write a readonly database"),
    ],
)
def test_what_the_database_refuses_is_told(database: Path, query: str, why: str) -> None:
    """What the database itself refuses is told in its words; nothing can be written."""
    said = refused(database, query)
    assert said.startswith(f"blue: {database} does not answer: ")
    assert why in said
    assert meter(backend(database)).read().slots["blue"] == Counts(3, 1)


def test_a_database_that_is_not_there_stays_so(tmp_path: Path) -> None:
    """A file that is missing does not come into being, empty, with nothing bad in it."""
    assert refused(tmp_path / "gone.db") == f"blue: {tmp_path / 'gone.db'} does not answer: unable to open database file"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file of another kind is told as such."""
    (tmp_path / "text").write_text("no database at all" * 100)
    assert refused(tmp_path / "text").endswith("does not answer: file is not a database")


def test_a_locked_database_is_waited_for_and_then_told(database: Path) -> None:
    """While somebody holds the whole database a read fails within its limit, and afterwards reads again."""
    mine = meter(backend(database, timeout=0.2))
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("begin exclusive")
        writer.execute("insert into orders values ('blue', 1)")
        with pytest.raises(MeterError, match="does not answer: database is locked"):
            mine.read()
        writer.commit()
    assert meter(backend(database)).read().slots["blue"] == Counts(4, 2)


def test_a_query_without_an_end_is_stopped(database: Path) -> None:
    """A query that takes longer than the limit is stopped."""
    assert refused(database, ENDLESS, timeout=0.2) == "blue: the query did not end within 0.2 s, and was stopped"


def test_each_slot_may_have_its_own_database(tmp_path: Path) -> None:
    """Where the path has ``{slot}``, each slot is asked in its own file."""
    for slot, rejected in {"blue": 1, "green": 0}.items():
        with closing(sqlite3.connect(tmp_path / f"{slot}.db")) as connection, connection:
            connection.execute("create table orders (rejected integer)")
            connection.execute("insert into orders values (?)", [rejected])
    mine = meter(backend(tmp_path / "{slot}.db", "select sum(rejected), count(*) from orders"))
    assert mine.read().slots == {"blue": Counts(1, 1), "green": Counts(1, 0)}


def test_settings_are_checked(database: Path) -> None:
    """A setting that is missing or empty is a usage error that names it and what there is."""
    with pytest.raises(UsageError, match="meter sql: query is missing, unknown or of the wrong kind") as caught:
        meter(backend(database, ""))
    assert caught.value.hint == "it has: slots, timeout (seconds), above (a number), database (a file), query"
