"""What holds for everything that commands say and write: no secret that a person gave, or that the shell has, is in it."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from machine import free_port

from infra.contract import Backend
from smoke.plan import Gates, Plan, Policy, Step
from tests.smoke.cli.program import bring_up, crossfade

pytestmark = [
    pytest.mark.processes,
]

CANARY = "c4nary"
SHELL = {
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}-of-aws",
    "DATABASE_PASSWORD": f"{CANARY}-of-the-database",
    "PULUMI_CONFIG_PASSPHRASE": f"{CANARY}-of-pulumi",
    "PULUMI_ACCESS_TOKEN": f"{CANARY}-of-its-service",
}
COMPLAINS = "import os, sys; sys.exit('at db://me:c4nary@h with ' + os.environ['DATABASE_PASSWORD'])"
BLABS = f"""#!/bin/sh
echo "error: $PULUMI_CONFIG_PASSPHRASE opens nothing at db://me:{CANARY}@h, AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY"
exit 0
"""
"""A Pulumi that says too much: a real one is asked to go back for half a minute where there is no real stack."""
PLAN = Plan((Step(100, 1.0, 0, 3.0),), Gates(), tick=0.05, prove=1.0, blind=0.3, policy=Policy.BACK)
COMMANDS: Sequence[Sequence[str]] = (
    ("status",),
    ("status", "--json"),
    ("plan", "--watch", "0.1"),
    ("plan", "--watch", "0.1", "--json"),
    ("smoke",),
    ("smoke", "--json"),
    ("promote", "--json-lines"),
    ("promote", "--json"),
    ("pause", "--json"),
    ("abort", "--json", "--why", f"see db://me:{CANARY}@h"),
    ("revert", "--json"),
    ("report",),
    ("report", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("status", "--json"),
)


def settings(service: Mapping[str, Any]) -> str:
    """A settings file with one service."""
    runtime = f"py{sys.version_info.major}{sys.version_info.minor}"
    common = {"kind": "http", "source": "app", "lock": "app.lock", "command": "python -m app", "health": [{"http": "/"}]}
    config = {
        "crossfade:target": "local",
        "crossfade:slots": {slot: {"runtime": runtime, "env": {"API_TOKEN": CANARY}} for slot in ("blue", "green")},
        "crossfade:services": {"api": {**common, "port": free_port(), **service}},
    }
    return json.dumps({"config": config})


def metric(name: str, kind: str, **own: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any setting
    """A metric, as the contract carries it."""
    meter = {"kind": kind, "settings": {"slots": ["blue", "green"], "timeout": 5.0, **own}}
    return {"name": name, "meter": meter, "at_most": 0.1, "ratio": None, "every": 0.2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stack that is up, with a secret wherever a person may have put one."""
    bring_up(tmp_path, Backend("memory", {}))
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("", encoding="utf-8")
    (tmp_path / "app.lock").write_text(f"nothing==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    (tmp_path / "Pulumi.staging.yaml").write_text(settings({}), encoding="utf-8")
    [state] = (tmp_path / ".state").rglob("staging.json")
    document: Any = json.loads(state.read_text(encoding="utf-8"))
    contract = document["checkpoint"]["latest"]["resources"][0]["outputs"]["crossfade"]
    contract["plan"] = PLAN.to_json()
    service = contract["services"][0]
    service["meter"] = {"kind": "scripted", "settings": {"samples": [{"blue": {"requests": 7, "errors": 0}}]}}
    service["metrics"] = [
        metric("fills", "command", run=[sys.executable, "-c", COMPLAINS, "--password", CANARY, "{slot}"], folder=str(tmp_path)),
        metric("late", "promql", url=f"http://me:{CANARY}@127.0.0.1:9", max_age=9.0, bad="a{slot}", all="b{slot}"),
    ]
    for placement in service["placements"].values():
        placement["inputs"] = {"env": {"API_TOKEN": CANARY}}
    state.write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").write_text(BLABS, encoding="utf-8")
    (tmp_path / "bin" / "pulumi").chmod(0o755)
    return tmp_path


def said(folder: Path, *words: str) -> str:
    """Everything that a command says, with its words above it."""
    done = crossfade(
        *words, "--stack", "staging", folder=folder, environment={**SHELL, "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    )
    return f"$ crossfade {words[0]} {done.returncode}\n{done.stdout}{done.stderr}"


def test_no_command_tells_a_secret(folder: Path) -> None:
    """Whatever a command says, to people or to machines, and however it ends, no secret is in it."""
    heard = {" ".join(words[:2]): said(folder, *words) for words in COMMANDS}
    [journal] = (folder / ".state" / ".crossfade").rglob("*.jsonl")
    heard["replay"] = said(folder, "replay", journal.stem)
    (folder / "Pulumi.staging.yaml").write_text(
        settings({"metrics": {"late": {"promql": {"url": f"http://me:{CANARY}@p", "bad": "a", "all": "b"}, "at_most": 0}}}),
        encoding="utf-8",
    )
    heard["broken promote"], heard["broken doctor"] = said(folder, "promote"), said(folder, "doctor", "--json")

    assert "at db://me:***@h with ***" in heard["promote --json-lines"]
    assert "http://***@p" in heard["broken promote"]
    assert "***" in heard["report"]
    assert {name: [line for line in text.splitlines() if CANARY in line] for name, text in heard.items() if CANARY in text} == {}


def test_no_secret_of_a_rollout_is_remembered(folder: Path) -> None:
    """The journal has none but what people put into a program's environment: a rollout goes back to that, exactly."""
    said(folder, "promote")
    [journal] = (folder / ".state" / ".crossfade").rglob("*.jsonl")
    records = [json.loads(line.partition(" ")[2]) for line in journal.read_text(encoding="utf-8").splitlines()]
    opened = records[0]
    kept = {slot: placed["api"].pop("env") for slot, placed in opened["inputs"].items()}

    assert len(records) > 2
    assert kept == {"blue": {"API_TOKEN": CANARY}, "green": {"API_TOKEN": CANARY}}
    assert "***" in opened["queries"]["api/fills"]
    assert [each for each in records if CANARY in json.dumps(each)] == []
    others = [each for each in journal.parent.iterdir() if each != journal]
    assert [each.name for each in others if CANARY in each.read_text(encoding="utf-8")] == []
