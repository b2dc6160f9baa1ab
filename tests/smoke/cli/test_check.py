"""What holds for ``crossfade check`` and ``attest``: gates are asked of the release that is asked for, and stand by evidence."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from machine import free_port

from infra.contract import Backend
from smoke.errors import Exit
from tests.smoke.cli.program import bring_up, crossfade, documents
from tests.smoke.cli.shop import PLAN

pytestmark = pytest.mark.processes
CHECKS: Mapping[str, Any] = {
    "unit-tests": {
        "phase": "test",
        "command": [sys.executable, "-c", "print('412 passed')"],
        "wanted": "every test passes",
    },
    "load": {"phase": "staging", "command": [sys.executable, "-c", "raise SystemExit(int(open('status').read()))"]},
}


class Project:
    """One with settings that have gates, whose stack is up or never was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "app").mkdir()
        (folder / "app" / "app.py").write_text("", encoding="utf-8")
        (folder / "app.lock").write_text(f"nothing==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
        (folder / "status").write_text("0", encoding="utf-8")
        self.port = free_port()
        self.settle(CHECKS)

    def settle(self, checks: Mapping[str, Any], **more: Any) -> None:  # noqa: ANN401 - settings
        """Write these gates, and what else there is to settings."""
        runtime = f"py{sys.version_info.major}{sys.version_info.minor}"
        service = {"kind": "http", "source": "app", "lock": "app.lock", "command": "python -m app", "health": [{"http": "/"}]}
        config = {
            "crossfade:target": "local",
            "crossfade:slots": {slot: {"runtime": runtime} for slot in ("blue", "green")},
            "crossfade:services": {"api": {**service, "port": self.port}},
            "crossfade:checks": checks,
            **{f"crossfade:{name}": each for name, each in more.items()},
        }
        (self.folder / "Pulumi.staging.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type it."""
        return crossfade(*words, "--stack", "staging", folder=self.folder)

    def shown(self) -> Mapping[str, str]:
        """How each gate stands."""
        (document,) = documents(self.run("check", "--show", "--json").stdout)
        return {each["id"]: each["state"] for each in document["gates"]}

    def deploy(self) -> None:
        """Have the release that the settings ask for placed, and a plan that ends soon."""
        (asked,) = documents(self.run("check", "--show", "--json").stdout)
        [state] = (self.folder / ".state").rglob("staging.json")
        document: Any = json.loads(state.read_text(encoding="utf-8"))
        contract = document["checkpoint"]["latest"]["resources"][0]["outputs"]["crossfade"]
        contract |= {"plan": replace(PLAN, prove=0.1).to_json(), "releases": {**contract["releases"], "green": asked["release"]}}
        state.write_text(json.dumps(document), encoding="utf-8")

    def status(self, status: int) -> None:
        """What the gate ``load`` ends with."""
        (self.folder / "status").write_text(str(status), encoding="utf-8")


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Project:
    bring_up(tmp_path, Backend("memory", {}))
    return Project(tmp_path)


def test_nothing_is_open_before_it_is_asked(project: Project) -> None:
    """What nobody asked is not measured: that is exit 12, and nothing was run."""
    done = project.run("check", "--show")
    assert done.returncode == Exit.UNDECIDED
    assert [line.split()[:2] for line in done.stdout.splitlines()] == 2 * [["not", "measured"]]


def test_gates_are_asked_in_the_order_of_the_settings(project: Project) -> None:
    """Each says its verdict in one line, and once all are open the exit code is 0; asked anew they stand as they did."""
    done = project.run("check")
    assert done.returncode == Exit.WANTED, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["pass", "unit-tests"], ["pass", "load"]]
    assert project.shown() == {"unit-tests": "passed", "load": "passed"}


@pytest.mark.parametrize(("status", "code", "state"), [(3, Exit.GATE, "failed"), (12, Exit.UNDECIDED, "undecided")])
def test_one_that_is_shut_is_told_by_its_exit_code(project: Project, status: int, code: Exit, state: str) -> None:
    """A failure is 1, and what nobody could say is 12; the gates beside it stand as they are."""
    project.status(status)
    assert project.run("check").returncode == code
    assert project.shown() == {"unit-tests": "passed", "load": state}


def test_one_gate_or_one_phase_may_be_asked_alone(project: Project) -> None:
    """The others are not asked, and are not in the verdict."""
    assert project.run("check", "unit-tests").returncode == Exit.WANTED
    assert project.shown() == {"unit-tests": "passed", "load": "not measured"}
    assert project.run("check", "--phase", "staging", "--phase", "after").returncode == Exit.WANTED
    assert project.shown() == {"unit-tests": "passed", "load": "passed"}
    both = project.run("check", "--show", "--phase", "staging", "--phase", "test")
    assert [line.split()[2] for line in both.stdout.splitlines()] == ["unit-tests", "load"]


def test_another_release_has_to_be_asked_anew(project: Project) -> None:
    """What was found of the release before says nothing of the one that is asked for now."""
    project.run("check")
    (project.folder / "app" / "app.py").write_text("another = 1\n", encoding="utf-8")
    assert set(project.shown().values()) == {"of another release"}


def test_somebody_may_answer_for_a_gate(project: Project) -> None:
    """With a waiver a gate that failed is open, by the owner's name; one that is over, or is of no gate, does nothing."""
    project.status(1)
    project.run("check")
    waiver = {"check": "load", "owner": "bob", "why": "the load machine is away", "until": "2999-01-01"}
    project.settle(CHECKS, waivers=[waiver])
    done = project.run("check", "--show")
    assert done.returncode == Exit.WANTED
    assert "bob answers for it" in done.stdout
    project.settle(CHECKS, waivers=[{**waiver, "until": "2020-01-01"}])
    assert project.run("check", "--show").returncode == Exit.GATE
    project.settle(CHECKS, waivers=[{**waiver, "check": "laod"}])
    refused = project.run("check", "--show")
    assert (refused.returncode, "check: load" in refused.stderr) == (Exit.USAGE, True)


def test_a_person_may_say_so(project: Project) -> None:
    """An attestation opens a gate as that, with the name; it may shut one too."""
    done = project.run("attest", "load", "--why", "watched it for an hour")
    assert done.returncode == Exit.WANTED
    assert project.shown()["load"] == "attested"
    project.run("attest", "load", "--fail", "--why", "it broke down at noon")
    assert project.shown()["load"] == "failed"
    assert project.run("attest", "lood", "--why", "a").returncode == Exit.USAGE


def test_a_gate_without_a_command_is_for_people(project: Project) -> None:
    """Nobody but a person answers it: to ask it changes nothing, and says what to type; it must say what people shall say."""
    project.settle({**CHECKS, "briefed": {"phase": "prepare", "wanted": "the team was briefed"}})
    asked = project.run("check")
    assert (asked.returncode, project.shown()["briefed"]) == (Exit.UNDECIDED, "not measured")
    assert "people say so: crossfade attest briefed --why WHY" in asked.stdout
    project.run("attest", "briefed", "--why", "on Monday, all of us")
    assert (project.run("check").returncode, project.shown()["briefed"]) == (Exit.WANTED, "attested")
    project.settle({"briefed": {"phase": "prepare"}})
    refused = project.run("check")
    assert (refused.returncode, "say what answers it, by command" in refused.stderr) == (Exit.USAGE, True)


def test_a_stack_that_was_never_up_may_be_asked(tmp_path: Path) -> None:
    """Gates before the first deployment are asked of what is to come."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    project = Project(tmp_path)
    assert project.run("check").returncode == Exit.WANTED
    assert project.shown() == {"unit-tests": "passed", "load": "passed"}


def test_a_promotion_begins_with_open_gates_alone(project: Project) -> None:
    """Where the settings require a phase, a promotion whose gates of it are shut ends with 5, and begins nothing; why is said."""
    project.status(1)
    project.settle(CHECKS, requires=["staging", "test"])
    project.deploy()
    project.run("check")
    done = project.run("promote")
    assert (done.returncode, "load is failed" in done.stderr) == (Exit.POLICY, True), done.stderr
    assert "unit-tests" not in done.stderr
    assert not [*project.folder.rglob("0*.jsonl")]
    project.status(0)
    project.run("check")
    assert "gates of" not in project.run("promote").stderr
    project.settle(CHECKS, requires=["images"])
    assert "there is no gate of phase images" in project.run("promote").stderr


def test_settings_without_gates_are_told(project: Project) -> None:
    """There is nothing to be asked: that is no pass, and it is said what to write."""
    project.settle({})
    done = project.run("check")
    assert (done.returncode, "crossfade:checks:" in done.stderr) == (Exit.USAGE, True)
    project.settle(CHECKS)
    assert "there are unit-tests, load" in project.run("check", "lood").stderr
    assert "there are gates of staging, test" in project.run("check", "--phase", "after").stderr


def test_a_chain_that_was_changed_is_refused(project: Project) -> None:
    """Evidence that somebody edited opens nothing, and it is said where it is."""
    project.run("check")
    [chain] = project.folder.rglob("chain.jsonl")
    chain.write_bytes(b"".join(reversed(chain.read_bytes().splitlines(keepends=True))))
    done = project.run("check", "--show")
    assert done.returncode not in {Exit.WANTED, Exit.INTERNAL}
    assert "the chain of evidence is broken" in done.stderr


def test_the_checklist_is_computed(project: Project) -> None:
    """Every row has a state with its reason: by a gate that names it, by what does not apply, or what is missing."""
    rows = {"unit-tests": {**CHECKS["unit-tests"], "rows": [28, 109]}, "load": {**CHECKS["load"], "rows": [38]}}
    project.settle(rows, skips={"45": "we have no compose file"})
    project.status(1)
    project.run("check")
    done = project.run("checklist", "--json")
    (document,) = documents(done.stdout)
    states = {each["row"]: each["state"] for each in document["rows"]}
    assert (done.returncode, len(states)) == (Exit.UNDECIDED, 120)
    assert {number: states[number] for number in (28, 109, 38, 45, 60)} == {
        28: "measured",
        109: "measured",
        38: "failed",
        45: "not applicable",
        60: "no gate names it",
    }
    assert document["phases"]["test"] == {"rows": 12, "done": 1}


def test_the_checklist_by_phases(project: Project) -> None:
    """A phase may be shown alone, and the phases as a table; one that there is not is refused with those that there are."""
    whole = project.run("checklist", "--phases").stdout.splitlines()
    assert [line.split()[0] for line in whole] == ["prepare", "test", "images", "staging", "production", "after"]
    assert project.run("status", "--phases").stdout.splitlines() == whole
    assert json.loads(project.run("status", "--phases", "--json").stdout)["phases"]["test"]["rows"] == 12
    alone = project.run("checklist", "--phase", "test").stdout.splitlines()
    assert (alone[0], len(alone)) == ("test", 25)
    assert project.run("checklist", "--phase", "tests").returncode == Exit.USAGE
    one = project.run("checklist", "--row", "71", "--row", "72").stdout.splitlines()
    assert [line.split()[0] for line in one if line.startswith("   ") and line.split()[0].isdigit()] == ["71", "72"]
    assert project.run("checklist", "--row", "121").returncode == Exit.USAGE


def test_the_documents_of_a_migration(project: Project) -> None:
    """They are written from what was asked, name what was not, and repeat nothing that was changed since."""
    project.deploy()
    project.run("check")
    out = project.folder / "out" / "docs"
    done = project.run("guide", str(out))
    assert done.returncode == Exit.UNDECIDED, done.stderr
    assert sorted(each.name for each in out.iterdir()) == [
        "DEPENDENCY_UPDATE_PLAN.md",
        "MIGRATION_GUIDE.md",
        "SECURITY_AUDIT_REPORT.md",
    ]
    guide = (out / "MIGRATION_GUIDE.md").read_text(encoding="utf-8")
    assert "**passed** `unit-tests`: 412 passed" in guide
    assert "Not known: no gate asks types" in guide
    (document,) = documents(project.run("guide", str(out), "--json").stdout)
    assert document["whole"] is False
    (out / "blocked").touch()
    assert project.run("guide", str(out / "blocked" / "no")).returncode == Exit.USAGE
