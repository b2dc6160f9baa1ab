"""Targets: what the generator of load reads of answers."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from fuzz_meters import CHUNKED, HEAD, HTTP_WORDS, Teller
from fuzz_run import Check, Target, outcome, plain

from smoke.traffic.answers import Answer, NotHttp, Parser
from smoke.traffic.connection import Exchange, Pool
from smoke.traffic.load import Target as Front
from smoke.traffic.summary import Loss

ANSWERS = (
    HEAD + b"x-crossfade-version: v1\r\ncontent-length: 5\r\n\r\nhello",
    CHUNKED,
    HEAD + b"transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-trailer: a\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nx-crossfade-version: v1\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + HEAD + b"connection: close\r\n\r\nto the end",
)


def answer(data: bytes) -> str:
    """An answer in one piece and byte by byte: both must come to the same."""
    return outcome(lambda: _same(data), NotHttp)


def _same(data: bytes) -> None:
    found: list[Answer | str | None] = []
    for step in (len(data) or 1, 7, 1):
        parser = Parser()
        try:
            whole = None
            for at in range(0, min(len(data), 20_000), step):
                whole = parser.feed(data[at : at + step]) or whole
                if whole is not None:
                    break
            found.append(whole or parser.end())
        except NotHttp as error:
            found.append(str(error))
    if len(data) <= 20_000:
        assert found[0] == found[1] == found[2], f"{found} in one piece, of seven bytes, and byte by byte"
    if isinstance(found[0], str):
        raise NotHttp(found[0])


@contextmanager
def connection() -> Iterator[Check]:
    """A request on a connection of its own, and what became of it."""
    with closing(Teller(socket.AF_INET, ("127.0.0.1", 0))) as teller:

        def check(data: bytes) -> str:
            teller.data = data
            found = asyncio.run(asyncio.wait_for(_became(f"http://127.0.0.1:{teller.address[1]}/"), 5.0))
            assert isinstance(found, int) or found.partition(":")[0] in {*Loss}, f"{found!r} is no reason"
            return str(found).partition(":")[0]

        yield check


async def _became(url: str) -> int | str:
    pool, done = Pool(Front(url, 1.0)), asyncio.get_running_loop().create_future()
    pool.ask(Exchange(0.0, 0.0, lambda _, became, __: done.set_result(became)))
    try:
        became: int | str = await done
        return became
    finally:
        await pool.close()


def targets() -> tuple[Target, ...]:
    """All of them."""
    return (
        Target("traffic answer", plain(answer), ANSWERS, HTTP_WORDS, cost=4),
        Target("traffic connection", connection, ANSWERS, HTTP_WORDS, cost=200),
    )
