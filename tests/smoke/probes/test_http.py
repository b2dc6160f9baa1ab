"""What holds for the http probe beyond the suite for all."""

import pytest

from infra.contract import Json
from smoke.model import Answer, Reading
from smoke.probes import probe
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import HEAD, OTHER, VERSION, Handler, Peer, answers, ended, placed, says, trickles

PROXIES = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"]


def read(answer: Handler, **settings: Json) -> Reading:
    """One look at a peer that answers like that."""
    with Peer(answer) as peer:
        return ended(probe(backend("http", **settings)), placed(address=peer.address))


def test_its_name_has_the_path() -> None:
    """A person knows the probe by its path."""
    assert probe(backend("http", path="/health/")).name == "http /health/"


def test_a_redirect_is_not_followed() -> None:
    """A redirect fails with its status, and nobody is asked where it leads."""
    with Peer(answers()) as elsewhere:
        reading = read(answers(b"", "307 Temporary Redirect", location=f"http://{elsewhere.address}/"))
        assert elsewhere.seen == 0
    assert (reading.answer, reading.version) == (Answer.FAILED, VERSION)
    assert reading.detail == "status 307, 200 is wanted: empty"


def test_a_wrong_status_fails() -> None:
    """Another status than the wanted one fails, with both and the beginning of the answer on one line."""
    reading = read(answers(b"no\n  database\x1b[2J", "503 Service Unavailable"))
    assert reading.answer is Answer.FAILED
    assert reading.detail == "status 503, 200 is wanted: no database?[2J"


def test_the_status_may_be_chosen() -> None:
    """A status other than 200 may be the wanted one."""
    assert read(answers(b"", "204 No Content"), status=204).answer is Answer.OK


@pytest.mark.parametrize(("text", "answer"), [("feed live", Answer.OK), ("feed dead", Answer.FAILED)])
def test_the_text_must_be_there(text: str, answer: Answer) -> None:
    """Where a text is wanted, an answer without it fails and says so."""
    reading = read(answers(b"<p>feed live</p>"), contains=text)
    assert reading.answer is answer
    assert answer is Answer.OK or reading.detail == "'feed dead' is not in the answer: <p>feed live</p>"


@pytest.mark.parametrize(
    "head", [HEAD + b"\r\n", HEAD + b"content-length: 99999\r\n\r\n", HEAD], ids=["no length", "length", "head"]
)
def test_a_trickle_is_cut(head: bytes) -> None:
    """An answer that goes on byte by byte ends at the limit and fails, whether or not it says how long it is."""
    reading = read(trickles(head), timeout=0.5)
    assert reading.answer is Answer.FAILED
    assert "within 0.5 s: it hangs" in reading.detail


def test_an_answer_that_breaks_off_fails() -> None:
    """An answer shorter than it says it is fails."""
    reading = read(says(HEAD + b"content-length: 10\r\n\r\nhalf"))
    assert reading.answer is Answer.FAILED
    assert "no whole answer from" in reading.detail


def test_a_huge_answer_is_read_in_part() -> None:
    """Of a huge answer the first megabyte is looked at, and no more is asked for."""
    body = b"begin" + b" " * 4_000_000 + b"end"
    assert read(answers(body), contains="begin").answer is Answer.OK
    assert read(answers(body), contains="end").answer is Answer.FAILED


def test_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The placement is asked itself, whatever proxy the environment names."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Peer(answers(version=OTHER)) as other:
        for name in PROXIES:
            monkeypatch.setenv(name, f"http://{other.address}")
        assert read(answers()).answer is Answer.OK
        assert other.seen == 0


def test_an_empty_version_is_none() -> None:
    """A header without a version fails as missing, and is no impostor's."""
    reading = read(answers(version=""))
    assert (reading.answer, reading.impostor) == (Answer.FAILED, False)
    assert "the header x-crossfade-version is missing" in reading.detail


def test_an_impostor_is_told_before_its_status() -> None:
    """Another version that is not well either is told as the impostor that it is."""
    reading = read(answers(b"", "500 Internal Server Error", version=OTHER))
    assert reading.impostor
    assert reading.detail == f"{OTHER} answered, {VERSION} was asked (status 500, 200 is wanted: empty)"


@pytest.mark.parametrize(
    ("body", "instance", "rss"),
    [
        (b'{"pid": 7, "started": 1.5, "rss_mb": 80}', "7@1.5", 80.0),
        (b'{"pid": 7}', None, None),
        (b'{"pid": true, "started": 1.5, "rss_mb": true}', None, None),
        (b'{"pid": [], "started": {}, "rss_mb": "many"}', None, None),
        (b'{"rss_mb": 1' + b"0" * 400 + b"}", None, None),
        (b'{"rss_mb": NaN}', None, None),
        (b'{"rss_mb": -1}', None, None),
        (b"[" * 100_000, None, None),
        (b'["pid"]', None, None),
        (b"\xff\xfe", None, None),
    ],
    ids=range(10),
)
def test_a_body_may_say_which_process_it_was(body: bytes, instance: str | None, rss: float | None) -> None:
    """A JSON object may name its process, whole, and its memory; whatever else is there changes nothing."""
    reading = read(answers(body))
    assert (reading.answer, reading.instance, reading.numbers.get("rss_mb")) == (Answer.OK, instance, rss)


def test_a_path_that_cannot_be_asked_for_is_ours() -> None:
    """A path that is no part of a URL is untold: it says nothing about the placement."""
    assert read(answers(), path="/\n").answer is Answer.UNTOLD
