"""The wire format of protocol buffers, as far as reading one needs no schema: numbered fields, of which some hold more fields."""

from collections.abc import Iterator, Sequence
from itertools import count

Value = int | bytes

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST = 10
"""Bytes of a variable-length integer of 64 bits."""


_MOST = 10_000
"""Fields that one question looks at; of 64 MB that have nothing but fields, it would not come to an end in time."""


class WireError(ValueError):
    """These bytes are no message."""


def values(message: bytes, *path: int) -> Iterator[Value]:
    """The values of the field that the numbers lead to, from the outermost in, in order; a field may be there several times.

    Raises:
        WireError: the bytes are no message, have far too many fields, or a number on the way is not of a field that holds fields.
    """
    return _values(message, path, count())


def _values(message: bytes, path: Sequence[int], looked: Iterator[int]) -> Iterator[Value]:
    number, *rest = path
    for found, value in fields(message):
        if next(looked) >= _MOST:
            raise WireError("it has too many fields")
        if found != number:
            continue
        if not rest:
            yield value
        elif isinstance(value, bytes):
            yield from _values(value, rest, looked)
        else:
            raise WireError(f"field {number} holds no message")


def texts(message: bytes, *path: int) -> list[str]:
    """The same as texts.

    Raises:
        WireError: the same, or a value is no text.
    """
    found = [value.decode(errors="replace") if isinstance(value, bytes) else None for value in values(message, *path)]
    if None in found:
        raise WireError(f"field {path} is no text")
    return [text for text in found if text is not None]


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Every field as its number and its value: bytes where it has a length, else the bare number.

    Raises:
        WireError: the bytes are no message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError("a field has the number 0")
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif kind in {_FIXED64, _FIXED32}:
            raw, at = _taken(message, at, 8 if kind == _FIXED64 else 4)
            yield number, int.from_bytes(raw, "little")
        elif kind == _BYTES:
            length, at = _varint(message, at)
            raw, at = _taken(message, at, length)
            yield number, raw
        else:
            raise WireError(f"field {number} is of kind {kind}")


def field(number: int, value: bytes) -> bytes:
    """A field with a length, as bytes."""
    return _number(number << 3 | _BYTES) + _number(len(value)) + value


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[at : at + _LONGEST]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number has its top bit clear
            return value, at + index + 1
    raise WireError("a number has no end")


def _taken(message: bytes, at: int, length: int) -> tuple[bytes, int]:
    if at + length > len(message):
        raise WireError("a field is longer than its message")
    return message[at : at + length], at + length
