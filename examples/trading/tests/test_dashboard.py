"""What holds for the dashboard: asked as a browser asks, because only a session runs the script."""

import pytest
from trading_harness import Process, Runtime, System, free_port, until
from websockets.sync.client import ClientConnection

pytestmark = pytest.mark.processes

# The message with which a browser asks for a run of the script: field 11, empty.
RERUN = b"\x5a\x00"


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
