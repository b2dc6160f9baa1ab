"""What holds for passwords of registries: Amazon's are asked for, by the real boto3 where it is installed."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.images import login

AMAZON = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}


def test_most_registries_are_nobodys_to_ask() -> None:
    """A registry that is none of Amazon's is one that docker's own configuration knows, or nobody."""
    assert [login(each) for each in ("registry.example.com/team", f"{AMAZON}.example.com")] == [None, None]


@contextmanager
def amazon(status: int, answer: dict[str, Any]) -> Iterator[str]:
    """A service that answers every request with this; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


def ask_amazon(address: str, missing: str = "", **environment: str) -> str:
    """What a process is told that asks there for a login, with a module that is not installed: its parts, or what is wrong."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from infra.images import RegistryError, login\n"
        f"try: found = login({AMAZON + '/team'!r}); print(found.address, found.username, found.password, found)\n"
        "except RegistryError as error: print(error)"
    )
    path = os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH"))))
    shell = {"PATH": os.defpath, "AWS_ENDPOINT_URL": address, "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere"}
    environ = {**shell, "PYTHONPATH": path, **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_amazon_gives_a_password() -> None:
    """A registry of Amazon's is asked for a password by boto3; what is printed of the login does not show it."""
    pytest.importorskip("boto3")
    token = base64.b64encode(b"AWS:tulip").decode()
    with amazon(200, {"authorizationData": [{"authorizationToken": token}]}) as address:
        said = ask_amazon(address, **KEYS)

    assert said == f"{AMAZON} AWS tulip Login(address='{AMAZON}', username='AWS')\n"


def test_amazon_refuses() -> None:
    """Who is refused, or has no credentials, is told so with the command that asks the same."""
    pytest.importorskip("boto3")
    with amazon(400, {"__type": "UnrecognizedClientException", "message": "no such key"}) as address:
        refused, nobody = ask_amazon(address, **KEYS), ask_amazon(address)

    assert "no such key" in refused
    assert "Unable to locate credentials" in nobody
    assert "try it: aws ecr get-login-password --region eu-west-1" in refused
    assert "try it: aws ecr get-login-password --region eu-west-1" in nobody


def test_amazon_without_boto3() -> None:
    """Where boto3 is not installed, what to install is said."""
    assert (
        ask_amazon("", missing="boto3") == f"{AMAZON} is asked for a password by boto3, which is not here: uv pip install boto3\n"
    )
