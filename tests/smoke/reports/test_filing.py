"""The incident report that is written by itself."""

from pathlib import Path

import pytest
from recorded import Page, failed, promoted

from smoke.errors import JournalError
from smoke.reports.filing import file_incident, keep_incident
from smoke.rollout import Event


def test_both_forms_for_their_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Markdown and a page are beside the journal, nobody else may read them, and a sentence says where they are."""
    keep_incident("0001-abc", lambda: tmp_path, failed)
    files = {each.name: each for each in tmp_path.iterdir()}

    assert sorted(files) == ["0001-abc.incident.html", "0001-abc.incident.md"]
    assert {each.stat().st_mode & 0o777 for each in files.values()} == {0o600}
    assert files["0001-abc.incident.md"].read_text(encoding="utf-8").startswith("# Incident 0001-abc: rolled back\n")
    assert Page.of(files["0001-abc.incident.html"].read_text(encoding="utf-8")).faults == []
    assert capsys.readouterr().err.startswith(f"incident report: {tmp_path}/0001-abc.incident.md and ")


def test_none_for_what_was_promoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A promotion leaves neither a file nor a word."""
    keep_incident("0001-abc", lambda: tmp_path, promoted)

    assert (list(tmp_path.iterdir()), capsys.readouterr().err) == ([], "")


def test_written_anew_it_is_the_same(tmp_path: Path) -> None:
    """Whoever comes second writes the same."""
    first = [each.read_bytes() for each in file_incident(tmp_path, "0001-abc", failed())]

    assert [each.read_bytes() for each in file_incident(tmp_path, "0001-abc", failed())] == first


def _unreadable() -> list[Event]:
    raise JournalError("line 3 of the journal is damaged")


def test_what_goes_wrong_is_said_and_harms_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it cannot be written, or the journal cannot be read, a sentence says so, and how to have it all the same."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    keep_incident("0001-abc", lambda: tmp_path / "file", failed)
    keep_incident("0001-abc", lambda: tmp_path, _unreadable)
    first, second = capsys.readouterr().err.splitlines()

    assert all(line.startswith("the incident report could not be written (") for line in (first, second))
    assert all(line.endswith("; crossfade incident 0001-abc prints it") for line in (first, second))
    assert "line 3 of the journal is damaged" in second
