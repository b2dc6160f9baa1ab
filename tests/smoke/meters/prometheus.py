"""Prometheus: one that is pretended and says whatever a test wants, and a real one with something to scrape."""

import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx
from machine import free_port

from infra.contract import Backend

PROMETHEUS = shutil.which("prometheus")
NEEDED = "needs Prometheus: apt-get install prometheus, or its binary on PATH"
LOOKBACK = 300.0
"""Seconds that Prometheus looks back for a sample where nothing else is asked for."""
FILLS, LATE = "fills_total", "late_total"
BAD, ALL = (f'sum({name}{{slot="{{slot}}"}})' for name in (LATE, FILLS))


def backend(port: int, **others: object) -> Backend:
    """A meter of that server; ``others`` are settings in the place of what there is, None takes one out."""
    usual = {
        "slots": ["blue", "green"],
        "timeout": 20.0,
        "url": f"http://127.0.0.1:{port}",
        "max_age": 60.0,
        "bad": BAD,
        "all": ALL,
    }
    return Backend("promql", {name: value for name, value in {**usual, **others}.items() if value is not None})


class Web:
    """Answers every GET by ``answer``, which is given the path with its query and returns status, kind and body."""

    def __init__(self, answer: Callable[[str], tuple[int, str, bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = answer(self.path)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # who asked may have had enough
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class Pretended(Web):
    """Speaks Prometheus' JSON, as a real one (2.42, and 2.43 for the lookback) does."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.series: dict[str, tuple[str, float]] = {}
        """By query: its one value, and how old that is in seconds."""
        self.said: tuple[int, bytes] | None = None
        """What it answers to everything instead."""
        self.asked: list[str] = []

    def publish(self, slot: str, *, bad: object, total: object, age: float = 0.0) -> None:
        """Let both queries of a slot have these values."""
        self.series[BAD.replace("{slot}", slot)] = str(bad), age
        self.series[ALL.replace("{slot}", slot)] = str(total), age

    def backend(self, **others: object) -> Backend:
        """A meter of this server."""
        return backend(self.port, **others)

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        asked = parse_qs(urlsplit(path).query)
        query, lookback = asked["query"][0], float(asked.get("lookback_delta", [LOOKBACK])[0])
        self.asked.append(query)
        value, age = self.series.get(query, ("", float("inf")))
        found = [{"metric": {}, "value": [time.time(), value]}] if age < lookback else []
        status, body = self.said or (200, vector(found))
        return status, "application/json", body


def vector(result: object, **others: object) -> bytes:
    """A successful answer."""
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}, **others}).encode()


class Exporter(Web):
    """What a real Prometheus scrapes."""

    def __init__(self) -> None:
        super().__init__(lambda _: (200, "text/plain; version=0.0.4", self._text()))
        self.published: Mapping[str, float] = {}

    def publish(self, **values: float) -> None:
        """Show these from now on, by name with labels."""
        self.published = {**self.published, **values}

    def add(self, *names: str) -> None:
        """Count one more of each, all at once."""
        self.publish(**{name: self.published[name] + 1 for name in names})

    def _text(self) -> bytes:
        return "".join(f"{name} {value}\n" for name, value in self.published.items()).encode()


class Prometheus:
    """The real one, scraping one exporter ten times a second."""

    def __init__(self, exporter: int) -> None:
        self._exporter = exporter
        self._folder = Path(tempfile.mkdtemp(prefix="prometheus-"))
        self.port = free_port()

    def __enter__(self) -> Self:
        target = {"job_name": "a", "static_configs": [{"targets": [f"127.0.0.1:{self._exporter}"]}]}
        config = {"global": {"scrape_interval": "100ms", "scrape_timeout": "100ms"}, "scrape_configs": [target]}
        file, log = self._folder / "prometheus.yml", self._folder / "log"
        file.write_text(json.dumps(config))
        words = [
            f"--config.file={file}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        with log.open("wb") as out:
            self._process = subprocess.Popen([str(PROMETHEUS), *words], cwd=self._folder, stdout=out, stderr=out)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._folder)

    def has(self, query: str, value: float) -> bool:
        """Whether a query has one series, with that value."""
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            answer: Any = httpx.get(f"http://127.0.0.1:{self.port}/api/v1/query", params={"query": query}, trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            return False
        return [float(each["value"][1]) for each in answer.get("data", {}).get("result", [])] == [value]

    def backend(self, **others: object) -> Backend:
        """A meter of this server."""
        return backend(self.port, **others)
