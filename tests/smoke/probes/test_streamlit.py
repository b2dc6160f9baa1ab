"""What holds for the streamlit probe, asked of what speaks as Streamlit does; the real one is in test_real_streamlit."""

import pytest
from websockets.sync.server import ServerConnection

from infra.contract import Json
from smoke.model import Answer, Reading
from smoke.probes import probe
from smoke.probes.wire import field
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import FINISHED, VERSION, Act, caption, delta, ended, placed, quiet, streamlits, websockets

SHOWN = caption(f"version {VERSION}")
RAISED = delta(field(8, field(1, b"NameError") + field(2, b"name 'x' is not defined")))
WARNED = delta(field(8, field(1, b"UserWarning") + b"\x28\x01"))


def read(*messages: bytes, health: str = "ok", **settings: Json) -> Reading:
    """One look at a page whose session is sent these."""
    with streamlits(*messages, health=health) as address:
        return ended(probe(backend("streamlit", **settings)), placed(address=address))


def acted(act: Act) -> Reading:
    """One look at a server that does this with a session."""
    with websockets(act, None, {"/_stcore/health": "ok"}, ["streamlit"]) as address:
        return ended(probe(backend("streamlit", script=0.3)), placed(address=address))


def test_an_exception_fails_though_the_server_is_well() -> None:
    """A page that shows an exception fails and names it, as the version it shows."""
    reading = read(SHOWN, RAISED, FINISHED)
    assert (reading.answer, reading.version) == (Answer.FAILED, VERSION)
    assert reading.detail == "the script raised NameError: name 'x' is not defined"


def test_the_first_exception_is_told() -> None:
    """Of several things that went wrong the first is told, and what comes later does not make it well."""
    second = delta(field(8, field(1, b"KeyError")))
    assert "NameError" in read(SHOWN, RAISED, second, SHOWN, FINISHED).detail


def test_a_warning_is_no_exception() -> None:
    """A warning on the page is no failure."""
    assert read(SHOWN, WARNED, FINISHED).answer is Answer.OK


@pytest.mark.parametrize("text", [f"version {VERSION}", f"Version: `{VERSION}`", f"Trading\n* version {VERSION} *"])
def test_a_version_is_seen(text: str) -> None:
    """A line that says the version shows it, with whatever signs around it."""
    assert read(caption(text), FINISHED).version == VERSION


@pytest.mark.parametrize("text", [f"api version {VERSION}", f"version {VERSION}0", "version 1.2.3", f"the version {VERSION} is"])
def test_what_is_no_version_is_not_taken_for_one(text: str) -> None:
    """Another one's version, or a line that is more than it, shows nothing."""
    assert read(caption(text), FINISHED).version is None


def test_a_long_text_costs_no_time() -> None:
    """A text of many empty lines is looked through once, not once for each line."""
    reading = read(caption("\n" * 300_000), SHOWN, FINISHED, script=60.0, timeout=60.0)
    assert reading.answer is Answer.OK


def test_a_script_without_an_end_fails() -> None:
    """A page that is not finished within its time fails, as the version it showed so far."""
    reading = read(SHOWN, script=1.0)
    assert (reading.answer, reading.version) == (Answer.FAILED, VERSION)
    assert reading.detail == "the script of / did not end within 1.0 s"


def test_a_flood_is_no_end_either() -> None:
    """A page that sends on and on fails at its time, however fast it sends."""

    def floods(connection: ServerConnection) -> None:
        connection.recv()
        while True:
            connection.send(SHOWN)

    assert "did not end within 0.3 s" in acted(floods).detail


@pytest.mark.parametrize("status", [b"\x30\x02", b"\x30\x03"])
def test_a_run_that_is_begun_anew_goes_on(status: bytes) -> None:
    """An end that is only the beginning of the next run, or of a part of the page, is not the end."""
    assert "NameError" in read(SHOWN, status, RAISED, FINISHED).detail


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([b"\x30\x01"], "the script cannot be compiled"),
        ([b"\x30\x09"], "the script ended with status 9"),
        ([field(10, field(3, field(1, b"SyntaxError")))], "the script cannot be compiled: SyntaxError"),
        ([field(15, b"")], "there is no such page"),
        ([delta(field(8, b""))], "the script raised an exception without a word"),
    ],
    ids=["compiled", "status", "event", "page", "no words"],
)
def test_what_else_goes_wrong_is_told(messages: list[bytes], why: str) -> None:
    """Each way in which a run goes wrong fails in words of its own."""
    reading = read(SHOWN, *messages, FINISHED)
    assert (reading.answer, reading.detail) == (Answer.FAILED, why)


@pytest.mark.parametrize("noise", [b"\x00", b"\xff\xff", field(5, b"\x08\x01\x1b")])
def test_what_is_no_message_fails(noise: bytes) -> None:
    """Bytes that are no message of Streamlit's fail, and say so."""
    reading = read(SHOWN, noise, FINISHED)
    assert reading.answer is Answer.FAILED
    assert "sent what is no message of Streamlit's" in reading.detail


def test_another_health_answer_is_no_streamlit() -> None:
    """A catch-all page in place of the health answer is told as that, though its status is 200."""
    reading = read(FINISHED, health="<html>")
    assert reading.answer is Answer.FAILED
    assert reading.detail == "/_stcore/health is no Streamlit's: status 200, <html>"


def test_a_session_that_is_cut_fails() -> None:
    """A session that the server ends before the page is finished fails."""
    reading = acted(lambda connection: connection.close(1011, "out of memory"))
    assert reading.answer is Answer.FAILED
    assert "out of memory" in reading.detail


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", b""),
        ("/prices", field(4, b"prices")),
        ("/prices/?day=1&x=2", field(1, b"day=1&x=2") + field(4, b"prices")),
    ],
)
def test_a_page_is_asked_for_by_its_address(path: str, asked: bytes) -> None:
    """The page and the query of the address are what a browser would ask for."""
    seen: list[str | bytes] = []

    def hears(connection: ServerConnection) -> None:
        seen.append(connection.recv())
        connection.send(FINISHED)
        quiet(connection)

    with websockets(hears, None, {"/_stcore/health": "ok"}, ["streamlit"]) as address:
        ended(probe(backend("streamlit", path=path)), placed(address=address))
    assert seen == [field(11, asked)]


def test_a_page_of_several_messages_is_counted() -> None:
    """The elements of the page are counted, in the detail and as a number."""
    reading = read(SHOWN, SHOWN, FINISHED)
    assert reading.detail == "the script ran to its end, 2 elements"
    assert reading.numbers["elements"] == 2
