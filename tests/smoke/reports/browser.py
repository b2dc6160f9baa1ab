"""A real browser without a window, asked by its own protocol: https://chromedevtools.github.io/devtools-protocol/."""

import base64
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from machine import wait_for
from websockets.sync.client import ClientConnection, connect

_LIMIT = 60.0
"""Seconds that it may take to begin, and to answer."""
_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0", "about:blank")
_LISTENING = "DevTools listening on "


def chromium() -> str | None:
    """Where there is one; None: nowhere."""
    return next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


class Tab:
    """One page in it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.requests: list[str] = []
        """Every address that it asked, or tried to ask."""
        self.complaints: list[str] = []
        """What it would have written to its console."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """What it answers."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        return self._until(lambda said: said.get("id") == number)["result"]

    def open(self, page: Path) -> Self:
        """Have a file in it, with all that it loads."""
        self.requests.clear()
        self.complaints.clear()
        self.ask("Page.navigate", url=page.as_uri())
        self._until(lambda said: said.get("method") == "Page.loadEventFired")
        return self

    def wide(self, width: int, height: int = 800, *, dark: bool = False) -> Self:
        """See it on a screen of so many CSS pixels, by day or by night."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        return self

    def says(self, expression: str) -> Any:  # noqa: ANN401 - JSON
        """The value of an expression of its own language."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]

    def picture(self) -> bytes:
        """A picture of the whole page, as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def _until(self, wanted: Any) -> Any:  # noqa: ANN401 - a predicate, a message
        while not wanted(said := json.loads(self._socket.recv(_LIMIT))):
            if said.get("method") == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
            if said.get("method") in {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}:
                self.complaints.append(json.dumps(said["params"]))
        return said


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Tab]:
    """One that has its files in a folder, and ends with the block."""
    command = [program, f"--user-data-dir={folder / 'profile'}", *_OPTIONS]
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
    try:
        wait_for(lambda: _address(folder / "said.txt"), "the browser listens", limit=_LIMIT)
        with connect(_address(folder / "said.txt"), proxy=None, max_size=None, open_timeout=_LIMIT) as socket:
            yield Tab(socket)
    finally:
        process.terminate()
        process.wait(_LIMIT)


def _address(said: Path) -> str:
    """Where it listens, by what it said; empty: it did not say it yet."""
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return next((line.partition(_LISTENING)[2].strip() for line in lines if _LISTENING in line and line.endswith("\n")), "")
