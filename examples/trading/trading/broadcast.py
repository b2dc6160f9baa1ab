"""One stream of messages to many followers, none of which can hold up the others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Optional

BACKLOG = 100


class Broadcast:
    """Hands every message to every follower in order.

    A follower that falls a whole backlog behind is cut, as exchanges do: a gap it can see
    is better than old prices it cannot tell from new ones.
    """

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Optional[str]]] = set()

    def publish(self, message: str) -> None:
        """Hand over one message; never waits."""
        for queue in tuple(self._queues):
            if queue.qsize() < BACKLOG:
                queue.put_nowait(message)
            else:
                self._queues.discard(queue)
                queue.put_nowait(None)

    async def follow(self) -> AsyncIterator[str]:
        """Every message from now on; ends when the follower was too slow."""
        queue: asyncio.Queue[Optional[str]] = asyncio.Queue()
        self._queues.add(queue)
        try:
            while True:
                message = await queue.get()
                if message is None:
                    return
                yield message
        finally:
            self._queues.discard(queue)
