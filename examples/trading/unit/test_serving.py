"""What the api and the exchange answer, and what they keep of orders."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from trading import api, exchange, launch
from trading.identity import VERSION_HEADER
from trading.ledger import Ledger
from trading.orderlog import OrderLog, StaleTokenError

ORDER = {"symbol": "BTC-USD", "side": "buy", "quantity": 0.5}
VERSION = f"py3{sys.version_info.minor}-0123456789ab"


@pytest.fixture(name="begun")
def _begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> launch.Launch:
    monkeypatch.setenv("CROSSFADE_DATA", str(tmp_path))
    monkeypatch.setenv("CROSSFADE_VERSION", "py27-0123456789ab")
    return launch.read("api", port=8080)


@pytest.fixture(name="client")
def _client(begun: launch.Launch) -> Iterator[TestClient]:
    with TestClient(api.application(begun)) as client:
        yield client


def test_every_answer_says_which_version_it_is_from(client: TestClient) -> None:
    """The interpreter's own, whatever the environment claims: on what is there, on what is not, and on what is wrong."""
    for method, path, status in (
        ("GET", "/health/", 200),
        ("GET", "/prices", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/orders", 422),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers[VERSION_HEADER]) == (status, VERSION)


def test_an_order_is_kept_at_the_price_of_now(client: TestClient, tmp_path: Path) -> None:
    """It comes back with a number, is the newest of the list, and is on disk."""
    placed = client.post("/orders", json=ORDER)
    assert placed.status_code == 201
    [newest] = client.get("/orders", params={"limit": 1}).json()
    assert newest == placed.json()
    assert (newest["price"] > 0, newest["version"]) == (True, VERSION)
    assert Ledger(tmp_path).newest(1)[0]["id"] == newest["id"]


@pytest.mark.parametrize("change", [{"symbol": "NONE"}, {"side": "hold"}, {"quantity": 0}])
def test_an_order_that_cannot_be_meant_is_refused(client: TestClient, change: dict) -> None:  # type: ignore[type-arg]
    """Nothing of it is kept."""
    assert client.post("/orders", json={**ORDER, **change}).status_code in {404, 422}
    assert client.get("/orders").json() == []


def test_prices_come_one_by_one_and_together(client: TestClient) -> None:
    """One symbol, or all of them in one body that was made before anybody asked."""
    assert client.get("/prices/BTC-USD").json()["price"] > 0
    assert client.get("/prices").json()["feed"] == "local"


def test_the_exchange_refuses_an_agent_that_lost_its_fence(begun: launch.Launch) -> None:
    """A token below the highest seen is answered with 409, and its order is in no list."""
    order = {**ORDER, "slot": "blue", "version": VERSION, "seq": 1, "price": 2.0}
    with TestClient(exchange.application(begun)) as client:
        codes = [client.post("/orders", json={**order, "token": token}).status_code for token in (4, 5, 4, 5)]
        found = client.get("/orders", params={"since": 1}).json()
        assert client.get("/health/").json()["status"] == "pass"
    assert codes == [201, 201, 409, 201]
    assert (found["highest"], [each["id"] for each in found["orders"]]) == (5, [2, 3])


def test_orders_outlive_their_process(tmp_path: Path) -> None:
    """A log that is opened again goes on, without a last line that was torn; the highest token is remembered."""
    OrderLog(tmp_path).receive({"token": 7})
    with (tmp_path / "orders.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"token": 9')
    again = OrderLog(tmp_path)
    with pytest.raises(StaleTokenError, match="fence token 6 is lower than 7"):
        again.receive({"token": 6})
    assert again.receive({"token": 7})["id"] == 2
    assert [each["id"] for each in again.since(0)] == [1, 2]


@pytest.mark.parametrize("variable", ["PORT", "CROSSFADE_VERSION", "CROSSFADE_SLOT", "FAULT_ERRORS"])
def test_a_malformed_environment_ends_it_at_once(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With status 2 and the name of what is wrong."""
    monkeypatch.setenv(variable, "none")
    with pytest.raises(SystemExit) as caught:
        launch.begin("api", port=8080)
    assert caught.value.code == 2
    assert variable in capsys.readouterr().err


def test_ordered_faults_are_carried_out(begun: launch.Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests but those of health fail when that was ordered, and a wrong version is shown."""
    monkeypatch.setenv("FAULT_ERRORS", "1")
    monkeypatch.setenv("FAULT_WRONG_VERSION", "1")
    monkeypatch.setenv("FAULT_LATENCY", "1.5")
    with TestClient(api.application(launch.read("api", port=8080))) as client:
        assert [client.get(path).status_code for path in ("/prices", "/health/")] == [500, 200]
        assert client.get("/health/").headers[VERSION_HEADER].startswith("py27-")
    assert begun.identity.version == VERSION
