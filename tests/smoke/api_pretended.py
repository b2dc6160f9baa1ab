"""An API server that is pretended, and says whatever a test wants: what a real one cannot be made to say."""

import json
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import yaml

from infra.contract import Json


@dataclass
class Asked:
    """One request."""

    line: str
    """Method and path, with the query."""
    form: str | None
    token: str | None
    body: Json


@dataclass
class Pretended:
    """Answers at a loopback address what it is told to; once that is used up, an empty object."""

    asked: list[Asked] = field(default_factory=list)
    answers: deque[tuple[int, dict[str, str], str]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        pretended = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                sent = self.rfile.read(int(self.headers.get("content-length", 0)))
                body = json.loads(sent) if sent else None
                token = self.headers["authorization"]
                pretended.asked.append(Asked(f"{self.command} {self.path}", self.headers["content-type"], token, body))
                status, headers, text = pretended.answers.popleft() if pretended.answers else (200, {}, "{}")
                self.send_response(status)
                for name, value in {"content-length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(text.encode())

            do_PATCH = do_POST = do_GET  # noqa: N815 - the names are http.server's

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, status: int, document: Json, **headers: str) -> None:
        """What the next request gets: a document, or a text as it is."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, document if isinstance(document, str) else json.dumps(document)))

    def refuse(self, status: int, reason: str, message: str, **details: Json) -> None:
        """The same, as an API server refuses."""
        said = {"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": message}
        self.answer(status, {**said, "details": details}, content_type="application/json")

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def write(file: Path, address: str, context: str, current: str | None = "here", **user: Json) -> None:
    """A kubeconfig with one context."""
    document = {
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": user or {"token": "first"}}],
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        **({"current-context": current} if current else {}),
    }
    file.write_text(yaml.safe_dump(document))
