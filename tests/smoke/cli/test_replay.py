"""What holds for ``crossfade replay``: where journals and plans come from, what is printed, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from simulation import PLAN, Simulation

from infra.contract import Backend
from smoke.cli.replay import command
from smoke.errors import CrossfadeError, Exit, GateClosed, JournalError, NoSuchStack, UsageError
from smoke.journals import FileJournal
from smoke.plan import Gates, Plan
from smoke.rollout import Event, Looked, from_record, to_record
from tests.infra.config.project import project
from tests.smoke.cli.program import bring_up, crossfade, documents

STRICT = replace(PLAN, gates=replace(PLAN.gates, error_margin=0.001, error_ratio=1.5))
LENIENT = replace(PLAN, gates=Gates(errors=1.0, error_ratio=0.0, latency_ratio=20.0))


def _rolled(plan: Plan = PLAN, errors: float = 0.0) -> list[Event]:
    simulation = Simulation()
    simulation.opened = replace(simulation.opened, plan=plan)
    simulation.sides["green"].errors = errors
    simulation.run()
    return [from_record(record) for record in simulation.journal.records("0001-abc")]


def _written(folder: Path, events: list[Event]) -> str:
    with FileJournal(folder / "journal").open("0001-abc") as writer:
        for event in events:
            writer.append(to_record(event))
    return str(folder / "journal" / "0001-abc.jsonl")


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """The journal of a rollout that promoted, as a file without a stack."""
    return _written(tmp_path, _rolled())


def _plan(folder: Path, plan: Plan | dict[str, Any]) -> str:
    file = folder / "policy.json"
    file.write_text(json.dumps(plan.to_json() if isinstance(plan, Plan) else plan), encoding="utf-8")
    return str(file)


def _said(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
    assert done.return_value == Exit.WANTED
    return done.stdout


def _refused(*arguments: str) -> CrossfadeError:
    with pytest.raises(CrossfadeError) as caught:
        _said(*arguments)
    assert caught.value.state == "nothing was changed"
    return caught.value


def test_its_own_plan(journal: str) -> None:
    """Without a plan it is the rollout's own: a line a step, the self check, and what is not judged."""
    lines = _said(journal).splitlines()

    assert lines[:2] == ["rollout 0001-abc: green (abc) beside blue", "under the plan that it had"]
    assert lines[3].split() == ["step", "share", "recorded", "under", "the", "plan", "agree"]
    assert [line[:6] for line in lines[4:8]] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert [line[8:17].strip() for line in lines[4:8]] == ["5 %", "50 %", "100 %", "hand-over"]
    assert all(line.endswith("  yes") and line.count("passed after") == 2 for line in lines[4:8])
    assert lines[9] == "self check: its own plan decides the same"
    assert lines[10].startswith("judged on counts alone: ")


def test_for_machines(journal: str, tmp_path: Path) -> None:
    """The document begins with its format, says every step, and holds the plan in a form that is a plan again."""
    said = _said(journal, "--json", "--plan", _plan(tmp_path, LENIENT))
    [document] = documents(said)

    assert said.startswith('{"format": 1, "rollout": "0001-abc", ')
    assert (document["own"], document["agrees"], document["stopped"]) == (False, True, False)
    assert Plan.from_json(document["plan"]).gates == LENIENT.gates
    assert [(step["step"], step["share"], step["agrees"]) for step in document["steps"]] == [
        (1, 5, True),
        (2, 50, True),
        (3, 100, True),
        (4, 100, True),
    ]
    first = document["steps"][0]
    assert first["recorded"] == [{"outcome": "passed", "after": first["watched"], "because": [], "counted": True}]
    assert first["replayed"][0]["after"] < first["watched"]
    [own] = documents(_said(journal, "--json"))
    assert (own["own"], own["agrees"]) == (True, True)


def test_a_plan_that_fails(tmp_path: Path) -> None:
    """A plan that would have gone back says when and why, and that the rest did not happen under it."""
    said = _said(_written(tmp_path, _rolled(LENIENT, 0.04)), "--plan", _plan(tmp_path, STRICT))
    line = [line for line in said.splitlines() if line[1:6] == " of 4"][-1]

    assert not line.startswith("4")
    assert "failed after" in line
    assert line.endswith("  no")
    assert "errors in" in said
    assert "what was recorded after this did not happen under this plan" in said


def test_a_plan_that_goes_on(tmp_path: Path) -> None:
    """A plan that would have passed the step that was taken back says that nothing is known beyond it."""
    patient = replace(PLAN, steps=(replace(PLAN.steps[0], bake=60.0, limit=100.0), *PLAN.steps[1:]))
    said = _said(_written(tmp_path, _rolled(patient, 0.12)), "--plan", _plan(tmp_path, LENIENT))

    assert "under this plan the rollout went on" in said


def test_a_plan_that_waits(journal: str, tmp_path: Path) -> None:
    """A plan that would have watched for longer than was recorded says for how long that was, and what it waits for."""
    longer = replace(PLAN, steps=tuple(replace(step, share=min(step.share * 2, 100), bake=30.0) for step in PLAN.steps))
    lines = _said(journal, "--plan", _plan(tmp_path, longer)).splitlines()

    assert "not known: recorded for 5.0 s only" in lines[[line[:6] for line in lines].index("2 of 4")]
    assert "        watched for 5.0 of 30 s at 50 %" in lines
    assert "        judged by the plan's step of 10 %" in lines


def test_what_plan_prints_is_taken_whole(journal: str, tmp_path: Path) -> None:
    """A file may hold the plan alone, or the document of ``crossfade plan --json`` around it."""
    whole = {"format": 1, "plan": LENIENT.to_json()}
    assert _said(journal, "--json", "--plan", _plan(tmp_path, whole)) == _said(
        journal, "--json", "--plan", _plan(tmp_path, LENIENT)
    )


BROKEN = {
    "no document": "nothing",
    "a list": [],
    "no steps": {**PLAN.to_json(), "steps": []},
    "an unknown gate": {**PLAN.to_json(), "gates": {"cheer": 1}},
    "a word for a number": {**PLAN.to_json(), "false_aborts": "seldom"},
    "a share that is none": {**PLAN.to_json(), "steps": [{"share": None, "bake": 1, "requests": 1, "limit": 1}]},
    "a gate of a service": {**PLAN.to_json(), "own": {"api": {"errors": -1}}},
    "no probability": {**PLAN.to_json(), "false_passes": 0},
    "a missing key": {"plan": {"steps": []}},
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan(name: str, journal: str, tmp_path: Path) -> None:
    """A file that holds no plan is a wrong command line, and names itself."""
    file = _plan(tmp_path, BROKEN[name])  # type: ignore[arg-type] - on purpose
    error = _refused(journal, "--plan", file)

    assert isinstance(error, UsageError)
    assert (error.what, error.where) == ("this is no plan", file)


def test_a_plan_that_cannot_be_read(journal: str, tmp_path: Path) -> None:
    """A plan that is not there, or is no JSON, is a wrong command line."""
    (tmp_path / "torn.json").write_text("{", encoding="utf-8")
    for name in ("nowhere.json", "torn.json"):
        error = _refused(journal, "--plan", str(tmp_path / name))
        assert (type(error), error.what) == (UsageError, "the plan cannot be read")


def test_a_journal_that_is_none(tmp_path: Path) -> None:
    """A path where there is no journal, and a name without a stack, are a wrong command line."""
    (tmp_path / "notes.txt").write_text("dear diary\n", encoding="utf-8")
    for path in (tmp_path / "0009-x.jsonl", tmp_path / "notes.txt"):
        assert (type(_refused(str(path))), _refused(str(path)).what) == (UsageError, f"there is no journal {path}")
    assert isinstance(_refused("0001-abc"), UsageError)


def test_a_journal_without_counts(tmp_path: Path) -> None:
    """What an earlier version wrote without increments is refused: nothing can be replayed from it."""
    bare = [replace(event, rows={}) if isinstance(event, Looked) else event for event in _rolled()]
    error = _refused(_written(tmp_path, bare))

    assert (type(error), error.exit, error.what) == (GateClosed, Exit.GATE, "this rollout recorded no counts")


@pytest.mark.parametrize("record", [{"event": "cheered"}, {"event": "settled", "at": 1.0}])
def test_a_journal_of_another_version(record: dict[str, Any], tmp_path: Path) -> None:
    """A record that this version does not know, or that may not come there, is told as the journal's error."""
    journal = _written(tmp_path, _rolled()[:-3])
    with FileJournal(tmp_path / "journal").open("0001-abc") as writer:
        writer.append(record)
        writer.append(record)
    error = _refused(journal)

    assert (type(error), error.where) == (JournalError, journal)
    assert "another version of Crossfade wrote it" in str(error)


def test_a_damaged_journal(journal: str) -> None:
    """A journal that is damaged in the middle is refused with the number of the line."""
    lines = Path(journal).read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b"event", b"evens")
    Path(journal).write_bytes(b"\n".join(lines))

    assert _refused(journal).what == "line 4 of the journal is damaged"


@pytest.mark.processes
def test_of_a_stack(tmp_path: Path) -> None:
    """A rollout is found by its name on its stack; another name is refused with those that there are."""
    bring_up(tmp_path, Backend("envoy", {"service": "api", "file": "/nowhere", "admin": "/nowhere"}), _rolled())
    done = crossfade("replay", "0001-abc", "--stack", "staging", "--json", folder=tmp_path)
    other = crossfade("replay", "0002-x", "--stack", "staging", "--json", folder=tmp_path)

    assert (done.returncode, done.stderr) == (Exit.WANTED, "")
    assert documents(done.stdout)[0]["agrees"] is True
    assert (other.returncode, documents(other.stdout)[0]["error"]["hint"]) == (Exit.GATE, "one of: 0001-abc")


@pytest.mark.processes
def test_of_a_file_without_a_project(journal: str, tmp_path: Path) -> None:
    """A file is replayed where there is neither a stack nor a project; only the plan of a stack needs one."""
    done = crossfade("replay", journal, folder=tmp_path)
    named = crossfade("replay", journal, "--plan", "staging", "--json", folder=tmp_path)

    assert (done.returncode, done.stderr) == (Exit.WANTED, "")
    assert "its own plan decides the same" in done.stdout
    assert (named.returncode, documents(named.stdout)[0]["error"]["what"]) == (Exit.USAGE, "this is no Crossfade project")


@pytest.mark.processes
def test_under_settings(journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of a stack is what its settings ask for now; broken settings and a stack that is not there are told as such."""
    settings = project(tmp_path)
    monkeypatch.chdir(settings.folder)
    [document] = documents(_said(journal, "--plan", "staging", "--json"))

    assert [step["share"] for step in document["plan"]["steps"]] == [10, 50, 100, 100]
    assert [step["by"]["share"] for step in document["steps"]] == [10, 50, 100, 100]
    assert isinstance(_refused(journal, "--plan", "prod"), NoSuchStack)
    settings.change("steps: [10, 50, 100]", "steps: [10, 50]")
    assert isinstance(_refused(journal, "--plan", "staging"), UsageError)
