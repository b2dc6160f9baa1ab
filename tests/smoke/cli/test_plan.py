"""What holds for ``crossfade plan``: the steps, how long each takes with this traffic, and plans that would never decide."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from machine import free_port

from infra.contract import Backend, Json
from smoke.analysis.load import Latency
from smoke.errors import Exit
from smoke.plan import Gates, Plan, Step, Traffic
from tests.smoke.cli.program import bring_up, crossfade, documents

pytestmark = pytest.mark.processes
PLAN = Plan(tuple(Step(share, 600.0 if share == 100 else 60.0, 100, 1800.0) for share in (5, 25, 50, 100)), Gates())
GONE = Backend("envoy", {"service": "api", "admin": "/nowhere/envoy.sock"})
NOBODY: Mapping[str, Json] = {"blue": {"requests": 7, "errors": 0}}


def counted(requests: int, errors: int) -> Mapping[str, Json]:
    """What a meter says of blue, with lognormal latency."""
    upto, latency = 0, []
    assumed = Latency.assumed(1000.0)
    for edge, share in zip(assumed.grid, assumed.bins, strict=True):
        upto += share
        latency.append([edge, upto * requests // 1_000_000])
    return {"blue": {"requests": requests, "errors": errors, "latency": [*latency[:-1], [inf, requests]]}}


def scripted(*samples: Mapping[str, Json]) -> Backend:
    """A meter that says this, in this order."""
    return Backend("scripted", {"samples": list(samples)})


MEASURED = scripted(counted(100_000, 100))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose stack is up, with settings that are whole."""
    bring_up(tmp_path, Backend("memory", {}))
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("", encoding="utf-8")
    (tmp_path / "app.lock").write_text(f"nothing==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    runtime = f"py{sys.version_info.major}{sys.version_info.minor}"
    service = {"kind": "http", "source": "app", "lock": "app.lock", "command": "python -m app", "health": [{"http": "/"}]}
    config = {
        "crossfade:target": "local",
        "crossfade:slots": {slot: {"runtime": runtime} for slot in ("blue", "green")},
        "crossfade:services": {"api": {**service, "port": free_port()}},
    }
    (tmp_path / "Pulumi.staging.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")
    return tmp_path


def declare(folder: Path, plan: Plan = PLAN, meter: Backend = MEASURED, metrics: Sequence[Json] = ()) -> None:
    """Deploy another plan, or another meter."""
    [state] = (folder / ".state").rglob("staging.json")
    document: Any = json.loads(state.read_text(encoding="utf-8"))
    contract = document["checkpoint"]["latest"]["resources"][0]["outputs"]["crossfade"]
    contract["plan"] = plan.to_json()
    contract["services"][0] |= {"meter": {"kind": meter.kind, "settings": meter.settings}, "metrics": list(metrics)}
    state.write_text(json.dumps(document), encoding="utf-8")


def plan(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Ask for the plan; traffic is watched for as short as may be."""
    return crossfade("plan", "--stack", "staging", "--watch", "0.1", *options, folder=folder)


def test_a_plan_that_decides(folder: Path) -> None:
    """Every step is named with its least time and how long it takes, in one table, and nothing is on standard error."""
    declare(folder)
    done = plan(folder, "--rate", "api=100")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (Exit.WANTED, "")
    assert "  step 1   5 %: 60 s or more, 100 requests or more for each service, decided within 1800 s" in lines
    assert "  least    780 s of watched time" in lines
    assert "  api: 100 requests a second, as asked; blue fails 0.1 % of them; its latency is as measured" in lines
    head = lines.index("    step      0.5 %      1 %      5 %     10 %     20 %     50 %   errors  latency    goals    lasts")
    cells = [line.replace(" min", "m").replace(" s", "s").replace(" %", "%").split() for line in lines[head + 1 : head + 5]]
    assert [row[0] for row in cells] == ["5%", "25%", "50%", "100%"]
    assert {len(row) for row in cells} == {11}
    assert cells[3][1:3] == ["never", "never"]
    assert (cells[3][7:9], cells[3][10]) == (["-", "-"], "10m")
    assert {line.count(" in all.") for line in lines[-1:]} == {1}


def test_a_plan_that_would_never_decide(folder: Path) -> None:
    """A step that ends without a verdict is refused with what would do, after the table, which marks what is too late."""
    declare(folder)
    done = plan(folder, "--rate", "api=20")
    [row] = [line for line in done.stdout.splitlines() if line.startswith("    5 %")]
    lines = done.stderr.splitlines()
    assert done.returncode == Exit.GATE
    assert row.split()[-1] == "min*"
    assert lines[:2] == [
        "error: step 1 (5 %) would end at the limit without a verdict",
        "  where: Pulumi.staging.yaml crossfade:plan",
    ]
    assert re.fullmatch(r"  cause: api at 5 % of 20 requests a second: errors \d+ min; the limit is 30 min", lines[2])
    assert re.fullmatch(r"  hint:  step 1: share: \d+; or limit: \d+m; or gates of api: \{error_margin: 0.005\}", lines[3])
    assert lines[4:] == ["  state: api 100 % blue"]


def test_what_the_refusal_says_does(folder: Path) -> None:
    """With the share, the limit or the margin of its hint the plan is not refused any more."""
    declare(folder)
    hint = plan(folder, "--rate", "api=20").stderr
    [share, limit, margin] = [float(re.findall(rf"{word}: ([\d.]+)", hint)[0]) for word in ("share", "limit", "error_margin")]
    first, *rest = PLAN.steps
    plans = [
        replace(PLAN, steps=(replace(first, share=int(share)), *rest)),
        replace(PLAN, steps=(replace(first, limit=60.0 * limit), *rest)),
        replace(PLAN, gates=Gates(error_margin=margin)),
    ]
    for each in plans:
        declare(folder, each)
        assert plan(folder, "--rate", "api=20").returncode == Exit.WANTED


def test_for_machines(folder: Path) -> None:
    """One document has every number, in seconds, null for never; and the refusal where there is one."""
    declare(folder)
    [well], [refused] = (documents(plan(folder, "--json", "--rate", f"api={rate}").stdout) for rate in (100, 20))
    assert well["traffic"] == [{"service": "api", "rate": 100.0, "from": "as asked", "live_errors": 0.001, "latency": "measured"}]
    assert [(row["service"], row["step"], row["share"]) for row in well["foresight"]] == [
        ("api", number, step.share) for number, step in enumerate(PLAN.steps, start=1)
    ]
    last = well["foresight"][-1]
    assert (last["see_errors"]["0.005"], last["see_latency"]["1.5"], last["lasts"]) == (None, None, 600.0)
    assert set(well["foresight"][0]["certify"]) == {"errors", "latency", "error objective", "latency objective"}
    assert all(row["decides"] and row["lasts"] <= row["limit"] for row in well["foresight"])
    assert "error" not in well
    assert (refused["exit"], refused["error"]["state"]) == (Exit.GATE, "api 100 % blue")
    assert [row["decides"] for row in refused["foresight"]] == [False, True, True, True]


def test_traffic_is_measured(folder: Path) -> None:
    """Where nobody says how much is asked, two readings of the meter do: of both slots, and of blue how it answers."""
    green = {"requests": 40, "errors": 0}
    declare(folder, meter=scripted(counted(100_000, 500), {**counted(100_060, 500), "green": green}))
    [document] = documents(plan(folder, "--json").stdout)
    [traffic] = document["traffic"]
    assert 0.0 < traffic["rate"] <= 100 / 0.1
    assert traffic["from"].startswith("measured for 0.")
    assert (traffic["live_errors"], traffic["latency"]) == (pytest.approx(0.005, rel=0.01), "measured")


def test_the_traffic_that_the_plan_makes(folder: Path) -> None:
    """A stack without users has the traffic of its plan, also when the data plane is gone; what somebody asks comes before."""
    declare(folder, replace(PLAN, traffic={"api": Traffic(300.0, "/")}), GONE)
    [own], [asked] = (documents(plan(folder, "--json", *options).stdout) for options in ((), ("--rate", "api=500")))
    assert own["traffic"] == [
        {"service": "api", "rate": 300.0, "from": "made by the plan", "live_errors": 0.0001, "latency": "assumed"}
    ]
    assert asked["traffic"][0]["rate"] == 500.0
    assert own["foresight"][0]["lasts"] > asked["foresight"][0]["lasts"]


def test_without_a_data_plane(folder: Path) -> None:
    """A plan whose traffic cannot be measured is shown, and refused with the reason; not if somebody says how much it is."""
    declare(folder, meter=GONE)
    done, what_if = plan(folder), plan(folder, "--rate", "api=200")
    assert done.returncode == Exit.GATE
    assert "  least    780 s of watched time" in done.stdout.splitlines()
    assert (
        "cause: api: traffic cannot be measured: api: the proxy does not say what it counted (/nowhere/envoy.sock" in done.stderr
    )
    assert "hint:  what if: crossfade plan --rate api=100\n" in done.stderr
    assert what_if.returncode == Exit.WANTED
    assert "blue fails 0.01 % of them (assumed); its latency is unknown, taken as lognormal with sigma 0.5" in what_if.stdout


@pytest.mark.parametrize(("options", "said"), [((), r"no traffic in 0\.\d+ s"), (("--rate", "api=0"), "no traffic, as asked")])
def test_no_traffic(options: Sequence[str], said: str, folder: Path) -> None:
    """Without requests each step would end at its limit: refused, with what can be done about it."""
    declare(folder, meter=scripted(NOBODY))
    done = plan(folder, *options)
    assert done.returncode == Exit.GATE
    assert done.stderr.startswith("error: for all that is known each step would end at the limit without a verdict")
    assert re.search(rf"^  cause: api: {said}$", done.stderr, re.MULTILINE)
    assert re.search(rf"^  api: {said}$", done.stdout, re.MULTILINE)
    assert "traffic of its own: crossfade:plan.traffic.api: {rate: 100, path: /}" in done.stderr
    assert "let it pass unseen: crossfade:services.api.gates: {requests: 0}" in done.stderr


def test_a_service_that_may_pass_unseen(folder: Path) -> None:
    """Where no requests are asked, none are missed."""
    declare(folder, replace(PLAN, own={"api": Gates(requests=0)}), scripted(NOBODY))
    done = plan(folder)
    assert (done.returncode, done.stderr) == (Exit.WANTED, "")
    assert re.search(r"^  api: no traffic in 0\.\d+ s$", done.stdout, re.MULTILINE)


def test_metrics_of_your_own_are_named(folder: Path) -> None:
    """Of numbers that are no requests nothing is foreseen, which is said; they have their part of the false aborts."""
    metric = {"name": "rejects", "meter": {"kind": "scripted", "settings": {"samples": [None]}}, "at_most": 0.01, "ratio": None}
    documented = []
    for metrics in ([], [{**metric, "every": 10.0}]):
        declare(folder, metrics=metrics)
        documented += documents(plan(folder, "--json", "--rate", "api=100").stdout)
    alone, among = ([row["see_errors"]["0.05"] for row in each["foresight"]] for each in documented)
    assert "  Not foreseen: api/rejects." in plan(folder, "--rate", "api=100").stdout.splitlines()
    assert alone < among


@pytest.mark.parametrize("word", ["api", "web=3", "api=many", "api=-1", "api=nan", "api=inf", "=3"])
def test_a_rate_that_is_none(word: str, folder: Path) -> None:
    """What is no service and its requests a second is a wrong command line, with one that is right."""
    declare(folder)
    done = plan(folder, "--rate", word)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert f"error: --rate {word} is not a service and its requests a second\n" in done.stderr
    assert "  hint:  --rate api=200\n" in done.stderr
