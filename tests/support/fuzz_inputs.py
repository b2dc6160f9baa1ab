"""Broken inputs from whole ones, by chance with a seed: bytes cut and spliced, words swapped, JSON turned inside out."""

import json
import random
from collections.abc import Callable, Iterator, Sequence

from infra.contract import Json

DEEP = 3000
"""Levels of a document that no recursion survives."""
TOKENS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1",
    "-0.0",
    "0.5",
    "1e308",
    "5e-324",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551616",
    "1" + 400 * "0",
    4300 * "9",
    5000 * "1",
    "true",
    "null",
    "[]",
    "{}",
    '""',
    '"1"',
    r'"\u0000"',
    r'"\ud800"',
    r'"\u001b[2J\u202e"',
    '"' + 5000 * "x" + '"',
    '{"a": 1, "a": 2}',
    DEEP * "[" + DEEP * "]",
    DEEP * '{"a":' + "1" + DEEP * "}",
    DEEP * "[",
)
"""JSON that stands for a value which nobody expects there."""
BYTES = (
    b"\0",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\x1b[2J",
    b"\xe2\x80\xae",
    b"\x00\xd8",
    b"0x5",
    b"+5",
    b"-5",
    b"1_0",
    b"\xd9\xa1",
    b"99999999999999999999",
    5000 * b"9",
    300 * b"A",
)
"""What byte strings are broken with."""
_NUMBER = "0123456789"
_MARK = '"\\u0001"'

Mutate = Callable[[random.Random, Sequence[bytes], Sequence[bytes]], bytes]


def inputs(seeds: Sequence[bytes], words: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """The seeds themselves, and then broken ones for ever; ``words`` are those of the format."""
    yield from seeds
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    words = (*words, *BYTES)
    documents = tuple(each for each in seeds if _is_json(each))
    while True:
        turned = documents and chance.random() < 0.7
        data = json_mutated(chance, documents) if turned else chance.choice(seeds)
        if not documents or chance.random() < 0.3:
            for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
                data = chance.choice(_MUTATIONS)(chance, (data, *seeds), words)
        yield data


def _flipped(chance: random.Random, seeds: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    data = bytearray(seeds[0] or b"\0")
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _set(chance: random.Random, seeds: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    data = bytearray(seeds[0] or b"\0")
    data[chance.randrange(len(data))] = chance.choice((0, 1, 0x0A, 0x0D, 0x7F, 0x80, 0xFF))
    return bytes(data)


def _cut(chance: random.Random, seeds: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    at, to = _range(chance, seeds[0])
    return seeds[0][:at] + seeds[0][to:] if chance.random() < 0.5 else seeds[0][:at]


def _spliced(chance: random.Random, seeds: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    return seeds[0][: chance.randint(0, len(seeds[0]))] + other[chance.randint(0, len(other)) :]


def _repeated(chance: random.Random, seeds: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    at, to = _range(chance, seeds[0])
    return seeds[0][:to] + seeds[0][at:to] * chance.choice((1, 2, 50)) + seeds[0][to:]


def _inserted(chance: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    at, to = _range(chance, seeds[0])
    return seeds[0][:at] + chance.choice(words) + seeds[0][at if chance.random() < 0.5 else to :]


def _swapped(chance: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One word of the format for another, wherever the first of its kind stands."""
    there = [word for word in words if word and word in seeds[0]]
    return seeds[0].replace(chance.choice(there), chance.choice(words), 1) if there else seeds[0]


def _counted(chance: random.Random, seeds: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    """A number of the text for another one."""
    text = seeds[0].decode("latin-1")
    starts = [at for at, each in enumerate(text) if each in _NUMBER and (not at or text[at - 1] not in _NUMBER)]
    if not starts:
        return seeds[0]
    at = to = chance.choice(starts)
    while to < len(text) and text[to] in _NUMBER:
        to += 1
    return (text[:at] + chance.choice(TOKENS[:17]) + text[to:]).encode("latin-1")


_MUTATIONS: tuple[Mutate, ...] = (_flipped, _set, _cut, _spliced, _repeated, _inserted, _inserted, _swapped, _counted)


def _range(chance: random.Random, data: bytes) -> tuple[int, int]:
    at = chance.randint(0, len(data))
    return at, min(len(data), at + chance.choice((1, 2, 4, 16, 64)))


# JSON


def json_mutated(chance: random.Random, documents: Sequence[bytes]) -> bytes:
    """A document with some of its values replaced, removed, moved, or there twice."""
    lines = [json.loads(line) for line in chance.choice(documents).splitlines()]
    tokens: list[str] = []
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        lines = _changed(chance, lines, tokens) or lines
    text = "\n".join(json.dumps(line) for line in lines)
    for token in tokens:
        text = text.replace(_MARK, token, 1)
    return text.encode()


def _changed(chance: random.Random, document: Json, tokens: list[str]) -> Json:
    """The document with one thing changed; in the place of a token there is the mark, for ``json`` to write."""
    if isinstance(document, dict) and document and chance.random() < 0.85:
        key = chance.choice(list(document))
        if chance.random() < 0.8:
            return {**document, key: _changed(chance, document[key], tokens)}
        rest = {each: value for each, value in document.items() if each != key}
        return chance.choice(
            (rest, {**rest, key + "x": document[key]}, {**document, key: chance.choice(list(document.values()))})
        )
    if isinstance(document, list) and document and chance.random() < 0.85:
        at = chance.randrange(len(document))
        if chance.random() < 0.8:
            return [*document[:at], _changed(chance, document[at], tokens), *document[at + 1 :]]
        return chance.choice((document[:at] + document[at + 1 :], document[: at + 1] + document[at:], document[::-1]))
    tokens.append(chance.choice(TOKENS))
    return "\x01"


def _is_json(data: bytes) -> bool:
    try:
        return all(isinstance(json.loads(line), dict | list) for line in data.splitlines()) and bool(data.strip())
    except ValueError:
        return False
