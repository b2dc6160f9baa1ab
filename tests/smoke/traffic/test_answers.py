"""What the parser makes of the bytes of an answer."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.traffic.answers import HEAD_LIMIT, Answer, NotHttp, Parser
from tests.smoke.traffic.server import ANSWERS, PLAIN

WHOLE = [PLAIN, *(ANSWERS[path] for path in (b"/500", b"/chunked", b"/empty", b"/once"))]
REFUSED = {
    b"HTTP/2 200 OK\r\n\r\n": "does not begin as one",
    b"hello": "does not begin as one",
    b"HTTP/1.1 20 OK\r\n\r\n": "status line is none",
    b"HTTP/1.1 600 OK\r\n\r\n": "status line is none",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n": "switches protocols",
    b"HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n": "ends bare",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n": "header line is none",
    b"HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n": "header line is none",
    b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n": "length is no number",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n": "said twice",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n": "said twice",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n": "coding is not known",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x5\r\n": "has no size",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n": "longer than its size",
    b"HTTP/1.1 200 OK\r\na: " + HEAD_LIMIT * b"b": "too long",
}
PIECES = [
    b"HTTP/1.1 ",
    b"200 OK",
    b"204 ",
    b"100 Continue\r\n\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"content-length: ",
    b"transfer-encoding: chunked",
    b"connection: close",
    b"x-crossfade-version: \xff",
    b"0",
    b"5",
    b"hello",
]
STREAMS = some.one_of(
    some.lists(some.sampled_from(PIECES) | some.binary(max_size=5), max_size=20).map(b"".join),
    some.lists(some.sampled_from([*WHOLE, *REFUSED, *ANSWERS.values()]), max_size=4).map(b"".join),
)


def read(pieces: list[bytes]) -> tuple[list[Answer], str]:
    """All answers in a stream, and what its end was."""
    found, parser = [], Parser()
    try:
        for piece in pieces:
            answer = parser.feed(piece)
            while answer is not None:
                found.append(answer)
                parser, rest = Parser(), parser.rest
                answer = parser.feed(rest)
    except NotHttp as error:
        return found, str(error)
    last = parser.end()
    return [*found, *filter(None, [last])], "cut" if parser.begun and last is None else "whole"


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[one:other] for one, other in itertools.pairwise(edges)]


@given(stream=STREAMS, cuts=some.lists(some.integers(0, 10**6), max_size=12))
def test_pieces_do_not_matter(stream: bytes, cuts: list[int]) -> None:
    """A stream has the same answers and the same end in whichever pieces it comes, and nothing but the own error is raised."""
    assert read(split(stream, cuts)) == read([stream])


@pytest.mark.parametrize("stream", [each for each in (*WHOLE, *REFUSED) if len(each) < HEAD_LIMIT], ids=repr)
def test_single_bytes_do_not_matter(stream: bytes) -> None:
    """Bytes that come one by one are read as those that come at once."""
    assert read([bytes([byte]) for byte in stream]) == read([stream])


@given(some.binary())
def test_garbage_raises_only_the_own_error(stream: bytes) -> None:
    """Bytes from anywhere are an answer in the making, or raise the one error."""
    parser = Parser()
    try:
        parser.feed(stream)
    except NotHttp:
        return
    assert parser.rest == stream[: len(b"HTTP/1.")] or stream.startswith(b"HTTP/1.")


@pytest.mark.parametrize(("stream", "because"), REFUSED.items(), ids=lambda each: repr(each[:60]))
def test_refuses_what_is_no_answer(stream: bytes, because: str) -> None:
    """What is no answer is refused, in words that say what is wrong."""
    with pytest.raises(NotHttp, match=because):
        Parser().feed(stream)


def test_answers_one_after_the_other() -> None:
    """Answers on one connection are told apart, whatever says where each ends."""
    found, end = read([b"".join(WHOLE)])
    assert end == "whole"
    assert [(each.status, each.keep) for each in found] == [(200, True), (500, True), (200, True), (204, True), (200, False)]
    assert {each.version for each in found} == {"v1"}


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK", True),
        (b"HTTP/1.1 200", True),
        (b"HTTP/1.1 200 OK\r\nCONNECTION: TE, Close", False),
        (b"HTTP/1.0 200 OK", False),
        (b"HTTP/1.0 200 OK\r\nconnection: Keep-Alive", True),
    ],
)
def test_what_is_said_of_the_connection(head: bytes, *, keep: bool) -> None:
    """A connection may be used again as its protocol has it, unless the answer says otherwise in whatever case."""
    assert Parser().feed(head + b"\r\ncontent-length: 0\r\n\r\n") == Answer(200, None, keep)


def test_early_words_are_passed_over() -> None:
    """An answer that only announces another one is not it."""
    assert read([b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + PLAIN]) == ([Answer(200, "v1", keep=True)], "whole")


def test_the_end_makes_some_answers_whole() -> None:
    """An answer without a length ends with its connection; one with a length that ends before is cut."""
    assert read([ANSWERS[b"/until"]]) == ([Answer(200, "v1", keep=False)], "whole")
    assert read([ANSWERS[b"/half"]]) == ([], "cut")
