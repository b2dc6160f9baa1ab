"""The reader of order logs, and the judge: what is two at work, and what is not."""

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.errors import UsageError
from smoke.orders import Order, Span, gaps, judge, read

LINE = b'{"token": 1, "slot": "blue", "at": 10.5}\n'


def _line(**words: object) -> bytes:
    return json.dumps({"token": 1, "slot": "blue", "at": 10.5, **words}).encode() + b"\n"


def _violations(*orders: Order) -> list[str]:
    return [each.what for each in judge(orders).violations]


def test_spans_of_work() -> None:
    """The work of each token is one span, and between them are the gaps, whatever the order of the lines."""
    orders = [Order(3, "green", 2.5), Order(1, "blue", 0.0), Order(1, "blue", 2.0), Order(3, "green", 3.0), Order(7, "blue", 4.0)]
    found = judge(orders)

    assert found.violations == ()
    assert found.spans == (Span(1, "blue", 2, 0.0, 2.0), Span(3, "green", 2, 2.5, 3.0), Span(7, "blue", 1, 4.0, 4.0))
    assert gaps(found.spans) == (0.5, 1.0)


def test_two_at_work_at_one_moment() -> None:
    """An order by a token is told that comes after one by a later token, with both lines."""
    first = [Order(1, "blue", 0.0, file="a", line=1), Order(1, "blue", 2.25, file="a", line=2)]
    [found] = judge([*first, Order(2, "green", 2.0, file="b", line=1), Order(2, "green", 3.0, file="b", line=2)]).violations

    assert str(found) == "a:2: blue put an order by token 1, 0.250000 s after green had begun by token 2 (b:1)"


def test_a_token_of_two_slots() -> None:
    """A token that two slots used is told, although their work is far apart."""
    assert _violations(Order(1, "blue", 0.0), Order(1, "green", 9.0)) == ["green used token 1, which blue had used"]


def test_a_stale_token_of_the_same_slot() -> None:
    """A slot that goes back to an earlier token of its own is told, too: it believed a grant that was over."""
    found = _violations(Order(1, "blue", 0.0), Order(3, "blue", 1.0), Order(1, "blue", 2.0))

    assert found == ["blue put an order by token 1, 1.000000 s after blue had begun by token 3"]


def test_one_order_of_two_slots() -> None:
    """An order that both slots put is a double trade, although they worked one after the other; one slot may send it again."""
    again = [Order(1, "blue", 0.0, "x"), Order(1, "blue", 1.0, "x")]

    assert _violations(*again) == []
    assert _violations(*again, Order(2, "green", 2.0, "x")) == ["green put order x, which blue had put"]
    assert _violations(*again, Order(2, "green", 2.0, "y"), Order(2, "green", 3.0)) == []


def test_a_coarse_clock_proves_nothing() -> None:
    """Orders of the very same time are in the order of their tokens."""
    assert _violations(Order(2, "green", 1.0), Order(1, "blue", 1.0)) == []


def test_violations_are_in_the_order_of_time() -> None:
    """The first that is told is the first that happened."""
    orders = [Order(2, "green", 0.0), Order(1, "blue", 1.0, "x"), Order(2, "blue", 2.0), Order(3, "green", 3.0, "x")]

    assert [each.order.at for each in judge(orders).violations] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"time": 1, "at": None}, Order(1, "blue", 1.0)),
        ({"time": 1}, Order(1, "blue", 10.5)),
        ({"received": 2.5, "time": 1}, Order(1, "blue", 2.5)),
        ({"id": 7}, Order(1, "blue", 10.5, "7")),
        ({"id": 7, "client_id": "c"}, Order(1, "blue", 10.5, "c")),
        ({"symbol": "ABC", "id": None}, Order(1, "blue", 10.5)),
    ],
)
def test_what_a_line_says(words: dict[str, object], expected: Order) -> None:
    """The time is what the receiver wrote, else the sender; the name is the client's, else the log's; the rest is passed over."""
    assert read([_line(**words)], "a").orders == (replace(expected, file="a", line=1),)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"orders\n", "it is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xfe\n", "it is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"[1, 2]\n", "it is no JSON object"),
        (_line(token=None), "token is null, and a whole number is wanted"),
        (_line(token=True), "token is true, and a whole number is wanted"),
        (LINE.replace(b"1,", b'"1",', 1), 'token is "1", and a whole number is wanted'),
        (_line(slot=""), 'slot is "", and the name of a slot is wanted'),
        (_line(slot=["b" * 99]), f'slot is ["{"b" * 38}..., and the name of a slot is wanted'),
        (_line(at=None), "it has no time: one of received, at, time, in seconds, is wanted"),
        (_line(at="now"), 'at is "now", and seconds are wanted'),
        (_line(at=True), "at is true, and seconds are wanted"),
        (_line(at=float("nan")), "at is NaN, and seconds are wanted"),
        (_line(at=10**400), f"at is 1{'0' * 39}..., and seconds are wanted"),
        (_line(id=1.5), "id is 1.5, and text or a whole number is wanted"),
    ],
)
def test_a_line_that_is_no_order(line: bytes, cause: str) -> None:
    """It is refused with its file and number, what is wrong, and what a line looks like; nothing is passed over in silence."""
    with pytest.raises(UsageError) as caught:
        read([LINE, line, LINE], "a.jsonl")

    assert (caught.value.where, caught.value.cause) == ("a.jsonl:2", cause)
    assert caught.value.hint is not None
    assert read([caught.value.hint.partition(": ")[2].encode()], "hint").orders != ()


@pytest.mark.parametrize("length", range(1, len(LINE)))
def test_a_torn_last_line(length: int) -> None:
    """Wherever the last line was cut it is dropped and said; one that lacks its end of line alone is whole."""
    found = read([LINE, LINE[:length]], "a")

    whole = length == len(LINE) - 1
    assert (len(found.orders), found.torn) == (1 + whole, not whole)


def test_a_last_line_that_is_wrong_and_not_torn() -> None:
    """A last line that is whole JSON and no order is refused, as one is that has its end of line."""
    for line in (b'{"token": 1}', b"{\n"):
        with pytest.raises(UsageError):
            read([LINE, line], "a")


def test_empty_lines() -> None:
    """Lines without anything on them are passed over, and counted."""
    assert [each.line for each in read([b"\n", LINE, b"  \r\n", LINE], "a").orders] == [2, 4]


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    """Whatever a file holds, it is read or refused with a document; nothing else comes out."""
    _read_or_refused(data.splitlines(keepends=True))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_DOCUMENTS = st.dictionaries(st.sampled_from(["token", "slot", "received", "at", "time", "id", "client_id", "x"]), _VALUES)


@given(st.lists(_DOCUMENTS.map(lambda each: json.dumps(each).encode() + b"\n") | st.just(LINE)))
def test_any_documents(lines: Sequence[bytes]) -> None:
    """Whatever the lines say, they are orders that can be judged, or refused with a document."""
    _read_or_refused(lines)


def test_what_the_reader_of_json_gives_up() -> None:
    """A line that JSON itself cannot be read from is refused as any other: nested too deep, or a number too long."""
    for line in (b"[" * 100_000 + b"\n", _line(token=0).replace(b"0", b"9" * 5000)):
        with pytest.raises(UsageError):
            read([line], "a")


def _read_or_refused(lines: Sequence[bytes]) -> None:
    try:
        found = read(lines, "a").orders
    except UsageError:
        return
    assert sum(span.orders for span in judge(found).spans) == len(found)


_WORK = st.lists(st.tuples(st.sampled_from(["blue", "green"]), st.lists(st.floats(0, 1), min_size=1)), min_size=2, max_size=8)


@given(_WORK, st.randoms(), st.data())
def test_any_work(work: list[tuple[str, list[float]]], order: Random, data: st.DataObject) -> None:
    """Work by one grant after the other is well in whatever order it is read; one order more, by a grant that is over, is not."""
    orders = [Order(token, slot, 2 * token + each) for token, (slot, times) in enumerate(work) for each in times]
    order.shuffle(orders)
    token = data.draw(st.integers(0, len(work) - 2))
    late = Order(token, work[token][0], 2 * len(work))
    found = judge(orders)

    assert [span.orders for span in found.spans] == [len(times) for _, times in work]
    assert (found.violations, all(gap >= 0 for gap in gaps(found.spans))) == ((), True)
    assert [each.order for each in judge([late, *orders]).violations] == [late]
