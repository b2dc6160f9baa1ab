"""What holds for the websocket probe beyond the suite for all."""

import pytest
from websockets.sync.server import ServerConnection

from infra.contract import Json
from smoke.model import Answer, Reading
from smoke.probes import probe
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import HEAD, OTHER, VERSION, Act, Peer, answers, ended, message, placed, quiet, trickles, websockets


def read(act: Act, version: str | None = VERSION, **settings: Json) -> Reading:
    """One look at a peer that does this."""
    with websockets(act, version) as address:
        return ended(probe(backend("websocket", **settings)), placed(address=address))


def binary(connection: ServerConnection) -> None:
    """One message that is no text."""
    connection.send(b"\xff\xfe")
    quiet(connection)


def leaves(connection: ServerConnection) -> None:
    """Open, and closed at once."""
    connection.close(1011, "no feed")


@pytest.mark.parametrize(("act", "size"), [(message, 5), (binary, 2)])
def test_a_message_is_well(act: Act, size: int) -> None:
    """A message of either kind is OK, with its size."""
    reading = read(act)
    assert (reading.answer, reading.detail) == (Answer.OK, f"a message of {size} bytes")


def test_a_silent_feed_fails() -> None:
    """A socket that stays open without a message fails, as itself: it opened, and that is not enough."""
    reading = read(quiet, timeout=1.5)
    assert (reading.answer, reading.version) == (Answer.FAILED, VERSION)
    assert reading.detail == "open, but no message within 1.5 s: the stream is silent"


def test_open_may_be_enough() -> None:
    """Where only an open socket is expected, no message is waited for."""
    assert read(quiet, expect="open").answer is Answer.OK


def test_an_impostor_is_not_waited_for() -> None:
    """Another version is told from its handshake, whether or not it sends."""
    reading = read(quiet, OTHER, timeout=60.0)
    assert (reading.impostor, reading.version) == (True, OTHER)


def test_one_that_leaves_fails() -> None:
    """A socket that is closed in place of a message fails, with the reason."""
    reading = read(leaves)
    assert reading.answer is Answer.FAILED
    assert "no feed" in reading.detail


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "503 Service Unavailable"])
def test_an_answer_that_is_no_handshake_fails(status: str) -> None:
    """An answer in place of a websocket fails with its status, and as the version that it shows."""
    with Peer(answers(status=status)) as peer:
        reading = ended(probe(backend("websocket")), placed(address=peer.address))
    assert (reading.answer, reading.version) == (Answer.FAILED, VERSION)
    assert reading.detail == f"{peer.address}/ws opens no websocket: status {status[:3]}"


def test_a_redirect_is_not_followed() -> None:
    """A redirect fails with its status, and nobody is asked where it leads."""
    with Peer(answers()) as elsewhere, Peer(answers(b"", "302 Found", location=f"ws://{elsewhere.address}/")) as peer:
        reading = ended(probe(backend("websocket")), placed(address=peer.address))
        assert elsewhere.seen == 0
    assert reading.answer is Answer.FAILED
    assert "opens no websocket: status 302" in reading.detail


def test_a_handshake_that_trickles_is_cut() -> None:
    """A handshake that goes on byte by byte ends at the limit and fails."""
    with Peer(trickles(HEAD)) as peer:
        reading = ended(probe(backend("websocket", timeout=0.5)), placed(address=peer.address))
    assert reading.answer is Answer.FAILED
    assert "did not answer the handshake in time: it hangs" in reading.detail


def test_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The placement is asked itself, whatever proxy the environment names."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Peer(answers()) as other:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy"):
            monkeypatch.setenv(name, f"http://{other.address}")
        assert read(message).answer is Answer.OK
        assert other.seen == 0
