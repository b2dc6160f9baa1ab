"""Targets: what the processes of a slot answer to probes."""

import hashlib
import re
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager

from fuzz_files import looked
from fuzz_meters import CHUNKED, HEAD, HTTP_WORDS, Teller
from fuzz_run import Check, Target, outcome, plain

from infra.contract import Backend
from smoke.probes import probe
from smoke.probes.sight import Concluded
from smoke.probes.streamlit import Run
from smoke.probes.wire import WireError, field, fields, texts, values
from tests.smoke.probes.peers import FINISHED, caption, delta, ended, placed
from tests.smoke.probes.peers import HEAD as SHOWN

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)
UPGRADE = SHOWN.replace(b"200 OK", b"101 Switching Protocols") + b"connection: Upgrade\r\nupgrade: websocket\r\n"


_ACCEPT = b"{accept}"
OPENED = UPGRADE + b"sec-websocket-accept: " + _ACCEPT + b"\r\n\r\n"


def frame(opcode: int, payload: bytes, *, last: bool = True, mask: bool = False) -> bytes:
    """A frame of a websocket, as a server sends it."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    head = bytes([(0x80 if last else 0) | opcode]) + bytes([length[0] | (0x80 if mask else 0)]) + length[1:]
    return head + (b"\0\0\0\0" if mask else b"") + payload


FRAMES = (
    frame(1, b"100.5"),
    frame(2, bytes(300)),
    frame(1, b"a", last=False) + frame(9, b"ping") + frame(0, b"b"),
    frame(8, b"\x03\xe8bye"),
)
FRAME_WORDS = (
    *FRAMES,
    frame(1, b"\xff\xfe"),
    frame(1, b"masked", mask=True),
    frame(0, b"no beginning"),
    frame(3, b"reserved"),
    frame(9, 200 * b"p"),
    frame(8, b"\x00"),
    frame(8, b"\x03\xef\xff\xff"),
    b"\xc1\x01a",
    b"\x81\x7f" + 8 * b"\xff",
    b"\x81\x7f\0\0\0\0\x7f\xff\xff\xff",
    b"\x82\x7f\0\0\0\1\0\0\0\0",
    b"\x81\x7e\0\1a",
    1000 * frame(0, b"", last=False),
    200 * frame(9, b""),
)
MESSAGES = (
    FINISHED,
    caption("version py312-0123456789ab"),
    delta(field(8, field(1, b"ValueError") + field(2, b"no feed"))),
    field(10, field(3, field(1, b"SyntaxError") + field(2, b"line 1"))),
    b"\x30\x01",
    field(15, b""),
    delta(field(47, field(3, b"Version: py39-0123456789ab"))) + FINISHED,
)
MESSAGE_WORDS = (
    *MESSAGES,
    b"\x80" * 10,
    b"\xff" * 9 + b"\x01",
    b"\x2a\xff\xff\xff\xff\x0f",
    b"\x0d\0\0\0\0",
    b"\x09" + bytes(8),
    b"\x2b\x2c",
)


@contextmanager
def _asked(backend: Backend, answer: Callable[[bytes, bytes], Sequence[bytes]] = lambda _, data: (data,)) -> Iterator[Check]:
    """A probe that looks at whoever sends these bytes."""
    with closing(Teller(socket.AF_INET, ("127.0.0.1", 0))) as teller:
        teller.answer = answer
        asked, placement = probe(backend), placed(address=f"127.0.0.1:{teller.address[1]}")

        def check(data: bytes) -> str:
            teller.data = data
            return looked(ended(asked, placement))

        yield check


def http() -> AbstractContextManager[Check]:
    """An HTTP answer."""
    return _asked(Backend("http", {"path": "/", "timeout": 5.0, "contains": "ok"}))


def handshake() -> AbstractContextManager[Check]:
    """The answer to a handshake."""
    return _asked(
        Backend("websocket", {"path": "/", "timeout": 5.0, "expect": "open"}), lambda asked, data: (_accepted(asked, data),)
    )


def _accepted(asked: bytes, data: bytes) -> bytes:
    """The data, with the word in it by which a server shows that it has read the request."""
    key = _KEY.search(asked)
    accept = b64encode(hashlib.sha1((key[1] if key else b"") + _GUID, usedforsecurity=False).digest())
    return data.replace(_ACCEPT, accept)


def frames() -> AbstractContextManager[Check]:
    """What comes once a websocket is open."""
    return _asked(
        Backend("websocket", {"path": "/", "timeout": 5.0, "expect": "message"}),
        lambda asked, data: (_accepted(asked, OPENED) + data,),
    )


@contextmanager
def session() -> Iterator[Check]:
    """A Streamlit that is well, and whose session is sent one message."""

    def answer(asked: bytes, data: bytes) -> Sequence[bytes]:
        if b"/_stcore/health" in asked:
            return (SHOWN + b"content-length: 2\r\n\r\nok",)
        head = OPENED.replace(b"\r\n\r\n", b"\r\nsec-websocket-protocol: streamlit\r\n\r\n")
        return _accepted(asked, head), frame(2, MESSAGES[1]) + frame(2, data[:60000])

    with _asked(Backend("streamlit", {"path": "/", "timeout": 5.0, "script": 2.0}), answer) as check:
        yield check


def message(data: bytes) -> str:
    """A message of Streamlit's, by itself and after others."""

    def act() -> None:
        run = Run().after(data)
        run.after(MESSAGES[1]).after(data)

    return outcome(act, Concluded)


def wire(data: bytes) -> str:
    """The bytes of a message."""

    def act() -> None:
        list(fields(data))
        texts(data, 5, 3, 29, 1)
        list(values(data, 10, 3))

    return outcome(act, WireError)


def targets() -> tuple[Target, ...]:
    """All of them."""
    whole = SHOWN + b"content-length: 16\r\n\r\nok"
    beating = b'{"status": "ok", "pid": 1, "started": 1700000000.5, "rss_mb": 87.5}'
    answers = (
        whole,
        SHOWN + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(beating), beating),
        CHUNKED.replace(HEAD, SHOWN),
        SHOWN + b"\r\nok to the end",
    )
    denied = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"
    return (
        Target("http answer", http, answers, HTTP_WORDS, cost=200),
        Target("websocket handshake", handshake, (OPENED, denied), (*HTTP_WORDS, UPGRADE, _ACCEPT), cost=200),
        Target("websocket frames", frames, FRAMES, FRAME_WORDS, cost=200),
        Target("Streamlit session", session, MESSAGES, MESSAGE_WORDS, cost=400),
        Target("Streamlit message", plain(message), MESSAGES, MESSAGE_WORDS),
        Target("protobuf wire", plain(wire), MESSAGES, MESSAGE_WORDS),
    )
