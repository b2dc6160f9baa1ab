"""What is said of servers that are no cluster for us: a real connection, to one that answers as they would."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config import Document
from infra.targets.kubernetes import Kubernetes
from infra.targets.target import Site
from tests.infra.kubernetes.registered import STACK, VALUES, settings_of

Answers = Mapping[str, tuple[int, object]]
"""Status and body, by the beginning of the path; the longest that fits."""
VERSION: Answers = {"/version": (200, {"major": "1", "minor": "35"})}
EMPTY: Answers = {
    **VERSION,
    "/api": (200, {"items": []}),
    "/apis/authorization.k8s.io": (201, {"status": {"allowed": True}}),
    "/api/v1/namespaces/trading/configmaps": (404, {"message": "not found"}),
    "/apis/gateway.networking.k8s.io/v1/namespaces/trading/httproutes": (404, {"message": "page not found"}),
}


@contextmanager
def answering(folder: Path, answers: Answers) -> Iterator[Path]:
    """The kubeconfig of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            known = [path for path in answers if self.path.startswith(path)]
            status, body = answers[max(known, key=len)] if known else (404, {"message": "not found"})
            text = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Nothing: nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield kubeconfig(folder / "kubeconfig", f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join(5)


def kubeconfig(file: Path, address: str) -> Path:
    """Write one that leads there."""
    named = {"clusters": "cluster", "users": "user"}
    known: dict[str, Any] = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        **{kind: [{"name": "here", one: {"server": address} if one == "cluster" else {}}] for kind, one in named.items()},
    }
    file.write_text(yaml.safe_dump(known), encoding="utf-8")
    return file


def faults(project: Path) -> list[tuple[str, str]]:
    """What is wrong, and why."""
    found = Kubernetes(Site(STACK, project)).faults(settings_of(), Document(f"Pulumi.{STACK}.yaml", VALUES))
    return [(each.what, each.cause) for each in found]


@pytest.mark.parametrize(
    ("answers", "what", "why"),
    [
        ({"/": (401, {"message": "Unauthorized"})}, "the cluster does not know who we are", "Unauthorized"),
        ({"/": (200, "<html>")}, "the cluster does not answer", "what is no API server's"),
        ({"/": (503, {"message": "starting"})}, "the cluster does not answer", "status 503"),
        ({"/version": (200, {"major": "1", "minor": "29+"})}, "the cluster is too old", "it is 1.29"),
        ({**VERSION, "/api/v1/namespaces/trading": (404, {"message": "no"})}, "there is no namespace trading", "none is made"),
        (EMPTY, "the cluster has no Gateway API", "httproutes.gateway.networking.k8s.io"),
    ],
)
def test_what_is_no_cluster_for_us_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Answers, what: str, why: str
) -> None:
    """Each is one fault in words, and nothing is taken for missing because it could not be asked."""
    with answering(tmp_path, answers) as file:
        monkeypatch.setenv("KUBECONFIG", str(file))
        ((said, cause),) = faults(tmp_path)

    assert said == what
    assert why in cause


def test_a_kubeconfig_among_several_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a list of files those that are not there are passed over, as kubectl does."""
    with answering(tmp_path, EMPTY) as file:
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/nothing:{file}")

        assert [what for what, _ in faults(tmp_path)] == ["the cluster has no Gateway API"]


def test_a_broken_kubeconfig_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is none is told as what it is, and no trace of Python."""
    (tmp_path / "kubeconfig").write_text("contexts: [", encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    ((what, _),) = faults(tmp_path)

    assert what == "the kubeconfig leads to no cluster"
