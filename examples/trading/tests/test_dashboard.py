"""What holds for the dashboard: asked as a browser asks, because only a session runs the script."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from trading_harness import Process, Runtime, System, free_port, until
from websockets.sync.client import ClientConnection

pytestmark = pytest.mark.processes

# The message with which a browser asks for a run of the script: field 11, empty.
RERUN = b"\x5a\x00"


class Callers(ThreadingHTTPServer):
    """An api that answers nothing well, and remembers which slot each caller said it is of."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Caller)
        self.slots: list[str | None] = []


class _Caller(BaseHTTPRequestHandler):
    server: Callers

    def do_GET(self) -> None:
        self.server.slots.append(self.headers["x-crossfade-slot"])
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def callers() -> Iterator[Callers]:
    """An api that remembers its callers."""
    with Callers() as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def _see(dashboard: Process, text: str) -> bytes:
    """What a session is sent until `text` is on the page."""
    seen = bytearray()
    with dashboard.open("/_stcore/stream", subprotocols=["streamlit"]) as session:
        session.send(RERUN)
        until(lambda: text.encode() in _more(session, seen), f"{text!r} on the page")
    return bytes(seen)


def _more(session: ClientConnection, seen: bytearray) -> bytearray:
    message = session.recv(30)
    seen += message if isinstance(message, bytes) else message.encode()
    return seen


def test_page_shows_version_and_prices(system: System, own: Runtime) -> None:
    """The page has the dashboard's own version, the api's version and the prices."""
    api = system.serve("api", own.app)
    dashboard = system.serve("dashboard", own.dashboard, TRADING_API=api.url(""))
    seen = _see(dashboard, "No orders yet.")
    assert f"version {own.version}".encode() in seen
    assert f"api version {own.version}".encode() in seen
    assert b"BTC-USD" in seen


def test_page_shows_orders(system: System, own: Runtime) -> None:
    """An order placed at the api is on the page."""
    api = system.serve("api", own.app)
    api.ask("/orders", {"symbol": "BTC-USD", "side": "buy", "quantity": 2})
    dashboard = system.serve("dashboard", own.dashboard, TRADING_API=api.url(""))
    seen = _see(dashboard, "quantity")
    assert b"No orders yet." not in seen


def test_page_says_when_the_api_is_down(system: System, own: Runtime) -> None:
    """Without the api the page says so, with its version, and raises nothing."""
    dashboard = system.serve("dashboard", own.dashboard, TRADING_API=f"http://127.0.0.1:{free_port()}")
    seen = _see(dashboard, "API not reachable")
    assert f"version {own.version}".encode() in seen
    assert b"Traceback" not in seen


@pytest.mark.parametrize("slot", ["green", None])
def test_page_asks_for_the_api_of_its_slot(system: System, own: Runtime, callers: Callers, slot: str | None) -> None:
    """In a slot, every call to the api says which; started by hand, none does."""
    env = {} if slot is None else {"CROSSFADE_SLOT": slot}
    dashboard = system.serve("dashboard", own.dashboard, TRADING_API=f"http://127.0.0.1:{callers.server_port}", **env)
    _see(dashboard, "API not reachable")

    assert set(callers.slots) == {slot}


def test_health_and_sigterm(system: System, own: Runtime) -> None:
    """The server answers health and ends by SIGTERM without a kill."""
    dashboard = system.serve("dashboard", own.dashboard)
    assert dashboard.ask("/_stcore/health").body == b"ok"
    assert dashboard.terminate() == 0


def test_foreign_origin_is_served(system: System, own: Runtime) -> None:
    """A session from another origin, as behind a proxy on another port, is served."""
    dashboard = system.serve("dashboard", own.dashboard)
    with dashboard.open("/_stcore/stream", subprotocols=["streamlit"], origin="http://elsewhere.example:1234") as session:
        session.send(RERUN)
        assert session.recv(30)


def test_script_crash(system: System, own: Runtime) -> None:
    """With the fault the server is healthy and the session shows NameError."""
    dashboard = system.serve("dashboard", own.dashboard, FAULT_SCRIPT_CRASH="1")
    assert dashboard.ask("/_stcore/health").status == 200
    _see(dashboard, "NameError")


def test_wrong_version(system: System, own: Runtime) -> None:
    """With the fault the page reports the wrong identity."""
    dashboard = system.serve("dashboard", own.dashboard, FAULT_WRONG_VERSION="1")
    _see(dashboard, "version py27-000000000000")
