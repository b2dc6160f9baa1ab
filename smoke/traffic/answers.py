"""Reads one HTTP/1.1 answer from a stream of bytes, in pieces of any size. Keeps no body.

Stricter than browsers are: two answers to where a body ends, bare line ends and folded headers are no HTTP here. A proxy in front
that sends such has a fault, and a generator that guessed would hide it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from infra.contract import VERSION_HEADER

_VERSION = VERSION_HEADER.encode("ascii")
HEAD_LIMIT = 65536
"""Bytes of a head, and of the trailers of a chunked body."""
LINE_LIMIT = 4096
"""Bytes of the line before a chunk."""

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\0]*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_LENGTH = re.compile(rb"[0-9]{1,18}")
_START = b"HTTP/1."
_NO_BODY = frozenset({204, 304})
_FINAL, _SWITCHING = 200, 101
_HEARD = frozenset({b"content-length", b"transfer-encoding", b"connection", _VERSION})


class NotHttp(ValueError):
    """These bytes are no answer; the text is one of a fixed few, and repeats nothing foreign."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    status: int
    version: str | None
    """What the version header says, or None where there is none."""
    keep: bool
    """The server lets the connection be used again."""


class Parser:
    """Reads one answer to a request that is not HEAD."""

    __slots__ = ("_answer", "_buffer", "_left", "_step", "_whole", "begun")

    def __init__(self) -> None:
        self.begun = False
        """Any byte has come."""
        self._buffer = bytearray()  # of which a beginning is dropped without a copy of the rest: chunks may be many, and small
        self._left = 0
        """Bytes of the body or chunk still to come; in trailers, bytes that they may still have."""
        self._answer: Answer | None = None
        self._whole = False
        self._step: Callable[[], bool] = self._head

    def feed(self, data: bytes) -> Answer | None:
        """Take some bytes; returns the answer once it is whole.

        Raises:
            NotHttp: they are none.
        """
        self.begun = self.begun or bool(data)
        self._buffer += data
        while not self._whole and self._step():
            pass
        return self._answer if self._whole else None

    def end(self) -> Answer | None:
        """The stream has ended; returns the answer if that is what makes it whole."""
        if self._step == self._until_end:
            self._whole = True
        return self._answer if self._whole else None

    @property
    def rest(self) -> bytes:
        """What came after the whole answer."""
        return bytes(self._buffer)

    # Steps. Each looks at the buffer alone, so that it does not matter in which pieces that came; False: more is needed.

    def _head(self) -> bool:
        if not self._buffer.startswith(_START[: len(self._buffer)]):
            raise NotHttp("it does not begin as one")
        head = self._taken(b"\r\n\r\n", HEAD_LIMIT)
        if head is None:
            return False
        lines = head.split(b"\r\n")
        status = _STATUS.fullmatch(lines[0])
        if status is None or not head.count(b"\n") == head.count(b"\r") == len(lines) - 1:
            raise NotHttp("the status line is none" if status is None else "a line ends bare")
        code, heard = int(status[2]), _heard(lines[1:])
        if code == _SWITCHING:
            raise NotHttp("it switches protocols")
        if code >= _FINAL:
            self._body(code, heard, persistent=status[1] == b"1")
        return True

    def _body(self, code: int, heard: dict[bytes, list[bytes]], *, persistent: bool) -> None:
        words = b",".join(heard.get(b"connection", [])).lower().split(b",")
        connection = {each.strip() for each in words}
        keep = b"close" not in connection and (persistent or b"keep-alive" in connection)
        version = heard[_VERSION][0].decode("latin-1") if _VERSION in heard else None
        codings = b",".join(heard.get(b"transfer-encoding", [])).lower()
        lengths = set(heard.get(b"content-length", []))
        if (codings and lengths) or len(lengths) > 1:
            raise NotHttp("its length is said twice")
        if code in _NO_BODY:
            self._whole = True
        elif codings:
            if codings.rpartition(b",")[2].strip() != b"chunked":
                raise NotHttp("its transfer coding is not known")
            self._step = self._chunk_line
        elif lengths:
            self._left = _length(lengths.pop())
            self._whole = self._left == 0
            self._step = self._sized
        else:
            keep = False
            self._step = self._until_end
        self._answer = Answer(code, version, keep)

    def _sized(self) -> bool:
        self._whole = self._skipped()
        return False

    def _until_end(self) -> bool:
        self._buffer.clear()
        return False

    def _chunk_line(self) -> bool:
        line = self._taken(b"\r\n", LINE_LIMIT)
        if line is None:
            return False
        size = _SIZE.fullmatch(line)
        if size is None:
            raise NotHttp("a chunk has no size")
        self._left = int(size[1], 16)
        self._step = self._chunk
        if self._left == 0:
            self._left, self._step = HEAD_LIMIT, self._trailer
        return True

    def _chunk(self) -> bool:
        if not self._skipped() or len(self._buffer) < len(b"\r\n"):
            return False
        if not self._buffer.startswith(b"\r\n"):
            raise NotHttp("a chunk is longer than its size")
        del self._buffer[:2]
        self._step = self._chunk_line
        return True

    def _trailer(self) -> bool:
        line = self._taken(b"\r\n", self._left)
        if line is None:
            return False
        self._left -= len(line)
        self._whole = not line
        return True

    # The buffer

    def _taken(self, mark: bytes, limit: int) -> bytes | None:
        """What stands before the next ``mark``, taken with it from the buffer; None where it has not come yet."""
        at = self._buffer.find(mark)
        least = at if at >= 0 else len(self._buffer) - len(mark) + 1
        if least > limit:
            raise NotHttp("its head or a chunk's line is too long")
        if at < 0:
            return None
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return found

    def _skipped(self) -> bool:
        """Drop what has come of the bytes still to come; True once all have."""
        dropped = min(self._left, len(self._buffer))
        self._left -= dropped
        del self._buffer[:dropped]
        return self._left == 0


def _heard(lines: list[bytes]) -> dict[bytes, list[bytes]]:
    """Values of the headers that matter here, by name in small letters."""
    heard: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            raise NotHttp("a header line is none")
        name = name.lower()
        if name in _HEARD:
            heard.setdefault(name, []).append(value.strip(b" \t"))
    return heard


def _length(text: bytes) -> int:
    if not _LENGTH.fullmatch(text):
        raise NotHttp("its length is no number")
    return int(text)
