"""Targets: the counters that a gateway shows as text."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from fuzz_meters import HEAD, HTTP_WORDS, Teller, counted
from fuzz_run import Check, Target, outcome, plain

from infra.contract import Backend
from smoke.errors import MeterError
from smoke.meters import meter
from smoke.meters.cumulative import Running, summed
from smoke.meters.exposition import OPEN_METRICS
from smoke.meters.prometheus_text import Settings, shown_in
from smoke.meters.scrape import Answer
from smoke.model import Sample

ASKED: dict[str, Any] = {
    "url": "http://gateway/",
    "requests": "a_requests_total",
    "slots": {slot: {"service": slot} for slot in ("blue", "green")},
    "bad": {"code": "5.."},
    "latency": "a_seconds",
    "max_age": 1e9,
}
SETTINGS = Settings.of(ASKED)
TEXT = rb"""# HELP a_requests_total How many "requests"
# TYPE a_requests_total counter
a_requests_total{code="200",service="blue"} 1.2e+03
a_requests_total{code="503",service="blue"} 4 1800000000000
a_requests_total{code="200",service="green"} 7
# TYPE a_seconds histogram
a_seconds_bucket{service="blue",le="0.1"} 900
a_seconds_bucket{service="blue",le="+Inf"} 1204
a_seconds_sum{service="blue"} 0.25
process_start_time_seconds 1.79605360759e+09
other{path="C:\\\n\"}"} NaN
"""
END = b"# EOF\n"
OPEN = TEXT.replace(b" 4 1800000000000", b' 4.0 1800000000.5 # {trace_id="a"} 0.5') + END
WORDS = (b'le="+Inf"', b'le="0.1"', b'service="blue"', b'service="green"', END, b"_bucket", b"NaN", b"gauge", b"# {", b"\\", b'"')


def exposition(data: bytes) -> str:
    """The text, without the way there."""

    def act() -> None:
        kind = OPEN_METRICS if data.endswith(END) else "text/plain"
        shown = shown_in(Answer(data.decode("utf-8", "replace"), kind, date=1.8e9), SETTINGS, at=0.0)
        assert list(shown.grid) == sorted(set(shown.grid))
        counted(Sample(0.0, summed([Running().after(shown).totals])))

    return outcome(act, MeterError)


@contextmanager
def gateway() -> Iterator[Check]:
    """The whole way: HTTP, the lines, what was counted since the last ones."""
    with closing(Teller(socket.AF_INET, ("127.0.0.1", 0))) as teller:
        url = f"http://127.0.0.1:{teller.address[1]}/"

        def check(data: bytes) -> str:
            teller.data = data
            mine = meter(Backend("prometheus-text", {**ASKED, "url": url, "timeout": 5.0}))
            return f"{outcome(lambda: counted(mine.read()), MeterError)}, {outcome(lambda: counted(mine.read()), MeterError)}"

        yield check


def targets() -> tuple[Target, ...]:
    """Both."""
    kind = b"date: Mon, 30 Nov 2026 15:46:50 GMT\r\ncontent-type: "
    plainly, openly = (
        HEAD + kind + name + b"\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        for name, body in ((b"text/plain", TEXT), (OPEN_METRICS.encode(), OPEN))
    )
    words = (*WORDS, *TEXT.splitlines(keepends=True))
    return (
        Target("exposition", plain(exposition), (TEXT, OPEN), words),
        Target("exposition over HTTP", gateway, (plainly, openly), (*HTTP_WORDS, *WORDS, b"date: "), cost=200),
    )
