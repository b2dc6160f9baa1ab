"""What holds for each fault on order, on each runtime."""

import statistics
import time

import pytest
from trading_harness import Process, Runtime, System, until

pytestmark = pytest.mark.processes


def _median_ms(api: Process, path: str) -> float:
    spans = []
    for _ in range(9):
        began = time.perf_counter()
        api.ask(path)
        spans.append((time.perf_counter() - began) * 1000)
    return statistics.median(spans)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FAULT_ERRORS", "1.5"),
        ("FAULT_ERRORS", "nan"),
        ("FAULT_LATENCY", "fast"),
        ("FAULT_LATENCY", "0.5"),
        ("FAULT_NEVER_READY", "yes"),
        ("CROSSFADE_VERSION", "new"),
        ("CROSSFADE_SLOT", "red"),
    ],
)
def test_malformed_value_ends_the_process(system: System, new: Runtime, name: str, value: str) -> None:
    """A malformed value ends the process with status 2 and a sentence that names it."""
    process = system.launch("agent", new.app, **{name: value})
    assert process.popen.wait(30) == 2
    assert f"{name}='{value}' is malformed" in process.output


def test_errors(system: System, own: Runtime) -> None:
    """The share of requests asked for answers 500, stamped; health never does."""
    api = system.serve("api", own.app, FAULT_ERRORS="0.3")
    answers = [api.ask("/prices") for _ in range(300)]
    share = sum(answer.status == 500 for answer in answers) / len(answers)
    assert 0.15 < share < 0.45
    assert {answer.version for answer in answers} == {own.version}
    assert {api.ask("/health/").status for _ in range(30)} == {200}


def test_latency(system: System, own: Runtime) -> None:
    """A factor of 50 makes requests at least 98 ms long, and health no longer than before."""
    api = system.serve("api", own.app, FAULT_LATENCY="50")
    assert _median_ms(api, "/prices") >= 98
    assert _median_ms(api, "/health/") < 98


def test_crash(system: System, own: Runtime) -> None:
    """The process dies at once with status 1 after the time asked for."""
    assert system.launch("api", own.app, FAULT_CRASH_AFTER="0.5").popen.wait(30) == 1


def test_never_ready(system: System, own: Runtime) -> None:
    """Health answers 503 and everything else works."""
    api = system.serve("api", own.app, FAULT_NEVER_READY="1")
    assert (api.ask("/health/").status, api.ask("/health/").json["status"]) == (503, "fail")
    assert api.ask("/prices").status == 200


def test_wrong_version(system: System, own: Runtime) -> None:
    """Body, header and stream all report the same wrong identity."""
    api = system.serve("api", own.app, FAULT_WRONG_VERSION="1")
    answer = api.ask("/health/")
    with api.open("/ws/prices") as stream:
        assert stream.response is not None
        handshake = stream.response.headers["x-crossfade-version"]
    assert {answer.version, answer.json["version"], handshake} == {"py27-000000000000"}


def test_memory_grows(system: System, own: Runtime) -> None:
    """Resident memory grows by what was asked for."""
    api = system.serve("api", own.app, FAULT_MEMORY_MB_PER_S="40")
    first = api.ask("/health/").json["rss_mb"]
    until(lambda: api.ask("/health/").json["rss_mb"] > first + 60, "60 MB more")


def test_silent_feed(system: System, own: Runtime) -> None:
    """The stream opens and stays open without a message."""
    api = system.serve("api", own.app, FAULT_SILENT_FEED="1")
    with api.open("/ws/prices") as stream:
        with pytest.raises(TimeoutError):
            stream.recv(1.5)
        assert stream.ping().wait(5)
    assert api.terminate() == 0
