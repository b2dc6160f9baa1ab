"""A peer that has faults: a small proxy on loopback between a program and a real peer, which hurts connections by their number.

Nothing here is by chance: the first connection is hurt, or all of them, at a byte that is fixed, so that two runs see the same.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Self

_CHUNK = 65_536
_SLOW = 5.0
"""Seconds that a slow peer is silent before it goes on."""
_BITE = 16
"""Bytes of an answer that come before it is cut."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Hurt = Callable[["Faulty", Stream, int], Coroutine[Any, Any, None]]


class Faulty:
    """The proxy, in a thread of its own, for as long as the context lasts."""

    def __init__(self, fault: str, host: str, port: int) -> None:
        self._hurt = FAULTS[fault]
        self._peer = host, port
        self._began = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name="faulty peer", daemon=True)
        self._end: Callable[[], object]
        self.address = ""
        """Where the program has to connect to, ``host:port``."""
        self.connections = 0
        """How many it made."""
        self.hurt = 0
        """How many of them met the fault."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._began.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._thread.join()

    async def _serve(self) -> None:
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._end = lambda: loop.call_soon_threadsafe(ended.set)
        self._began.set()
        await ended.wait()
        server.close()  # what is open ends with the loop

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.CancelledError):  # what was hurt may have gone, and so may we
            await self._hurt(self, (reader, writer), self.connections)
        writer.close()

    async def through(self, stream: Stream, most: int | None = None, silence: float = 0.0) -> None:
        """Pass on what both say; of the answer so many bytes at most, after so many seconds of silence."""
        reader, writer = stream
        theirs, ours = await asyncio.open_connection(*self._peer)
        try:
            asks = asyncio.ensure_future(_passed(reader, ours))
            await asyncio.sleep(silence)
            await _passed(theirs, writer, most)
            asks.cancel()
            with suppress(asyncio.CancelledError):
                await asks
        finally:
            ours.close()


async def _passed(source: asyncio.StreamReader, sink: asyncio.StreamWriter, most: int | None = None) -> None:
    left = most
    while left is None or left > 0:
        part = await source.read(_CHUNK if left is None else min(_CHUNK, left))
        if not part:
            break
        left = None if left is None else left - len(part)
        sink.write(part)
        await sink.drain()
    if most is None and sink.can_write_eof():
        with suppress(OSError):
            sink.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Have the kernel send a reset in the place of an end."""
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _reset_once(proxy: Faulty, stream: Stream, number: int) -> None:
    if number > 1:
        return await proxy.through(stream)
    proxy.hurt += 1
    await stream[0].read(_CHUNK)
    return _reset(stream[1])


async def _half_once(proxy: Faulty, stream: Stream, number: int) -> None:
    if number > 1:
        return await proxy.through(stream)
    proxy.hurt += 1
    return await proxy.through(stream, most=_BITE)


async def _refused_once(proxy: Faulty, stream: Stream, number: int) -> None:
    if number > 1:
        return await proxy.through(stream)
    proxy.hurt += 1
    return _reset(stream[1])


async def _slow(proxy: Faulty, stream: Stream, number: int) -> None:
    del number
    proxy.hurt += 1
    await proxy.through(stream, silence=_SLOW)


async def _dead(proxy: Faulty, stream: Stream, number: int) -> None:
    del number
    proxy.hurt += 1
    while await stream[0].read(_CHUNK):
        pass  # it hears everything, and never answers
    await asyncio.Event().wait()


FAULTS: Mapping[str, Hurt] = {
    "reset": _reset_once,
    "half": _half_once,
    "refused": _refused_once,
    "slow": _slow,
    "dead": _dead,
}
"""``reset``: the first connection is reset once it has asked; ``half``: its answer is cut after 16 bytes; ``refused``: it is
reset before that; ``slow``: every answer comes 5 s late; ``dead``: none comes at all."""
