"""The api: prices from memory, orders in the ledger, a stream of prices.

Start it with `python -m trading.api`. Request handling belongs here; the version stamp and
the request faults belong to `edge`, the feed to `feed`, the table to `ledger`.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Response, WebSocket
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from trading import feed, health, launch
from trading.edge import App, Edge
from trading.ledger import Entry, Ledger
from trading.market import TICK_SECONDS, Market
from trading.pricing import Pricing
from trading.server import serve
from trading.streaming import stream


class Order(BaseModel):
    """What a client orders."""

    symbol: str
    side: Literal["buy", "sell"]
    quantity: float = Field(gt=0, allow_inf_nan=False)


class Service:
    """The state of one api process."""

    def __init__(self, begun: launch.Launch) -> None:
        self.launch = begun
        self.ledger = Ledger(begun.identity.data)
        self.pricing = Pricing(begun.identity.version)
        self._market = Market()
        self.pricing.update(self._market.prices)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Keep the prices fresh while the service runs."""
        tasks = [asyncio.create_task(self._walk())]
        url = self.launch.identity.exchange
        if url:
            tasks.append(asyncio.create_task(feed.follow(url, on_tick=self._on_tick, on_connected=self._on_connected)))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_tick(self, tick: feed.Tick) -> None:
        self._market.prices.update(tick.prices)
        self.pricing.update(tick.prices)

    def _on_connected(self, connected: bool) -> None:  # noqa: FBT001  a callback's only word
        self.pricing.live = connected

    async def _walk(self) -> None:
        # Without an exchange prices go on from where it left them.
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if not self.pricing.live:
                self.pricing.update(self._market.step())

    def place(self, order: Order) -> dict[str, Any]:
        """Write one order at the current price; 404 for a symbol without one."""
        who = self.launch.identity
        entry = Entry(
            at=time.time(),
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            price=self.price(order.symbol),
            slot=who.slot,
            version=who.version,
        )
        return {"id": self.ledger.add(entry), **vars(entry)}

    def price(self, symbol: str) -> float:
        """The current price; 404 for a symbol without one."""
        try:
            return self.pricing.prices[symbol]
        except KeyError:
            raise HTTPException(404, f"no such symbol: {symbol}") from None


def application(begun: launch.Launch) -> App:
    """The api as an ASGI application."""
    service = Service(begun)
    app = FastAPI(title="trading api", lifespan=service.lifespan, redirect_slashes=False)
    _route_reads(app, service)
    _route_orders(app, service)
    return Edge(app, begun)


def _route_reads(app: FastAPI, service: Service) -> None:
    @app.get("/health")
    @app.get("/health/")
    async def _health() -> JSONResponse:
        body = health.report(service.launch, feed=service.pricing.feed)
        return JSONResponse(body, health.status(service.launch))

    @app.get("/prices")
    async def _prices() -> Response:
        return Response(service.pricing.body, media_type="application/json")

    @app.get("/prices/{symbol}")
    async def _price(symbol: str) -> dict[str, Any]:
        return {"symbol": symbol, "price": service.price(symbol), "version": service.launch.identity.version}

    @app.websocket("/ws/prices")
    async def _stream(socket: WebSocket) -> None:
        await stream(socket, service.pricing.stream, silent=service.launch.faults.silent_feed)


def _route_orders(app: FastAPI, service: Service) -> None:
    # Plain functions: the framework runs them in threads, so that a slow disk holds up no read.
    @app.post("/orders", status_code=201)
    def _place(order: Order) -> dict[str, Any]:
        return service.place(order)

    @app.get("/orders")
    def _orders(limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> list[dict[str, Any]]:
        return service.ledger.newest(limit)


def main() -> None:
    """Serve the api."""
    begun = launch.begin("api", port=8080)
    serve(application(begun), begun.identity)


if __name__ == "__main__":
    main()
