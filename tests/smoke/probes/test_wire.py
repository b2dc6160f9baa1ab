"""What holds for reading the wire format."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.probes.wire import WireError, field, fields, texts, values

NUMBERS = some.integers(1, 2**29 - 1)
PATHS = some.lists(some.integers(1, 30), min_size=1, max_size=3)


@given(message=some.binary(max_size=200), path=PATHS)
def test_no_bytes_break_it(message: bytes, path: list[int]) -> None:
    """Any bytes are read, or are no message; nothing else is raised."""
    for read in (values, texts):
        try:
            found = list(read(message, *path))
        except WireError:
            continue
        assert all(isinstance(each, bytes | int | str) for each in found)


@given(written=some.lists(some.tuples(NUMBERS, some.binary(max_size=300)), max_size=5))
def test_what_is_written_is_read(written: list[tuple[int, bytes]]) -> None:
    """Fields are read as they were written, in order."""
    assert list(fields(b"".join(field(number, value) for number, value in written))) == written


@given(path=PATHS, value=some.binary(max_size=50))
def test_a_path_leads_to_a_value(path: list[int], value: bytes) -> None:
    """What lies fields deep is found by the numbers on the way, and by no shorter way."""
    message = value
    for number in reversed(path):
        message = field(number, message)
    assert list(values(message, *path)) == [value]


@given(text=some.text(max_size=50))
def test_texts_are_read(text: str) -> None:
    """A text is read as it was written."""
    assert texts(field(1, text.encode()), 1) == [text]


@given(message=some.binary(min_size=1, max_size=50), cut=some.integers(1, 50))
def test_what_is_cut_short_is_no_message(message: bytes, cut: int) -> None:
    """A field that is cut short is refused, never read in part."""
    whole = field(1, message)
    with pytest.raises(WireError):
        list(fields(whole[: -min(cut, len(whole) - 1)]))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", []),
        (b"\x08\x96\x01", [(1, 150)]),
        (b"\x30\x00", [(6, 0)]),
        (b"\x0d\x01\x00\x00\x00", [(1, 1)]),
        (b"\x09\x01" + b"\x00" * 7, [(1, 1)]),
        (b"\x12\x07testing", [(2, b"testing")]),
    ],
    ids=["nothing", "a number", "zero", "four bytes", "eight bytes", "a text"],
)
def test_each_kind_is_read(message: bytes, expected: list[tuple[int, int | bytes]]) -> None:
    """Each kind of field is read as its documentation writes it."""
    assert list(fields(message)) == expected


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\x00", "a field has the number 0"),
        (b"\x0b", "field 1 is of kind 3"),
        (b"\x80" * 11, "a number has no end"),
        (b"\x0a\x05abc", "a field is longer than its message"),
    ],
)
def test_why_it_is_no_message(message: bytes, why: str) -> None:
    """Bytes that are no message are refused with the reason."""
    with pytest.raises(WireError, match=why):
        list(fields(message))


@pytest.mark.parametrize("path", [(1, 1), (1, 2, 3)])
def test_a_number_holds_no_fields(path: tuple[int, ...]) -> None:
    """A way through a field that is a number is refused."""
    with pytest.raises(WireError, match="field 1 holds no message"):
        list(values(b"\x08\x01", *path))
