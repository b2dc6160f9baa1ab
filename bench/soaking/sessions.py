"""Browsers of the dashboard: each keeps the cookie that it was given, comes back with it a few times, and goes away."""

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

VISITS = 5
"""Requests of one session."""
EVERY = 0.8
"""Seconds between two of them."""
LIFETIME = (VISITS - 1) * EVERY
"""Seconds from the first to the last request of a session: less than a plan's last step lasts."""
LIMIT = 10.0
"""Seconds that a request has for its whole answer."""
PATH = "/_stcore/health"
OK = 200
# Streamlit itself shows no version; the one of each slot's runtime is served by another server.
_SERVERS = {"TornadoServer": "blue", "uvicorn": "green"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a session."""

    session: int
    began: float
    """Seconds since 1970, as ``ended``."""
    ended: float
    outcome: int | str
    """Status of the answer, or why there is none."""
    slot: str | None
    """Whose answer it was; None where that was no slot's."""


class Sessions:
    """Opens sessions at a fixed rate, in a thread of its own, as long as the context lasts."""

    def __init__(self, port: int, rate: float) -> None:
        self.visits: list[Visit] = []
        self._port = port
        self._pause = VISITS / rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join(LIFETIME + 2 * LIMIT)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        start, tasks = loop.time(), set[asyncio.Task[None]]()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, start + number * self._pause - loop.time()))
            if self._stopping.is_set():
                break
            task = asyncio.create_task(self._session(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _session(self, number: int) -> None:
        loop, cookie = asyncio.get_running_loop(), ""
        start = loop.time()
        for turn in range(VISITS):
            await asyncio.sleep(max(0.0, start + turn * EVERY - loop.time()))
            began = time.time()
            outcome, slot, given = await _asked(_exchange(self._port, cookie))
            self.visits.append(Visit(number, began, time.time(), outcome, slot))
            cookie = given or cookie


async def _asked(exchange: Coroutine[Any, Any, bytes]) -> tuple[int | str, str | None, str]:
    """Status or reason, slot and cookie of one answer."""
    try:
        answer = await asyncio.wait_for(exchange, LIMIT)
    except TimeoutError:
        return "no whole answer in time", None, ""
    except OSError as error:
        return f"{type(error).__name__}", None, ""
    head, found, _ = answer.decode("latin-1").partition("\r\n\r\n")
    status = re.match(r"HTTP/1\.1 (\d{3}) ", head)
    if not (found and status):
        return "closed without an answer", None, ""
    server = _header(head, "server").partition("/")[0]
    return int(status[1]), _SERVERS.get(server), _header(head, "set-cookie").partition(";")[0]


async def _exchange(port: int, cookie: str) -> bytes:
    """A request on a connection of its own: what keeps a session on its slot is the cookie alone."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        kept = f"cookie: {cookie}\r\n" if cookie else ""
        writer.write(f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{kept}connection: close\r\n\r\n".encode())
        return await reader.read(-1)
    finally:
        writer.close()


def _header(head: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
