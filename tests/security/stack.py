"""A stack with everything in it that can hold something, and the shell that it is brought up from."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from machine import free_port

from infra.targets.local.machine import slot_port
from infra.targets.local.proxy import front_here
from tests.infra.local.place import Place, wait_for

SERVES = """
import http.server, json, os, pathlib
pathlib.Path(os.environ["CROSSFADE_HEARTBEAT"]).write_text("{}")
lock = os.open(pathlib.Path(os.environ["CROSSFADE_FENCE"], "fence.lock"), os.O_RDWR | os.O_CREAT)
print(json.dumps(dict(os.environ)), flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.BaseHTTPRequestHandler).serve_forever()
"""
"""Listens, beats, takes its lock, and says what it was given."""


@dataclass
class Stack:
    """A stack's folder with a service in both slots, its proxy, its fence and its supervisor."""

    place: Place
    port: int = field(default_factory=free_port)

    def make(self) -> None:
        """Bring it up; returns once both slots listen and have written what they write."""
        self.place.make("folder")
        self.place.make("fence", {"service": "api", "start": "blue"})
        self.place.make("route", {"service": "api", "start": "blue", "sticky": False})
        for slot in ("blue", "green"):
            self._program(f"api--{slot}", slot_port(self.port, slot), self.place.home.heartbeat("api", slot).name)
        front = front_here("api", self.port, "127.0.0.1").to_json()
        self.place.make("proxy", {"fronts": [front], "edges": [800], "python": sys.executable})

    def _program(self, name: str, port: int, beat: str) -> None:
        home = self.place.home
        given = {"CROSSFADE_HEARTBEAT": str(home.folder / "heartbeats" / beat), "CROSSFADE_FENCE": str(home.fence("api"))}
        spec = self.place.program(name, SERVES, port=port, PORT=str(port), **given)
        self.place.make("program", {**spec, "folders": [str(home.data("api"))]})
        wait_for(lambda: "PORT" in self.place.log(name))


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """The umask of whoever brings a stack up."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def environment(given: Mapping[str, str]) -> Iterator[None]:
    """Variables in the shell of whoever brings a stack up."""
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            del os.environ[name]
