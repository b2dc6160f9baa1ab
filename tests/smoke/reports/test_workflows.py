"""Workflows are what the settings want, are read back as they were meant, and tell every exit code of a promotion."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulation import OPENED

from smoke.errors import Exit
from smoke.reports.workflows import DEPLOY, MONTHLY, TESTS, Asked, Program, Wish, workflows

GATES = (
    Asked("unit-tests", "test", "", 600.0),
    Asked("libraries", "prepare", "delta", 600.0),
    Asked("known", "prepare", "audit", 600.0),
    Asked("reviews", "after", "", 600.0),
)
PROGRAMS = (
    Program(("api", "agent"), "services/api", "locks/{runtime}.txt"),
    Program(("pages",), "my pages", "pages-{runtime}.txt"),
)
WISH = Wish("staging", ("prod", "staging"), "local", ("py39", "py312"), PROGRAMS, GATES, OPENED.plan, "python -m pytest -q")
STAND_IN = """\
#!/bin/sh
case "$1" in
  explain) echo "$2: explained" ;;
  incident) [ "$ENDS" != 1 ] && echo "$@" ;;
  *) exit "$ENDS" ;;
esac
"""


def read(wish: Wish = WISH) -> Mapping[str, Any]:
    """Each file, as whoever reads YAML has it."""
    return {name: yaml.safe_load(text) for name, text in workflows(wish).items()}


def jobs(wish: Wish = WISH) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every job, with its file and name."""
    for name, each in read(wish).items():
        yield from ((f"{name} {job}", found) for job, found in each["jobs"].items())


def scripts(job: Mapping[str, Any]) -> str:
    """All that a job has a shell do."""
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


def test_tests_run_on_every_runtime_of_the_slots() -> None:
    """Each program has a job for each runtime, with its own lock; with one runtime left the other is gone."""
    matrix = read()[TESTS]["jobs"]["tests"]["strategy"]["matrix"]["include"]
    assert [(each["services"], each["python"], each["lock"]) for each in matrix] == [
        ("api, agent", "3.9", "locks/py39.txt"),
        ("api, agent", "3.12", "locks/py312.txt"),
        ("pages", "3.9", "pages-py39.txt"),
        ("pages", "3.12", "pages-py312.txt"),
    ]
    one = read(replace(WISH, runtimes=("py312",)))[TESTS]["jobs"]["tests"]["strategy"]["matrix"]["include"]
    assert {each["python"] for each in one} == {"3.12"}


def test_phases_without_gates_are_not_asked() -> None:
    """A phase is asked where the settings have a gate of it; without any gate there is no job that would have nothing to ask."""
    assert "--phase prepare" in scripts(read()[TESTS]["jobs"]["gates"])
    assert "--phase test" in scripts(read()[TESTS]["jobs"]["gates"])
    assert "--phase prepare" not in scripts(read(replace(WISH, gates=GATES[:1]))[TESTS]["jobs"]["gates"])
    assert list(read(replace(WISH, gates=()))[TESTS]["jobs"]) == ["tests"]


def test_what_is_asked_monthly_are_the_gates_of_the_settings() -> None:
    """The audit each week, dependencies each month, each by its name; what no gate asks is said in the file."""
    found = read()[MONTHLY]["jobs"]
    assert 'check --stack "$STACK" known' in scripts(found["audit"])
    assert 'check --stack "$STACK" libraries known' in scripts(found["dependencies"])
    assert "crossfade gate removed 3.12 3.13 services/api 'my pages'" in scripts(found["what-is-next"])
    assert {name: "if" in job for name, job in found.items()} == {"audit": False, "dependencies": True, "what-is-next": True}
    text = workflows(WISH)[MONTHLY]
    assert "# No gate of the settings asks wheels" in text
    assert "# No gate of the settings asks audit" not in text
    assert list(read(replace(WISH, gates=()))[MONTHLY]["jobs"]) == ["what-is-next"]


def test_a_gate_for_the_next_python_is_asked() -> None:
    """Where the settings have one, it has a job of its own each month."""
    own = replace(WISH, gates=(*GATES, Asked("next", "after", "runtimes", 600.0)))
    assert 'check --stack "$STACK" next\n' in f"{scripts(read(own)[MONTHLY]['jobs']['next-python'])}\n"


def test_every_job_has_a_limit_and_may_read_alone() -> None:
    """No job runs for ever, and no workflow may write; a deployment is never cancelled in its middle."""
    assert all(job["timeout-minutes"] > 0 for _, job in jobs())
    assert all(each["permissions"] == {"contents": "read"} for each in read().values())
    assert all(not job.get("permissions") for _, job in jobs())
    assert read()[DEPLOY]["concurrency"]["cancel-in-progress"] is False


def test_nothing_is_filled_into_a_script() -> None:
    """What somebody may type is given by the environment alone: no script has an expression of the code host in it."""
    for name, job in jobs():
        assert "${{" not in scripts(job), name


def test_secrets_are_given_to_one_step_and_never_to_a_deployment() -> None:
    """The passphrase is where the stack is brought up, and nowhere else."""
    assert "secrets." not in workflows(WISH)[DEPLOY]
    for name, job in jobs():
        using = [step["name"] for step in job["steps"] if "secrets." in str(step)]
        assert using in ([], ["Both slots, on this machine alone"]), name
        assert "secrets." not in str({key: each for key, each in job.items() if key != "steps"}), name


def test_actions_are_pinned_and_leave_no_key_behind() -> None:
    """Each has a major version, the file says that a hash is better, and none keeps the key of the checkout."""
    for text in workflows(WISH).values():
        assert "A commit's hash in its place is better" in text
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", each) for each in re.findall(r"uses: (\S+)", text))
    checkouts = [step for _, job in jobs() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("target", ["docker", "kubernetes"])
def test_an_engine_or_a_cluster_is_asked_from_a_runner_of_ones_own(target: str) -> None:
    """A stack of this machine is brought up on the code host's; any other is not, and no pull request gets to your own runner."""
    here, there = read()[TESTS]["jobs"]["gates"], read(replace(WISH, target=target))[TESTS]["jobs"]["gates"]
    assert (here["runs-on"], "pulumi up" in scripts(here), "if" in here) == ("ubuntu-latest", True, False)
    assert (there["runs-on"], "pulumi up" in scripts(there)) == (["self-hosted", "linux"], False)
    assert there["if"] == "${{ github.event_name == 'push' }}"
    assert read(replace(WISH, target=target))[TESTS]["jobs"]["tests"]["runs-on"] == "ubuntu-latest"


def test_a_deployment_asks_what_is_asked_before_it() -> None:
    """Of the stack that was chosen, gates of the phases before a promotion: one of `after` can be none of these."""
    job = read()[DEPLOY]["jobs"]["deploy"]
    runs = [step["run"].splitlines()[-1] for step in job["steps"] if step["name"].startswith(("Both", "Gates"))]
    assert runs[0] == 'pulumi up --stack "$STACK" --yes'
    assert runs[1].startswith('crossfade check --stack "$STACK" --phase prepare --phase test')
    assert "after" not in runs[1]
    [chosen] = yaml.load(workflows(WISH)[DEPLOY], Loader=yaml.BaseLoader)["on"]["workflow_dispatch"]["inputs"].values()  # noqa: S506 - texts alone
    assert (chosen["options"], chosen["default"], job["env"]["STACK"]) == (["prod", "staging"], "staging", "${{ inputs.stack }}")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("code", "says", "level"),
    [
        (Exit.WANTED, "promoted: users are on the version", "notice"),
        (Exit.ROLLED_BACK, "went back: users are safe on the old version", "warning"),
        (Exit.ROLLBACK_FAILED, "A PERSON IS NEEDED NOW", "error"),
        (Exit.UNDECIDED, "undecided", "warning"),
        (Exit.LOCKED, "locked", "warning"),
        (Exit.POLICY, "not begun: a gate, a window or an approval is missing", "warning"),
        (Exit.HELD, "8: explained", "error"),
        (Exit.INTERNAL, "255: explained", "error"),
    ],
)
def test_every_exit_code_of_a_promotion_is_told(code: Exit, says: str, level: str, tmp_path: Path) -> None:
    """The step ends as the promotion did, which is a success with 0 alone, and one line of the summary says what users have."""
    done = ran("Promote", code, tmp_path)
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert (done.returncode, summary.count("\n")) == (code, 1)
    assert summary.startswith(f"**staging**: {says}")
    assert done.stdout.startswith(f"::{level} title=crossfade promote::staging: {says}")
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"code={code:d}\n"


def test_a_way_back_has_its_incident_kept() -> None:
    """With 10 and 11 the incident is written and uploaded, and with no other exit code."""
    steps = {step["name"]: step for step in read()[DEPLOY]["jobs"]["deploy"]["steps"]}
    codes = {name: set(re.findall(r"code == '(\d+)'", step.get("if", ""))) for name, step in steps.items()}
    assert {name for name, each in codes.items() if each} == {"The incident", "The incident's files"}
    assert codes["The incident"] == codes["The incident's files"] == {"10", "11"}
    assert steps["The incident's files"]["uses"].startswith("actions/upload-artifact@")


@pytest.mark.processes
@pytest.mark.parametrize("told", [{"rollout": "0001-g", "phase": "aborted"}, {"exit": 11, "error": {"where": "0001-g"}}])
def test_the_incident_is_of_this_rollout(told: Mapping[str, Any], tmp_path: Path) -> None:
    """It is asked for by the name that the promotion told, so that no incident of before is taken for it."""
    (tmp_path / "promoted.json").write_text(json.dumps(told), encoding="utf-8")
    done = ran("The incident", Exit.WANTED, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "incident" / "incident.md").read_text() == "incident --stack staging 0001-g\n"
    assert (tmp_path / "incident" / "incident.html").read_text() == "incident --stack staging --html 0001-g\n"
    assert (tmp_path / "summary").read_text() == "incident --stack staging 0001-g\n"


@pytest.mark.processes
def test_a_way_back_without_traffic_has_no_incident(tmp_path: Path) -> None:
    """There is no file to upload then, and the summary says so."""
    (tmp_path / "promoted.json").write_text('{"rollout": "0001-g"}', encoding="utf-8")
    assert ran("The incident", Exit.GATE, tmp_path).returncode == 0
    assert not [*(tmp_path / "incident").iterdir()]
    assert "No incident is known" in (tmp_path / "summary").read_text()


def ran(name: str, code: Exit, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a step of the deployment as the code host does, with a program in the place of Crossfade that ends like this."""
    program = folder / "crossfade"
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    [script] = [step["run"] for step in read()[DEPLOY]["jobs"]["deploy"]["steps"] if step["name"] == name]
    places = {"GITHUB_STEP_SUMMARY": folder / "summary", "GITHUB_OUTPUT": folder / "output", "RUNNER_TEMP": folder}
    environment = {
        "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "STACK": "staging",
        "ENDS": str(int(code)),
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={**environment, **{name: str(place) for name, place in places.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
