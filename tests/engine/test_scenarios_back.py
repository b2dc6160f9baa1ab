"""The ways back after a promotion: warm, cold and gone; and what is open while slots change places."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Thread

import pytest
from scenes import PATIENT, unserved, users
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from workshop import Workshop, brought_up, until

from infra.contract import Contract
from smoke.routers import router

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]

AT_ONCE = ["opened", "proved", "shifted", "passed", "shifted", "finished", "settled"]
"""What happens on a way back: all traffic in one step, and then the agent."""
ORDER = json.dumps({"symbol": "BTC-USD", "side": "buy", "quantity": 1}).encode()


class Stream:
    """A websocket that somebody reads until it ends."""

    def __init__(self, connection: ClientConnection) -> None:
        assert connection.response is not None
        self.version = connection.response.headers["x-crossfade-version"]
        self.messages = 0
        self._connection = connection
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def open(self) -> bool:
        """Whether it is read yet."""
        return self._reader.is_alive()

    def _read(self) -> None:
        with suppress(ConnectionClosed):
            for _ in self._connection:
                self.messages += 1


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """Blue is live, green will be."""
    with brought_up(PATIENT) as made:
        yield made


@pytest.fixture(scope="module")
def stream(project: Workshop) -> Iterator[Stream]:
    """A websocket that was opened while blue was live."""
    with connect(project.front("api", "/ws/prices").replace("http", "ws"), proxy=None, compression=None) as connection:
        yield Stream(connection)


@pytest.fixture
def order(project: Workshop) -> Iterator[Callable[[], bytes]]:
    """A request that began before anything else of the test, and is not whole until this is called: its answer."""
    port = project.settings["services"]["api"]["port"]
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.putrequest("POST", "/orders")
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(len(ORDER)))
        connection.endheaders(ORDER[:9])

        def rest() -> bytes:
            connection.send(ORDER[9:])
            return connection.getresponse().read()

        yield rest


def _served(project: Workshop, slot: str) -> set[int]:
    """The processes that serve in a slot."""
    return {each.pid for each in project.processes() if each.environ().get("CROSSFADE_SLOT") == slot}


def _way(project: Workshop) -> tuple[list[str], list[int], list[object]]:
    """The newest rollout: its events, the shares of its steps, and all numbers that a gate of its compared."""
    first, *others = project.records()
    return (
        project.events(),
        [step["share"] for step in first["plan"]["steps"]],
        [n for each in others for n in each.get("numbers", ())],
    )


def test_what_is_open_stays_where_it_is(project: Workshop, stream: Stream, order: Callable[[], bytes]) -> None:
    """Over a whole promotion a websocket goes on and a request under way is answered, both by the slot that was live."""
    with users(project) as load:
        project.crossfade("promote")
        answer, before = json.loads(order()), stream.messages
        until(lambda: stream.messages > before, "a message of the slot that was live")

    assert project.weights() == {"blue": 0, "green": 100}
    assert stream.version.startswith("py39-")
    assert (answer["slot"], answer["version"]) == ("blue", stream.version)
    assert unserved(load) == {}


def test_retire_is_refused(project: Workshop) -> None:
    """Before its time is over, and with any weight, the slot that was live is not removed."""
    backend = Contract.from_json(project.contract()).service("api").router
    assert backend is not None
    early = project.crossfade("retire", expected=5)
    router(backend).write({"blue": 1, "green": 99})
    busy = project.crossfade("retire", "--because", "it is not wanted", expected=1)
    router(backend).write({"blue": 0, "green": 100})

    assert "kept warm until" in early.stderr
    assert "slot blue has 1 % of api" in busy.stderr
    assert _served(project, "blue")


def test_retired_it_is_gone_with_what_was_open(project: Workshop, stream: Stream) -> None:
    """With a reason it is removed before its time: its processes and its websocket end, and no user loses a request."""
    opened = stream.open
    with users(project) as load:
        project.crossfade("retire", "--because", "it is not wanted")
        again = project.crossfade("retire")
    until(lambda: not stream.open, "the websocket ends")

    assert opened
    assert _served(project, "blue") == set()
    assert list(project.contract()["releases"]) == ["green"]
    assert "nothing to retire" in again.stderr
    assert unserved(load) == {}


def test_back_to_what_is_gone(project: Workshop, record_property: Callable[[str, object], None]) -> None:
    """Pulumi places it again exactly as it was, without traffic; then all goes there at once, and nothing is compared."""
    settled = project.records()[0]["inputs"]["blue"]
    with users(project) as load:
        done = project.crossfade("revert", "--why", "it is wanted after all")
    record_property("seconds from proved to settled", _seconds(project))

    assert "Pulumi places that there again, without traffic" in done.stderr
    assert Contract.from_json(project.contract()).placed()["blue"] == settled
    assert _way(project) == (AT_ONCE, [100, 100], [])
    assert (project.status()["live"], project.weights()) == ("blue", {"blue": 100, "green": 0})
    assert unserved(load) == {}


def test_back_to_what_is_warm(project: Workshop, record_property: Callable[[str, object], None]) -> None:
    """What still runs gets all traffic at once, and Pulumi is not asked: the processes and what is declared stay the same."""
    before = project.contract(), _served(project, "blue"), _served(project, "green")
    with users(project) as load:
        project.crossfade("revert", "--why", "to see the quick way")
    record_property("seconds from proved to settled", _seconds(project))

    assert (project.contract(), _served(project, "blue"), _served(project, "green")) == before
    assert _way(project) == (AT_ONCE, [100, 100], [])
    assert (project.status()["live"], project.weights()) == ("green", {"blue": 0, "green": 100})
    assert unserved(load) == {}


def test_up_puts_back_what_was_retired(project: Workshop) -> None:
    """After a retirement the next up places what the settings ask for again, well and without traffic; users see none of it."""
    release = project.contract()["releases"]["blue"]
    with users(project) as load:
        project.crossfade("retire", "--because", "to see it come back")
        project.up()

    assert project.contract()["releases"]["blue"] == release
    assert project.weights() == {"blue": 0, "green": 100}
    assert json.loads(project.crossfade("smoke", "--json").stdout)["well"]
    assert unserved(load) == {}


def _seconds(project: Workshop) -> float:
    at = {each["event"]: float(each["at"]) for each in project.records()}
    return at["settled"] - at["proved"]
