"""Where the old version is still named: in words that can mean nothing else, and in numbers beside Python's name."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from smoke.cli.gate import command
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate

NAMED = {
    'requires-python = ">=3.9"': 'requires-python = ">=3.12"',
    "FROM python:3.9-slim-bookworm": "FROM python:3.12-slim-bookworm",
    "runtime: py39": "runtime: py312",
    "COPY .venv39 /app": "COPY .venv312 /app",
    "#!/usr/bin/env python3.9": "#!/usr/bin/env python3.12",
    "tags: cp39-cp39": "tags: cp312-cp312",
    "Python 3.9 or newer, not 3.10": "Python 3.12 or newer, not 3.10",
    "python-version: ['3.9', '3.11']": "python-version: ['3.12', '3.11']",
}
NOT_NAMED = ["price: 3.9", "Python 3.90", "Python 13.9", "happy390", "numpy 1.3.9 for python", "python: 3.9  # crossfade: seen"]


def looked(folder: Path, text: str) -> Answer:
    """What the gate says of a file."""
    (folder / "ci.yml").write_text(text, encoding="utf-8")
    return gate("mentions")(["3.9", "3.12", str(folder)])


@pytest.mark.processes
@pytest.mark.parametrize(("line", "after"), NAMED.items(), ids=NAMED)
def test_a_mention_is_found_and_rewritten(tmp_path: Path, line: str, after: str) -> None:
    """It is told with its line, and the patch has what it would be."""
    found = looked(tmp_path, f"first\n{line}\n")
    assert (found.outcome, found.value, found.n) == (Outcome.FAIL, 1, 1)
    assert [each.line for each in found.places] == [2]
    assert f"-{line}\n+{after}\n" in found.patch


@pytest.mark.processes
@pytest.mark.parametrize("line", NOT_NAMED)
def test_another_number_is_no_mention(tmp_path: Path, line: str) -> None:
    """A price, a longer number, another package's version and what somebody saw are left alone."""
    assert looked(tmp_path, line).outcome is Outcome.PASS


@pytest.mark.processes
def test_an_exact_version_is_told_and_not_rewritten(tmp_path: Path) -> None:
    """Somebody chose 3.9.18, and has to choose again."""
    found = looked(tmp_path, "python: 3.9.18\n")
    assert (found.outcome, found.patch) == (Outcome.FAIL, "")


@pytest.mark.processes
def test_the_patch_applies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git takes it as it is: also for a line without an end, for other ends, and for signs that are no ends for git."""
    monkeypatch.chdir(tmp_path)
    texts = {"one": "a\npython3.9", "two": "py39\r\nb\r\n", "three": "c\x0bd python:3.9\n\u2028e\n"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode())
    (tmp_path / "uv.lock").write_text("python3.9\n", encoding="utf-8")
    (tmp_path / "picture").write_bytes(b"\xff\xfepy39\n")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "--all"], check=True)
    (tmp_path / "scratch").write_text("py39\n", encoding="utf-8")

    said = CliRunner().invoke(command, ["--patch", "new.patch", "mentions", "3.9", "3.12", "."], standalone_mode=False)

    assert said.return_value == 1
    assert "3 lines still name Python 3.9" in said.output, "neither what git does not keep, nor locks, nor what is no text"
    subprocess.run(["git", "apply", "new.patch"], check=True)
    expected = {name: text.replace("3.9", "3.12").replace("py39", "py312") for name, text in texts.items()}
    assert {name: (tmp_path / name).read_bytes().decode() for name in texts} == expected


@pytest.mark.processes
def test_an_empty_folder_has_measured_nothing(tmp_path: Path) -> None:
    """Where nothing was read, nothing is said."""
    assert gate("mentions")(["3.9", "3.12", str(tmp_path)]).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize("words", ["3.9 3.12", "3.9 x .", "2.7 3.12 .", "3.9 3.12 /nowhere/at/all"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("mentions")(words.split())
    assert caught.value.hint
