"""What holds for the exchange."""

import json

import pytest
from trading_harness import Process, Runtime, System

pytestmark = pytest.mark.processes


def _order(**words: object) -> dict[str, object]:
    order = {"slot": "blue", "version": "v", "token": 1, "seq": 1, "symbol": "BTC-USD", "side": "buy", "quantity": 1, "price": 1}
    return {**order, **words}


def test_health(exchange: Process, new: Runtime) -> None:
    """Health is 200 and stamped."""
    answer = exchange.ask("/health/")
    assert (answer.status, answer.version, answer.json["version"]) == (200, new.version, new.version)


def test_feed(exchange: Process) -> None:
    """Ticks have a sequence without a gap and the prices of all symbols."""
    with exchange.open("/feed") as feed:
        first, second = (json.loads(feed.recv(10)) for _ in range(2))
    assert second["seq"] == first["seq"] + 1
    assert set(second["prices"]) >= {"BTC-USD", "ETH-USD"}


def test_orders_are_logged(exchange: Process, system: System) -> None:
    """An order is answered, read back and in the file, with the time it was received."""
    answer = exchange.ask("/orders", _order(seq=5))
    assert answer.status == 201
    assert answer.json["seq"] == 5
    assert answer.json["received"] > 0
    assert exchange.ask("/orders").json == {"highest": 1, "orders": [answer.json]}
    assert exchange.ask("/orders?since=1").json["orders"] == []
    lines = (system.folder / "exchange" / "orders.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [answer.json]


@pytest.mark.parametrize("token", [6, None])
def test_lower_token_is_refused(exchange: Process, token: int | None) -> None:
    """An order below the highest token seen, or without one, is refused and not logged."""
    assert exchange.ask("/orders", _order(token=7)).status == 201
    refused = exchange.ask("/orders", _order(token=token))
    assert (refused.status, refused.json["highest"]) == (409, 7)
    assert len(exchange.ask("/orders").json["orders"]) == 1


def test_restart_remembers(exchange: Process, system: System, new: Runtime) -> None:
    """After a kill in the middle of a line the whole orders and the highest token are still known."""
    exchange.ask("/orders", _order(token=7))
    exchange.kill()
    with (system.folder / "exchange" / "orders.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"id": 2, "tok')
    again = system.serve("exchange", new.app)
    assert again.ask("/orders", _order(token=6)).status == 409
    assert again.ask("/orders", _order(token=7)).json["id"] == 2
    assert len(again.ask("/orders").json["orders"]) == 2
