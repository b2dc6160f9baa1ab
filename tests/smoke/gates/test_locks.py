"""Gates over locks: what else moves with a runtime, whether all of it comes as wheels, and what is known against it."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.locks import Pin, pins
from smoke.gates.wheels import Silent, without

HASH = "--hash=sha256:" + "0" * 64


def lock(folder: Path, name: str, *lines: str) -> str:
    """A lock with these lines; its name."""
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def test_a_lock_is_read_as_uv_writes_it(tmp_path: Path) -> None:
    """With hashes on lines of their own, extras, markers, comments and options."""
    lines = [
        "# made by uv",
        "--index-url https://index.test/simple",
        "Jinja_2[i18n]==3.1.6 \\",
        f"    {HASH} \\",
        f"    {HASH}",
        'uvloop==0.22.1 ; sys_platform != "win32"',
        "    # via uvicorn",
        "six==1.17.0  # old",
    ]
    found = pins(Path(lock(tmp_path, "a.txt", *lines)))
    assert [(pin.name, pin.version, pin.marker) for pin in found] == [
        ("jinja-2", "3.1.6", ""),
        ("uvloop", "0.22.1", 'sys_platform != "win32"'),
        ("six", "1.17.0", ""),
    ]
    assert found[0].text == f"Jinja_2[i18n]==3.1.6 {HASH} {HASH}"


@pytest.mark.parametrize("line", ["six", "six>=1.0", "six @ https://six.test/six.whl", "./local", "six==1.*"])
def test_what_pins_nothing_is_no_lock(tmp_path: Path, line: str) -> None:
    """It is told with its line, and what writes a lock."""
    with pytest.raises(UsageError) as caught:
        pins(Path(lock(tmp_path, "a.txt", "idna==3.11", line)))
    assert (caught.value.where, "uv export" in str(caught.value.hint)) == (f"{tmp_path}/a.txt:2", True)


@given(st.text(max_size=200))
def test_any_text_is_a_lock_or_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever was written, and without a traceback."""
    file = tmp_path_factory.mktemp("lock") / "a.txt"
    file.write_text(text, encoding="utf-8", newline="")
    try:
        found = pins(file)
    except UsageError:
        return
    assert all(pin.name and pin.version for pin in found)


def compared(folder: Path, before: list[str], after: list[str], most: str = "0") -> Answer:
    """What the gate says of two locks."""
    return gate("delta")([most, lock(folder, "old.txt", *before), lock(folder, "new.txt", *after)])


def test_what_else_moves_is_told(tmp_path: Path) -> None:
    """What is new, gone, newer and older; a major version counts, and of 0.x the second number does."""
    before = ["numpy==1.26.4", "fastapi==0.128.8", "idna==3.10", "gone==1.0", "tool==2.1"]
    after = ["numpy==2.0.2", "fastapi==0.165.0", "idna==3.11", "fresh==1.0", "tool==2.0"]
    found = compared(tmp_path, before, after)
    assert (found.outcome, found.value, found.n) == (Outcome.FAIL, 2, 6)
    assert found.lines == (
        "fastapi 0.128.8 to 0.165.0, a major one",
        "fresh 1.0 is new",
        "gone 1.0 is gone",
        "idna 3.10 to 3.11",
        "numpy 1.26.4 to 2.0.2, a major one",
        "tool 2.1 to 2.0",
    )
    assert compared(tmp_path, before, after, "2").outcome is Outcome.PASS


def test_locks_that_are_alike_pass(tmp_path: Path) -> None:
    """Hashes are another matter; an empty lock has measured nothing."""
    assert compared(tmp_path, ["a==1.0"], [f"A==1.0 {HASH}"]).outcome is Outcome.PASS
    assert compared(tmp_path, [], ["a==1.0"]).outcome is Outcome.UNMEASURED


def test_a_lock_for_more_than_one_runtime_cannot_be_compared(tmp_path: Path) -> None:
    """Which of two versions is installed is not in it."""
    two = ["numpy==2.0.2 ; python_version < '3.10'", "numpy==2.3.0 ; python_version >= '3.10'"]
    with pytest.raises(UsageError, match="is for more than one place"):
        compared(tmp_path, two, ["numpy==2.3.0"])


NONE = "echo 'it has no usable wheels' >&2; exit 1"


@pytest.mark.processes
@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("exit 0", []),
        (NONE, ["six 1.17.0", "idna 3.11"]),
        (f'for last; do :; done; if grep -q six "$last"; then {NONE}; fi', ["six 1.17.0"]),
    ],
    ids=["all", "none", "one"],
)
def test_packages_without_a_wheel_are_named(tmp_path: Path, script: str, names: list[str]) -> None:
    """Each of them, also where uv names the first alone."""
    assert [*without(_uv(tmp_path, script), "python3", _two(tmp_path))] == names


@pytest.mark.processes
@pytest.mark.parametrize("script", ["echo 'cause: dns error' >&2; exit 2", "kill -9 $$"])
def test_an_index_that_does_not_answer_is_no_pass(tmp_path: Path, script: str) -> None:
    """Nothing was measured then, and it is said what uv said."""
    with pytest.raises(Silent):
        without(_uv(tmp_path, script), "python3", _two(tmp_path))


@pytest.mark.processes
def test_a_real_index_is_asked(tmp_path: Path) -> None:
    """A package of pure Python has a wheel; one of before this Python has none. Without an index nothing is measured."""
    found = gate("wheels")([sys.executable, lock(tmp_path, "a.txt", "idna==3.11", "numpy==1.21.6")])
    assert found.outcome in {Outcome.FAIL, Outcome.UNMEASURED}
    if found.outcome is Outcome.FAIL:
        assert found.lines == ("numpy 1.21.6: no wheel",)


def _uv(folder: Path, script: str) -> str:
    uv = folder / "uv"
    uv.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    uv.chmod(0o755)
    return str(uv)


def _two(folder: Path) -> Sequence[Pin]:
    return pins(Path(lock(folder, "a.txt", "six==1.17.0", "idna==3.11")))


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
    assert audited(tmp_path).outcome is Outcome.UNMEASURED


@pytest.mark.processes
def test_a_lock_that_contradicts_itself_is_no_pass(tmp_path: Path, advisories: Advisories) -> None:
    """It ends as it does with findings, and has looked at nothing; an empty lock has nothing to look at."""
    found = audited(tmp_path, "9", "six==1.17.0", "python-dateutil==2.9.0.post0", "six==1.16.0")
    assert (found.outcome, advisories.asked) == (Outcome.UNMEASURED, [])
    (tmp_path / "none.txt").write_text("# nothing\n", encoding="utf-8")
    assert gate("audit")(["0", sys.executable, str(tmp_path / "none.txt")]).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize(
    "words",
    ["audit 1 python", "audit x python a.txt", "wheels python", "wheels python /nowhere/a.txt", "delta 0 a", "delta x a b"],
)
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    name, *rest = words.split()
    with pytest.raises(UsageError) as caught:
        gate(name)(rest)
    assert caught.value.hint
