"""What may be sent, and how it is carried to the process that sends."""

from pathlib import Path

import pytest

from smoke.errors import SeamError, UsageError
from smoke.traffic import Load, Target, traffic


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "127.0.0.1:80",
        "None/prices",
        "http://",
        "http://a:b/",
        "http://a:99999/",
        "http://me@a/",
        "http://a/b c",
        "http://" + 64 * "a" + "/",
        "http://a/\r\nx: y",
        "",
    ],
)
def test_refuses_what_is_no_http_url(url: str) -> None:
    """Anything but a plain http URL is a usage error that repeats it."""
    with pytest.raises(UsageError) as caught:
        Target(url, 1.0)
    assert repr(url) in caught.value.what


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_refuses_what_is_no_rate(rate: float) -> None:
    """A rate is a number above zero."""
    with pytest.raises(UsageError, match="rate"):
        Target("http://127.0.0.1/", rate)


def test_the_request() -> None:
    """A request asks for path and query as the URL has them, of the host that it names."""
    target = Target("http://[::1]:8080/a?b=c#d", 1.0)
    assert (target.host, target.port) == ("::1", 8080)
    assert target.request.startswith(b"GET /a?b=c HTTP/1.1\r\nhost: [::1]:8080\r\n")
    assert Target("http://localhost", 1.0).request.startswith(b"GET / HTTP/1.1\r\nhost: localhost\r\n")


def test_a_load_is_carried_whole() -> None:
    """The line that the process reads says all of a load; half a line says nothing."""
    load = Load({"a": Target("http://127.0.0.1:1/", 0.5)}, 3.0, Path("/tmp/r"), 2.0, 7)  # noqa: S108 - nothing is written
    assert Load.from_line(load.to_line()) == load
    with pytest.raises(ValueError, match="line 1"):
        Load.from_line(load.to_line()[:30])


@pytest.mark.parametrize("limit", [0.0, -1.0, float("inf"), float("nan")])
def test_no_load_is_without_an_end(limit: float) -> None:
    """A load has a limit of time above zero."""
    with pytest.raises(UsageError, match="limit"), traffic({}, limit=limit):
        pass


def test_a_record_that_cannot_be_written(tmp_path: Path) -> None:
    """A record in a folder that is not there keeps the traffic from starting."""
    with (
        pytest.raises(SeamError, match="record"),
        traffic({"a": Target("http://127.0.0.1:1/", 1.0)}, limit=1.0, record=tmp_path / "no" / "record"),
    ):
        pass
