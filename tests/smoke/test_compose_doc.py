"""The page about compose files says what the command does."""

import re
from pathlib import Path

import pytest

from smoke.cli.compose import command
from smoke.compose import Kind

PAGE = (Path(__file__).parents[2] / "docs" / "compose.md").read_text(encoding="utf-8")
DOCKERFILE = "ARG PYTHON_VERSION=3.9-slim\nFROM python:${PYTHON_VERSION}\n"


def test_the_example_is_what_comes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Output and override of the page are those of the command, whatever Compose is here."""
    theirs, ours = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    said = re.findall(r"```console\n\$ crossfade compose docker-compose.yml\n(.*?)```", PAGE, re.DOTALL)
    folder = tmp_path / "trading"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(theirs, encoding="utf-8")
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    monkeypatch.chdir(folder)
    for name in ("PULUMI_STACK", "COMPOSE_PROJECT_NAME"):
        monkeypatch.delenv(name, raising=False)
    code = command.main(["docker-compose.yml"], standalone_mode=False)

    assert code == 1
    assert [_anywhere(capsys.readouterr().out)] == [_anywhere(each) for each in said]
    assert (folder / "compose.crossfade.yaml").read_text(encoding="utf-8") == ours


def test_every_kind_of_finding_has_its_row() -> None:
    """With the exit code that it leads to."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d) \|$", PAGE, re.MULTILINE)

    assert rows == [(each.value, str(int(each.bad))) for each in Kind]


def _anywhere(said: str) -> str:
    return re.sub(r"here: [\w.]+", "here: some", said)
