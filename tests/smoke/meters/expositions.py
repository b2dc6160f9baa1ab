"""Gateways that are pretended, and show their counters as text."""

import time
from collections.abc import Mapping, Sequence

from infra.contract import Backend
from tests.smoke.meters.prometheus import Web

TEXT = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
REQUESTS, LATENCY = "traefik_service_requests_total", "traefik_service_request_duration_seconds"
EDGES = ("0.1", "0.3", "1.2", "5", "+Inf")
SLOTS = {slot: {"service": f"api-{slot}@file"} for slot in ("blue", "green")}
IDLE = "# TYPE traefik_config_reloads_total counter\ntraefik_config_reloads_total 1\n"
"""What a Traefik shows that served nothing yet."""


def backend(*ports: int, **others: object) -> Backend:
    """A meter of these gateways; ``others`` are settings in the place of what there is, None takes one out."""
    usual = {
        "url": [f"http://127.0.0.1:{port}/metrics" for port in ports],
        "requests": REQUESTS,
        "slots": SLOTS,
        "bad": {"code": r"5\d\d"},
        "latency": LATENCY,
        "timeout": 20.0,
    }
    return Backend("prometheus-text", {name: value for name, value in {**usual, **others}.items() if value is not None})


def requests(counts: Mapping[tuple[str, str], object]) -> str:
    """The counters, by service and code, as Traefik writes them."""
    lines = [
        f'{REQUESTS}{{code="{code}",method="GET",protocol="http",service="{name}"}} {n}' for (name, code), n in counts.items()
    ]
    return "\n".join([f"# HELP {REQUESTS} How many HTTP requests", f"# TYPE {REQUESTS} counter", *lines, ""])


def histogram(labels: str, below: Mapping[str, object]) -> str:
    """One histogram, by the edges of its buckets."""
    lines = [f'{LATENCY}_bucket{{{labels},le="{edge}"}} {count}' for edge, count in below.items()]
    return "\n".join([*lines, f"{LATENCY}_sum{{{labels}}} 0.25", f"{LATENCY}_count{{{labels}}} {below.get('+Inf', 0)}", ""])


class Gateway(Web):
    """Shows what it was told to count. Every answer took less than a tenth of a second."""

    def __init__(self, edges: Sequence[str] = EDGES) -> None:
        super().__init__(lambda _: self.said or (200, TEXT, self.text().encode()))
        self.counts: dict[tuple[str, str], int] = {}
        """By service and code."""
        self.started: float | None = None
        """When it says that it was started, in seconds since 1970."""
        self.said: tuple[int, str, bytes] | None = None
        """What it answers instead."""
        self._edges = edges

    def count(self, slot: str, code: str, number: int = 1) -> None:
        """Count so many more."""
        key = (f"api-{slot}@file", code)
        self.counts[key] = self.counts.get(key, 0) + number

    def restart(self) -> None:
        """Forget everything, and have been started just now."""
        self.counts, self.started = {}, time.time()

    def say(self, body: str, kind: str = TEXT, status: int = 200) -> None:
        """Answer so from now on."""
        self.said = status, kind, body.encode()

    def text(self) -> str:
        """What it shows."""
        text = IDLE if self.started is None else f"{IDLE}process_start_time_seconds {self.started}\n"
        if self.counts:
            text += f"# TYPE {LATENCY} histogram\n" + "".join(
                histogram(f'code="{code}",method="GET",protocol="http",service="{name}"', dict.fromkeys(self._edges, number))
                for (name, code), number in self.counts.items()
            )
            text += requests(self.counts)
        return text

    def backend(self, **others: object) -> Backend:
        """A meter of this one alone."""
        return backend(self.port, **others)
