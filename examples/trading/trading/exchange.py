"""The exchange: a simulator with a feed of ticks and a log of the agents' orders.

Start it with `python -m trading.exchange`. It stands for the outside world: it is not moved
from runtime to runtime, and it is the judge of whether two agents ever ordered at once.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, Optional

from fastapi import FastAPI, Query, WebSocket
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from trading import health, launch
from trading.broadcast import Broadcast
from trading.edge import App, Edge
from trading.market import TICK_SECONDS, Market
from trading.orderlog import OrderLog, StaleTokenError
from trading.server import serve
from trading.streaming import stream


class Order(BaseModel):
    """What an agent orders. `token` is None for an agent without a fence."""

    slot: str
    version: str
    token: Optional[int] = None
    seq: int = Field(ge=1)
    symbol: str
    side: Literal["buy", "sell"]
    quantity: float = Field(gt=0, allow_inf_nan=False)
    price: float = Field(gt=0, allow_inf_nan=False)


class Exchange:
    """The state of the exchange."""

    def __init__(self, begun: launch.Launch) -> None:
        self.launch = begun
        self.log = OrderLog(begun.identity.data)
        self.ticks = Broadcast()
        self._market = Market()

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Tick while the service runs."""
        task = asyncio.create_task(self._tick())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _tick(self) -> None:
        seq = 0
        while True:
            seq += 1
            words = {"seq": seq, "version": self.launch.identity.version, "at": time.time(), "prices": self._market.step()}
            self.ticks.publish(json.dumps(words))
            await asyncio.sleep(TICK_SECONDS)


def application(begun: launch.Launch) -> App:
    """The exchange as an ASGI application."""
    exchange = Exchange(begun)
    app = FastAPI(title="exchange simulator", lifespan=exchange.lifespan, redirect_slashes=False)
    _route(app, exchange)
    return Edge(app, begun)


def _route(app: FastAPI, exchange: Exchange) -> None:
    @app.get("/health")
    @app.get("/health/")
    async def _health() -> JSONResponse:
        return JSONResponse(health.report(exchange.launch), health.status(exchange.launch))

    @app.post("/orders", status_code=201)
    async def _receive(order: Order) -> JSONResponse:
        try:
            return JSONResponse(exchange.log.receive(order.model_dump()), 201)
        except StaleTokenError as error:
            return JSONResponse({"detail": str(error), "highest": exchange.log.highest}, 409)

    @app.get("/orders")
    async def _orders(since: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
        return {"highest": exchange.log.highest, "orders": exchange.log.since(since)}

    @app.websocket("/feed")
    async def _feed(socket: WebSocket) -> None:
        await stream(socket, exchange.ticks, silent=exchange.launch.faults.silent_feed)


def main() -> None:
    """Serve the exchange."""
    begun = launch.begin("exchange", port=9000)
    serve(application(begun), begun.identity)


if __name__ == "__main__":
    main()
