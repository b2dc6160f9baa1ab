"""What holds for the proxy in front, as a thing: a real one, before real programs."""

import http.client
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from machine import free_port

from infra.contract import route_document
from infra.targets.local.machine import slot_port
from infra.targets.local.proxy import front_here
from infra.targets.local.things import ThingError
from tests.infra.local.place import Place, Spec, wait_for

pytest.importorskip("envoy", reason="needs the proxy: install the extra 'local'")
pytestmark = pytest.mark.processes

ANSWERS = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", str(len(os.environ["SAYS"])))
        self.end_headers()
        self.wfile.write(os.environ["SAYS"].encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def proxy(fronts: dict[str, int], edges: Sequence[float] = (800,)) -> Spec:
    """The spec of a proxy in front of services on these ports."""
    listed = [front_here(name, port, "127.0.0.1").to_json() for name, port in fronts.items()]
    return {"fronts": listed, "edges": list(edges), "python": sys.executable}


def route(service: str) -> Spec:
    """The spec of a route that begins with blue."""
    return {"service": service, "start": "blue", "sticky": False}


def get(port: int) -> tuple[int, str]:
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError as error:
        return 0, str(error)
    finally:
        connection.close()


def serve(stack: Place, port: int, *slots: str) -> None:
    """Have slots of a service answer with their names."""
    for slot in slots:
        own = slot_port(port, slot)
        stack.make("program", stack.program(f"p{port}--{slot}", ANSWERS, port=own, PORT=str(own), SAYS=slot))


def test_serves_what_the_route_says(stack: Place) -> None:
    """Users reach the slot that the route names, also after the proxy was killed, and where the weights have moved."""
    port = free_port()
    serve(stack, port, "blue", "green")
    stack.make("route", route("api"))
    stack.make("proxy", proxy({"api": port}))
    assert get(port) == (200, "blue")
    draft = stack.home.route("api").with_name("draft")
    draft.write_text(json.dumps(route_document("api", {"blue": 0, "green": 100}, version="1")))
    draft.rename(stack.home.route("api"))
    wait_for(lambda: get(port) == (200, "green"))
    os.kill(stack.pid("envoy"), signal.SIGKILL)
    wait_for(lambda: get(port) == (200, "green"))


def test_is_never_started_again(stack: Place) -> None:
    """Services come and go, and objectives change, by files alone: the process stays."""
    one, two = free_port(), free_port()
    for service in ("one", "two"):
        stack.make("route", route(service))
    stack.make("proxy", proxy({"one": one}))
    before = stack.pid("envoy")
    both = proxy({"one": one, "two": two})
    assert not stack.well("proxy", both)
    stack.make("proxy", both)
    assert (stack.listens(two), stack.well("proxy", both)) == (True, True)
    stack.make("proxy", proxy({"two": two}, edges=[250.5]))
    wait_for(lambda: not stack.listens(one))
    assert (stack.listens(two), stack.pid("envoy")) == (True, before)


def test_moves_to_another_port(stack: Place) -> None:
    """A service whose port changes is reached on the new one, by the same process."""
    one, two = free_port(), free_port()
    stack.make("route", route("api"))
    stack.make("proxy", proxy({"api": one}))
    before = stack.pid("envoy")
    assert not stack.well("proxy", proxy({"api": two}))
    stack.make("proxy", proxy({"api": two}))
    wait_for(lambda: not stack.listens(one))
    assert (stack.listens(two), stack.pid("envoy")) == (True, before)


def test_a_port_that_is_taken(stack: Place) -> None:
    """Where somebody else listens, the error names service and port and what the proxy said; later it is tried again."""
    free, taken = free_port(), free_port()
    for service in ("one", "two"):
        stack.make("route", route(service))
    spec = proxy({"one": free, "two": taken})
    with socket.create_server(("127.0.0.1", taken)):
        log = re.escape(str(stack.home.log("envoy")))
        says = rf"(?s)does not listen on 127.0.0.1:{taken} for two \(cannot bind .* already in use\); {log} says:.*in use"
        for _ in range(2):
            with pytest.raises(ThingError, match=says):
                stack.make("proxy", spec)
        assert (stack.listens(free), stack.well("proxy", spec)) == (True, False)
    before = stack.pid("envoy")
    stack.make("proxy", spec)
    assert (stack.well("proxy", spec), stack.pid("envoy")) == (True, before)


def test_is_not_well_without_its_process(stack: Place) -> None:
    """A proxy that was stopped, or whose files were changed, is not well, and is made."""
    spec = proxy({"api": free_port()})
    stack.make("route", route("api"))
    assert not stack.well("proxy", spec)
    stack.make("proxy", spec)
    stack.ask("stopProcess", "envoy")
    stopped = stack.well("proxy", spec)
    stack.make("proxy", spec)
    (stack.home.folder / "envoy" / "clusters.json").write_text("{}")
    assert (stopped, stack.well("proxy", spec)) == (False, False)
    stack.make("proxy", spec)
    assert stack.well("proxy", spec)


def test_comes_back_after_a_reboot(stack: Place) -> None:
    """With everything gone, making the folder alone brings proxy and programs back."""
    port = free_port()
    serve(stack, port, "blue")
    stack.make("route", route("api"))
    stack.make("proxy", proxy({"api": port}))
    stack.kill()
    assert not stack.well("proxy", proxy({"api": port}))
    stack.make("folder")
    wait_for(lambda: get(port) == (200, "blue"))


def test_is_ended(stack: Place) -> None:
    """Unmaking ends it; it may be repeated."""
    port = free_port()
    stack.make("route", route("api"))
    stack.make("proxy", proxy({"api": port}))
    stack.unmake("proxy", {})
    stack.unmake("proxy", {})
    assert [each.pid for each in stack.processes()] == [stack.supervisor_pid]
    assert not stack.listens(port)


def test_needs_nothing_of_where_it_was_installed(stack: Place) -> None:
    """The proxy runs from the stack's own folder."""
    stack.make("route", route("api"))
    stack.make("proxy", proxy({"api": free_port()}))
    assert Path(f"/proc/{stack.pid('envoy')}/exe").readlink() == stack.home.folder / "envoy" / "envoy"
