"""What holds for ``crossfade doctor`` as a program: outside a project, in one, and beside a stack."""

from pathlib import Path

import pytest
from simulation import OPENED

from infra.contract import Backend
from smoke.doctor import MACHINE
from smoke.errors import Exit
from smoke.rollout import Failed, Proved, Shifted, Stuck
from tests.smoke.cli.program import bring_up, crossfade, documents

pytestmark = pytest.mark.processes


def test_outside_a_project(tmp_path: Path) -> None:
    """Outside a project the machine is checked all the same, and a note says that this is none."""
    done = crossfade("doctor", "--json", folder=tmp_path)
    [document] = documents(done.stdout)
    by_name = {check["name"]: check for check in document["checks"]}
    assert done.stdout.startswith('{"format": 1, ')
    assert set(MACHINE) | {"project"} <= set(by_name)
    assert by_name["project"]["verdict"] == "note"
    assert "no Pulumi.yaml here or above" in by_name["project"]["found"]


def test_the_exit_code_follows_the_checks(tmp_path: Path) -> None:
    """Exit code 1 where something is missing or too old, and 0 where not; people see the same as machines."""
    environment = {"PATH": str(tmp_path)}
    done = crossfade("doctor", folder=tmp_path, environment=environment)
    assert done.returncode == Exit.GATE
    assert "\nmissing  pulumi " in done.stdout
    [document] = documents(crossfade("doctor", "--json", folder=tmp_path, environment=environment).stdout)
    assert document["well"] is False
    assert {check["name"] for check in document["checks"] if check["verdict"] == "missing"} == {"pulumi", "language host"}
    for name, answer in {"pulumi": "v3.259.0", "pulumi-language-python": "", "pulumi-resource-pulumi-python": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho {answer}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    mended = crossfade("doctor", folder=tmp_path, environment=environment)
    assert (mended.returncode, mended.stderr) == (Exit.WANTED, "none of 9 missing or too old\n")


def _doctor(folder: Path, *arguments: str) -> dict[str, dict[str, str]]:
    """The checks of a project, by name."""
    environment = {"PULUMI_BACKEND_URL": f"file://{folder}/.state", "PULUMI_CONFIG_PASSPHRASE": ""}
    [document] = documents(crossfade("doctor", "--json", *arguments, folder=folder, environment=environment).stdout)
    return {check["name"]: check for check in document["checks"]}


def test_a_project_that_was_never_brought_up(tmp_path: Path) -> None:
    """A project is checked before its stack is up; its settings are read by the program that declares it."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    assert _doctor(tmp_path)["stack"]["fix"].startswith("write Pulumi.staging.yaml")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n", encoding="utf-8")
    checks = _doctor(tmp_path)
    assert (checks["stack"]["verdict"], checks["stack"]["fix"]) == ("note", "pulumi up --stack prod")
    assert checks["settings"]["verdict"] == "missing"
    assert (checks["state"]["verdict"], checks["passphrase"]["verdict"]) == ("ok", "note")
    (tmp_path / "Pulumi.staging.yaml").write_text("secretsprovider: awskms://x\n", encoding="utf-8")
    assert _doctor(tmp_path)["stack"]["fix"] == "crossfade doctor --stack prod"
    assert _doctor(tmp_path, "--stack", "staging")["passphrase"]["found"] == "not needed: secrets are kept by awskms"


def test_a_project_without_a_name(tmp_path: Path) -> None:
    """A project file that cannot be used is a fault, not a place outside a project."""
    (tmp_path / "Pulumi.yaml").write_text("runtime: python\n", encoding="utf-8")
    assert _doctor(tmp_path)["project"]["verdict"] == "missing"


def test_a_stack_that_is_up(tmp_path: Path) -> None:
    """Of a stack that is up, the data plane is asked for its weights, and a rollout that runs is a note."""
    bring_up(tmp_path, Backend("memory", {}), [OPENED, Proved(1.0), Shifted(2.0)])
    checks = _doctor(tmp_path)
    assert checks["stack"]["found"] == "staging is up: api"
    assert (checks["data plane"]["verdict"], checks["data plane"]["found"]) == ("ok", "api: blue 100 %, green 0 %")
    assert checks["journal"]["verdict"] == "ok"
    assert (checks["rollout"]["verdict"], checks["rollout"]["found"]) == ("note", "0001-abc is baking, 5 % on green")


def test_a_stack_in_trouble(tmp_path: Path) -> None:
    """A data plane that does not answer and a rollout that is stuck are missing, each with the command that mends it."""
    gone = Backend("envoy", {"service": "api", "file": str(tmp_path / "api.json"), "admin": "/nowhere/envoy.sock"})
    bring_up(tmp_path, gone, [OPENED, Failed(1.0, ("it fell",)), Stuck(2.0, ("no weights",))])
    checks = _doctor(tmp_path)
    assert (checks["data plane"]["verdict"], checks["data plane"]["fix"]) == ("missing", "pulumi up --stack staging")
    assert (checks["rollout"]["verdict"], checks["rollout"]["fix"]) == ("missing", "crossfade abort --stack staging")
    assert "no weights" in checks["rollout"]["found"]


def test_a_damaged_journal(tmp_path: Path) -> None:
    """A journal with a damaged record is missing, and says which file and what to do."""
    journal = bring_up(tmp_path, Backend("memory", {}), [OPENED, Proved(1.0)]) / "0001-abc.jsonl"
    journal.write_bytes(b"x" + journal.read_bytes())
    check = _doctor(tmp_path)["journal"]
    assert (check["verdict"], check["found"]) == ("missing", f"line 1 of the journal is damaged: {journal}")
    assert "keep a copy of the file" in check["fix"]


def test_a_state_that_cannot_be_read(tmp_path: Path) -> None:
    """A stack whose state is damaged is missing, and the rest is checked all the same."""
    bring_up(tmp_path, Backend("memory", {}))
    (tmp_path / ".state" / ".pulumi" / "stacks" / "shop" / "staging.json").write_text("{", encoding="utf-8")
    checks = _doctor(tmp_path)
    assert (checks["stack"]["verdict"], checks["disk"]["verdict"]) == ("missing", "ok")
