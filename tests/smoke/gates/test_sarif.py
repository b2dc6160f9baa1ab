"""Findings as SARIF: each with its file, its line and its kind, for editors and code hosts."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from smoke.cli.gate import command


def written(folder: Path, source: str) -> tuple[Any, Any]:
    """The document, and the last line of the answer."""
    (folder / "feed.py").write_text(source, encoding="utf-8")
    file = folder / "found.sarif"
    said = CliRunner().invoke(command, ["--sarif", str(file), "removed", "3.9", "3.12", str(folder)], standalone_mode=False)
    assert said.exception is None
    return json.loads(file.read_text(encoding="utf-8")), json.loads(said.output.splitlines()[-1])


def test_each_finding_has_its_place(tmp_path: Path) -> None:
    """What fails is an error and what is caught a note; the file is named to whoever keeps the evidence."""
    document, answer = written(tmp_path, "import imp\ntry:\n    import asyncore\nexcept ImportError:\n    pass\n")
    (run,) = document["runs"]
    assert document["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"] == [{"id": "removed-module"}]
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert [each["region"]["startLine"] for each in places] == [1, 3]
    assert {each["artifactLocation"]["uri"] for each in places} == {(tmp_path / "feed.py").as_uri()}
    assert [each["level"] for each in run["results"]] == ["error", "note"]
    assert answer["files"] == [str(tmp_path / "found.sarif")]


def test_nothing_found_is_a_document_too(tmp_path: Path) -> None:
    """Whoever reads it sees that it was looked at, and nothing found."""
    document, _ = written(tmp_path, "import json\n")
    assert document["runs"][0]["results"] == []
