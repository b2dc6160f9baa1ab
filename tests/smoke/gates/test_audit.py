"""Known vulnerabilities of what is locked: asked of a service as the public one speaks, and no pass where it was not asked."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate

HASH = "--hash=sha256:" + "0" * 64


def lock(folder: Path, name: str, *lines: str) -> str:
    """A lock with these lines; its name."""
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


@dataclass
class Advisories:
    """A service of advisories, as OSV speaks, on loopback."""

    bad: dict[str, list[str]] = field(default_factory=dict)
    """By package: what is known against it."""
    severity: str = "LOW"
    """Of all of that; empty: it does not say."""
    asked: list[str] = field(default_factory=list)
    status: int = 200
    url: str = ""


@pytest.fixture(name="advisories")
def _advisories(monkeypatch: pytest.MonkeyPatch) -> Iterator[Advisories]:
    service = Advisories()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            names = [each["package"]["name"] for each in queries]
            service.asked += names
            known = [[{"id": each, "modified": "2026-01-01T00:00:00Z"} for each in service.bad.get(name, [])] for name in names]
            self.answer({"results": [{"vulns": each} if each else {} for each in known]})

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            affected = [{"package": {"ecosystem": "PyPI", "name": each}} for each, ids in service.bad.items() if name in ids]
            said = {"database_specific": {"severity": service.severity}} if service.severity else {}
            self.answer(
                {"id": name, "modified": "2026-01-01T00:00:00Z", "summary": f"{name} is bad", "affected": affected, **said}
            )

        def answer(self, document: Any) -> None:  # noqa: ANN401 - JSON
            body = json.dumps(document).encode()
            self.send_response(service.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("CROSSFADE_ADVISORIES", service.url)
        yield service
        server.shutdown()
        thread.join()


def audited(folder: Path, most: str = "0", *lines: str) -> Answer:
    """What the gate says of a lock."""
    return gate("audit")([most, sys.executable, lock(folder, "a.txt", *(lines or ("idna==3.11", "six==1.17.0")))])


@pytest.mark.processes
def test_what_is_known_is_told(tmp_path: Path, advisories: Advisories) -> None:
    """Every package is asked about, by the real uv; more findings than are allowed fail."""
    assert audited(tmp_path).outcome is Outcome.PASS
    assert sorted(advisories.asked) == ["idna", "six"]
    advisories.bad = {"six": ["PYSEC-1", "PYSEC-2"]}
    found = audited(tmp_path, "1")
    assert (found.outcome, found.value, found.n) == (Outcome.FAIL, 2, 2)
    assert found.lines[0] == "six 1.17.0: PYSEC-1, low: PYSEC-1 is bad, not mended"
    assert audited(tmp_path, "2").outcome is Outcome.PASS


@pytest.mark.processes
@pytest.mark.parametrize(("severity", "outcome"), [("CRITICAL", Outcome.FAIL), ("high", Outcome.FAIL), ("", Outcome.UNDECIDED)])
def test_one_that_is_bad_fails_however_many_may_be(
    tmp_path: Path, advisories: Advisories, severity: str, outcome: Outcome
) -> None:
    """High and critical are never allowed; of one whose severity nobody says nothing is decided."""
    advisories.bad, advisories.severity = {"six": ["PYSEC-1"]}, severity
    assert audited(tmp_path, "9").outcome is outcome


@pytest.mark.processes
def test_a_service_that_does_not_answer_is_no_pass(
    tmp_path: Path, advisories: Advisories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is broken, and where there is none, nothing was measured."""
    advisories.status = 404
    assert audited(tmp_path).outcome is Outcome.UNMEASURED
    monkeypatch.setenv("CROSSFADE_ADVISORIES", "http://127.0.0.1:1")
    answer = audited(tmp_path)
    assert (answer.outcome, answer.detail.startswith("it could not be asked: Request failed")) == (Outcome.UNMEASURED, True)


@pytest.mark.processes
def test_a_lock_that_contradicts_itself_is_no_pass(tmp_path: Path, advisories: Advisories) -> None:
    """It ends as it does with findings, and has looked at nothing; an empty lock has nothing to look at."""
    found = audited(tmp_path, "9", "six==1.17.0", "python-dateutil==2.9.0.post0", "six==1.16.0")
    assert (found.outcome, advisories.asked) == (Outcome.UNMEASURED, [])
    (tmp_path / "none.txt").write_text("# nothing\n", encoding="utf-8")
    assert gate("audit")(["0", sys.executable, str(tmp_path / "none.txt")]).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize(
    "words",
    ["audit 1 python", "audit x python a.txt", "audit 1 python /nowhere/a.txt"],
)
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    name, *rest = words.split()
    with pytest.raises(UsageError) as caught:
        gate(name)(rest)
    assert caught.value.hint
