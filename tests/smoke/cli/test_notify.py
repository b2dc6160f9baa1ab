"""People are told by ``crossfade notify``, which says who was."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.contract import Backend
from smoke.errors import Exit
from tests.smoke.cli.program import bring_up, documents
from tests.smoke.cli.test_check import Project

pytestmark = pytest.mark.processes
KEEPS: dict[str, Any] = {"log": {"command": ["sh", "-c", "cat >> told.jsonl"]}}
FAILS: dict[str, Any] = {"pager": {"command": ["sh", "-c", "echo no battery >&2; exit 3"]}}


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Project:
    bring_up(tmp_path, Backend("memory", {}))
    return Project(tmp_path)


def told(project: Project) -> list[Any]:
    """Every message that was kept."""
    return [json.loads(line) for line in (project.folder / "told.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_message_is_told_to_all(project: Project) -> None:
    """One that takes it is enough; who did not is named with why."""
    project.settle({}, notify=KEEPS | FAILS)
    done = project.run("notify", "3.12", "goes", "out", "at", "ten")
    assert done.returncode == Exit.WANTED
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["log", "told"],
        ["pager", "not told: sh: exit status 3 no battery"],
    ]
    assert [(each["stack"], each["text"]) for each in told(project)] == [("staging", "3.12 goes out at ten")]


def test_a_message_that_nobody_took_fails(project: Project) -> None:
    """Told to nobody is not told, and with nobody to tell the error has the lines to paste."""
    project.settle({}, notify=FAILS)
    done = project.run("notify", "hello", "--json")
    (document,) = documents(done.stdout)
    assert (done.returncode, document["places"]["pager"]["told"]) == (Exit.GATE, False)
    project.settle({})
    done = project.run("notify", "hello")
    assert (done.returncode, "crossfade:notify:" in done.stderr) == (Exit.USAGE, True)


@pytest.mark.parametrize("place", [{}, {"url_file": "a", "command": "b"}, {"form": "slack"}, {"url_file": "a", "form": "letter"}])
def test_a_place_is_an_address_or_a_command(project: Project, place: Any) -> None:  # noqa: ANN401 - settings
    """Neither, both, and a form that there is not are faults of the settings."""
    project.settle({}, notify={"team": place})
    assert project.run("notify", "hello").returncode == Exit.USAGE
