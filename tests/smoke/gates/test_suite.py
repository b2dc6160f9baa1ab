"""One suite on every Python of a way: by a real uv, with a program in the place of pytest that writes what it is told."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.suite import Ran, judged

OLD: Mapping[str, str] = {"a": "passed", "b": "passed", "c": "skipped"}
WRITER = """
import json, os, pathlib, shlex, sys
[option] = [each for each in shlex.split(os.environ["PYTEST_ADDOPTS"]) if each.startswith("--junit-xml=")]
told = json.loads(pathlib.Path("told.json").read_text())["%d.%d" % sys.version_info[:2]]
if told["report"] is not None:
    cases = "".join("<testcase name='%s'>%s</testcase>" % pair for pair in told["report"].items())
    pathlib.Path(option.partition("=")[2]).write_text("<testsuite>%s</testsuite>" % cases)
sys.exit(told["status"])
"""
FAILS = "<failure/>"


@pytest.mark.parametrize(
    ("ran", "outcome", "says"),
    [
        ([("3.9", OLD), ("3.12", OLD)], Outcome.PASS, "2 tests pass on each of 3.9, 3.12"),
        (
            [("3.9", OLD), ("3.11", {**OLD, "b": "failed"}), ("3.12", OLD)],
            Outcome.FAIL,
            "from 3.9 to 3.11: 1 passed before and fail: b",
        ),
        ([("3.9", OLD), ("3.12", {**OLD, "a": "skipped"})], Outcome.FAIL, "from 3.9 to 3.12: 1 passed before and are skipped: a"),
        ([("3.9", OLD), ("3.11", {}), ("3.12", OLD)], Outcome.UNDECIDED, "3.11 was not asked: gone"),
        ([("3.9", OLD), ("3.11", {}), ("3.12", {"a": "passed"})], Outcome.FAIL, "2 are gone: b, c; 3.11 was not asked: gone"),
        ([("3.9", {}), ("3.12", OLD)], Outcome.UNMEASURED, "3.9 was not asked: gone"),
        ([("3.9", OLD), ("3.12", {})], Outcome.UNMEASURED, "3.12 was not asked: gone"),
    ],
)
def test_each_is_compared_with_the_first(ran: Sequence[tuple[str, Mapping[str, str]]], outcome: Outcome, says: str) -> None:
    """Wherever on the way a test breaks it fails; one that was not asked is no pass, and one without the first nothing."""
    answer = judged([Ran(python, cases, "" if cases else "gone") for python, cases in ran])
    assert answer.outcome is outcome
    assert says in answer.detail


def asked(folder: Path, told: Mapping[str, tuple[Mapping[str, str] | None, int]], monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Run it on 3.9 and on 3.12, where the program writes that report and ends with that status."""
    monkeypatch.chdir(folder)
    (folder / "none.txt").write_text("", encoding="utf-8")
    (folder / "write.py").write_text(WRITER, encoding="utf-8")
    document = {python: {"report": report, "status": status} for python, (report, status) in told.items()}
    (folder / "told.json").write_text(json.dumps(document), encoding="utf-8")
    return gate("suite")(["re ports", "3.9=none.txt", "3.12=none.txt", "python", "write.py"])


@pytest.mark.processes
def test_it_runs_on_every_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in an environment of its own version; the reports stay, and a test that fails on one of them is named."""
    well = asked(tmp_path, {"3.9": ({"a": ""}, 0), "3.12": ({"a": ""}, 0)}, monkeypatch)
    assert (well.outcome, well.n, well.files) == (Outcome.PASS, 1, ("re ports/3.9.xml", "re ports/3.12.xml"))
    ill = asked(tmp_path, {"3.9": ({"a": ""}, 0), "3.12": ({"a": FAILS}, 1)}, monkeypatch)
    assert (ill.outcome, ill.detail) == (Outcome.FAIL, "from 3.9 to 3.12: 1 passed before and fail: a")


@pytest.mark.processes
@pytest.mark.parametrize(("report", "status"), [(None, 0), (None, 1), ({"a": ""}, 2), ({"a": ""}, 5), ({}, 0)])
def test_a_run_that_did_not_come_to_an_end_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Mapping[str, str] | None, status: int
) -> None:
    """No report, an old one, a status that says that it was interrupted or had no tests, or a report of none."""
    asked(tmp_path, {"3.9": ({"a": ""}, 0), "3.12": ({"a": ""}, 0)}, monkeypatch)
    answer = asked(tmp_path, {"3.9": ({"a": ""}, 0), "3.12": (report, status)}, monkeypatch)
    assert (answer.outcome, answer.n) == (Outcome.UNMEASURED, 0)


@pytest.mark.processes
def test_a_python_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched behind anybody's back."""
    asked(tmp_path, {"3.9": ({"a": ""}, 0), "3.12": ({"a": ""}, 0)}, monkeypatch)
    answer = gate("suite")(["reports", "3.9=none.txt", "3.99=none.txt", "python", "write.py"])
    assert answer.outcome is Outcome.UNMEASURED
    assert answer.detail.startswith("3.99 was not asked: ")


def test_words_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    """Two versions that differ, with files that are there, and a command."""
    file, folder = tmp_path / "none.txt", str(tmp_path)
    file.write_text("", encoding="utf-8")
    for words in ([], [folder], [folder, f"3.9={file}", "python"], [folder, f"3.9={file}", f"3.9={file}", "python"]):
        with pytest.raises(UsageError):
            gate("suite")(words)
    for words in ([folder, f"3.9={file}", f"3.12={file}"], [folder, f"3.9={file}", f"3.12={file}.gone", "python"]):
        with pytest.raises(UsageError):
            gate("suite")(words)
