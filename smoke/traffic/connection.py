"""Keep-alive connections to one target, and one request at a time on each.

No request is ever sent twice. A connection that the server closed while nothing was asked of it is found out by looking at the
socket before it is used again, and one that was idle for a second is not used again: servers close theirs after two seconds and
more, so the two sides hardly ever cross. Where they do, the request is lost, under a reason of its own: it may have been seen,
and a client that sent it again would hide what the proxy in front did.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from smoke.traffic.answers import Answer, NotHttp, Parser
from smoke.traffic.load import Target
from smoke.traffic.summary import Loss

IDLE = 1.0
"""Seconds without a request after which a connection is closed."""
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


@dataclass(slots=True, eq=False)
class Exchange:
    """One request on its way to become something."""

    due: float
    """Seconds of the loop's clock, as ``started``."""
    started: float
    settle: Callable[["Exchange", int | str, str | None], None]
    """Called once with what became of it: status or reason, and version."""
    cut: Callable[[], object] | None = None
    """Ends whatever it waits for."""
    overdue: Loss = Loss.NOT_CONNECTED
    """What it is when its time has run out."""
    over: bool = False

    def end(self, outcome: int | str, version: str | None = None) -> None:
        """This became of it; only the first time counts."""
        if not self.over:
            self.over = True
            self.settle(self, outcome, version)

    def abandon(self, reason: Loss) -> None:
        """Lose it, and end what it waits for."""
        self.end(reason)
        if self.cut is not None:
            self.cut()


class Connection(asyncio.Protocol):
    """One connection. Asked again only after the answer was whole."""

    def __init__(self, pool: "Pool", sock: socket.socket) -> None:
        self._pool = pool
        self._socket = sock
        self._transport: asyncio.Transport
        self._exchange: Exchange | None = None
        self._parser = Parser()
        self._kept = False
        """It has served a request before."""
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, exchange: Exchange) -> None:
        """Send a request."""
        self._exchange, self._parser = exchange, Parser()
        exchange.cut, exchange.overdue = self.close, Loss.LATE
        self._transport.write(self._pool.request)

    def usable(self) -> bool:
        """Nothing came while nothing was asked, not even the end."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """End it at once."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on in the answer."""
        if self._exchange is None:
            self.close()
            return
        try:
            answer = self._parser.feed(data)
        except NotHttp as error:
            self._end(f"{Loss.GARBAGE}: {error}")
            self.close()
            return
        if answer is not None:
            self._answered(answer)

    def eof_received(self) -> None:
        """The server says no more: for some answers that is their end."""
        if self._exchange is not None and (answer := self._parser.end()) is not None:
            self._answered(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and with it what was asked."""
        self._pool.forget(self)
        if self._parser.begun:
            self._end(Loss.HALF)
        elif exc is None:
            self._end(Loss.CLOSED_KEPT if self._kept else Loss.CLOSED)
        else:
            self._end(Loss.RESET_KEPT if self._kept else Loss.RESET)

    def _answered(self, answer: Answer) -> None:
        keep = answer.keep and not self._parser.rest
        self._end(answer.status, answer.version)
        self._kept = True
        if keep:
            self._pool.take_back(self)
        else:
            self.close()

    def _end(self, outcome: int | str, version: str | None = None) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.end(outcome, version)


class Pool:
    """The connections to one target: as many as are needed, no more than are used."""

    def __init__(self, target: Target) -> None:
        """Look the host up.

        Raises:
            OSError: it has no address.
        """
        self.request = target.request
        self._loop = asyncio.get_running_loop()
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise OSError(f"{target.host} has no address: {error.strerror}") from error
        self._addresses = [(family, address) for family, _, _, _, address in found]
        self._idle: dict[Connection, None] = {}
        """In the order in which they became idle."""
        self._opening: set[asyncio.Task[None]] = set()

    def ask(self, exchange: Exchange) -> None:
        """Send a request on the connection that was used last, or on a new one."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if exchange.started - connection.idle_since < IDLE and connection.usable():
                connection.ask(exchange)
                return
            connection.close()
        task = self._loop.create_task(self._open(exchange))
        exchange.cut = task.cancel
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def take_back(self, connection: Connection) -> None:
        """It may be asked again."""
        connection.idle_since = self._loop.time()
        self._idle[connection] = None

    def forget(self, connection: Connection) -> None:
        """It is gone."""
        self._idle.pop(connection, None)

    def tidy(self, now: float) -> None:
        """Close what has been idle for long."""
        for connection in [each for each in self._idle if now - each.idle_since >= IDLE]:
            self.forget(connection)
            connection.close()

    async def close(self) -> None:
        """Close all; nothing may wait for an answer any more."""
        self.tidy(float("inf"))
        await asyncio.gather(*self._opening, return_exceptions=True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _open(self, exchange: Exchange) -> None:
        try:
            connection = await self._connected()
        except OSError as error:
            exchange.end(_reason(error))
            return
        if exchange.over:
            connection.close()
        else:
            connection.ask(exchange)

    async def _connected(self) -> Connection:
        """A new connection to the first address that takes one.

        Raises:
            OSError: why the last one did not.
        """
        for index, (family, address) in enumerate(self._addresses):
            try:
                connection = await self._connected_to(family, address)
            except OSError:
                if index == len(self._addresses) - 1:
                    raise
            else:
                self._addresses.insert(0, self._addresses.pop(index))
                return connection
        raise OSError(errno.EADDRNOTAVAIL, "no address")

    async def _connected_to(self, family: int, address: Any) -> Connection:  # noqa: ANN401 - the shape depends on the family
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)  # noqa: FBT003 - the library's signature
            await self._loop.sock_connect(sock, address)
            _refuse_self(sock)
            _, connection = await self._loop.create_connection(lambda: Connection(self, sock), sock=sock)
        except BaseException:
            sock.close()
            raise
        return connection


def _refuse_self(sock: socket.socket) -> None:
    """Nobody listens, and the system happened to give our end the very port that was asked for: it would talk to itself.

    Raises:
        ConnectionRefusedError: so it is.
    """
    if sock.getsockname() == sock.getpeername():
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself")


def _reason(error: OSError) -> Loss:
    if isinstance(error, ConnectionRefusedError):
        return Loss.REFUSED
    return Loss.OURS if error.errno in _OURS else Loss.UNREACHABLE
