"""Sending a broadcast over one websocket until either side ends it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from trading.broadcast import Broadcast

TRY_AGAIN_LATER = 1013


async def stream(socket: WebSocket, broadcast: Broadcast, *, silent: bool = False) -> None:
    """Accept and send; `silent` keeps the socket open without a message."""
    await socket.accept()
    reading = _drain(socket)
    if silent:
        await reading
        return
    await _first(reading, _send(socket, broadcast))


async def _drain(socket: WebSocket) -> None:
    # Who never reads never learns that the other side is gone.
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send(socket: WebSocket, broadcast: Broadcast) -> None:
    try:
        async for message in broadcast.follow():
            await socket.send_text(message)
        await socket.close(TRY_AGAIN_LATER)
    except (WebSocketDisconnect, RuntimeError):
        return  # gone between two messages: nobody is left to tell


async def _first(*acts: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.create_task(act) for act in acts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
