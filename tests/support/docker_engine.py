"""An engine of containers that says what a test has told it to, over a unix socket: enough of its protocol to be looked at."""

import json
import shutil
import socketserver
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self

STARTED = "2026-11-28T20:30:07.883654216Z"


def document(pid: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """What an engine says of a container that runs, as far as anybody reads it; changed in these words of its state."""
    state = {"Status": "running", "Running": True, "Paused": False, "Restarting": False, "Pid": pid, "StartedAt": STARTED}
    return {
        "Id": "1eb536b0f69aff1203658042214c28b16428be06ba27e2aacb825565f3e64504",
        "State": {**state, **changes},
        "RestartCount": 0,
        "Config": {"Labels": {"crossfade.version": "py312-0123456789ab"}},
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "127.0.0.1", "GlobalIPv6Address": ""}}},
    }


class Engine:
    """Knows the containers that it was given, by name; ``texts`` are answers that are no containers."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.texts: dict[str, str] = {}
        self.asked: list[str] = []
        """Every path that was asked for."""
        # Not pytest's folder: the path of a unix socket may have 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self.daemon = f"unix://{self._folder / 'docker.sock'}"

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body for what was asked."""
        self.asked.append(path)
        name = path.removeprefix("/containers/").removesuffix("/json")
        if name in self.texts:
            return 200, self.texts[name]
        if name in self.containers:
            return 200, json.dumps(self.containers[name])
        return 404, json.dumps({"message": f"No such container: {name}"})

    def __enter__(self) -> Self:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = engine.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def address_string(self) -> str:
                return "test"

            def log_message(self, *_: object) -> None:
                pass

        self._server = socketserver.ThreadingUnixStreamServer(self.daemon.removeprefix("unix://"), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        shutil.rmtree(self._folder)
