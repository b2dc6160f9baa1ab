"""The outermost layer of every web service: stamps the version, carries out request faults.

Plain ASGI, outside the framework, so that its own 404 and 500 answers are stamped too
and `GET /prices` pays for no second request object.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from trading.identity import VERSION_HEADER
from trading.launch import Launch

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HEALTH = frozenset({"/health", "/health/"})
STAMPED = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
# A service that answers in microseconds must still show a factor of five.
LATENCY_FLOOR_SECONDS = 0.002


class Edge:
    """An ASGI application around another one."""

    def __init__(self, app: App, launch: Launch) -> None:
        self._app = app
        self._faults = launch.faults
        self._stamp = (VERSION_HEADER.encode(), launch.identity.version.encode())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        send = self._stamping(send)
        if scope["type"] == "http" and scope["path"] not in HEALTH:
            if self._faults.errors and random.random() < self._faults.errors:  # noqa: S311  a share, not a secret
                await _fail(send)
                return
            if self._faults.latency > 1:
                send = _delaying(send, self._faults.latency)
        await self._app(scope, receive, send)

    def _stamping(self, send: Send) -> Send:
        async def stamped(message: Message) -> None:
            if message["type"] in STAMPED:
                message["headers"] = [*message.get("headers", ()), self._stamp]
            await send(message)

        return stamped


def _delaying(send: Send, factor: float) -> Send:
    began = time.perf_counter()

    async def delayed(message: Message) -> None:
        if message["type"] == "http.response.start":
            served = time.perf_counter() - began
            await asyncio.sleep((served + LATENCY_FLOOR_SECONDS) * (factor - 1))
        await send(message)

    return delayed


async def _fail(send: Send) -> None:
    body = json.dumps({"detail": "failed on order (FAULT_ERRORS)"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
