"""The numbers of a user's own: what may be written, what is told of what may not, and what becomes of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.check import main
from infra.config.metrics import MetricSettings, Promql, Sql
from infra.config.plan import gates_document, plan_document
from infra.contract import Backend, Metric
from infra.targets import Site
from infra.targets.local import Local
from smoke.meters import meter
from tests.infra.config.project import Project
from tests.infra.config.test_settings import AGENT, API, hints, settings

COMMAND = "python -m ops.rejects --slot {slot}"
EXPRESSIONS = {"bad": 'late{slot="{slot}"}', "all": 'fills{slot="{slot}"}'}
PROMQL = {"url": "http://127.0.0.1:9090", **EXPRESSIONS}
SQL = {"database": "data/orders.db", "query": "select sum(rejected), count(*) from orders where slot = :slot"}
KEY = "crossfade:services.api.metrics.rejects"


def metric(**written: Any) -> Any:  # noqa: ANN401 - a setting as written
    """The services with one metric."""
    return {"api": {**API, "metrics": {"rejects": written}}}


def told(**written: Any) -> list[str]:  # noqa: ANN401
    """Key and hint of every fault of a metric; the key without that of the metric itself."""
    return [each.removeprefix(KEY).removeprefix(".") for each in hints(services=metric(**written))]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"command": COMMAND, "at_most": 0.01}, MetricSettings(command=tuple(COMMAND.split()), at_most=0.01)),
        (
            {"command": ["ops/age", "{slot}"], "above": 5, "ratio": 2},
            MetricSettings(command=("ops/age", "{slot}"), above=5, ratio=2),
        ),
        ({"promql": PROMQL, "at_most": 0}, MetricSettings(promql=Promql(**PROMQL), at_most=0)),
        (
            {"promql": {"url": "https://p/q", "value": "{slot}", "max_age": "1m"}, "above": -1.5, "at_most": 1},
            MetricSettings(promql=Promql(url="https://p/q", value="{slot}", max_age=60), above=-1.5, at_most=1),
        ),
        (
            {"sql": SQL, "at_most": 0.02, "every": "1m", "timeout": "500ms"},
            MetricSettings(sql=Sql(**SQL), at_most=0.02, every=60, timeout=0.5),
        ),
        (
            {"sql": {"database": "{slot}.db", "query": "select 1, 2"}, "at_most": 0.1},
            MetricSettings(sql=Sql(database="{slot}.db", query="select 1, 2"), at_most=0.1),
        ),
    ],
    ids=str,
)
def test_what_may_be_written(written: dict[str, Any], expected: MetricSettings) -> None:
    """Each source has its form, with bad and all or with one value and its limit."""
    assert settings(services=metric(**written)).services["api"].metrics == {"rejects": expected}


@pytest.mark.parametrize(
    ("written", "faults"),
    [
        ({"at_most": 0.01}, [f"command -> command: '{COMMAND}'"]),
        ({"command": COMMAND, "sql": SQL, "at_most": 0.01}, ["sql -> take sql out"]),
        (
            {"command": COMMAND, "promql": PROMQL, "sql": SQL, "at_most": 0.01},
            ["promql -> take promql out", "sql -> take sql out"],
        ),
        ({"command": COMMAND}, ["at_most -> at_most: 0.01"]),
        ({"command": COMMAND, "at_most": 2}, ["at_most -> at_most: 0.01"]),
        ({"command": COMMAND, "ratio": 0.5}, ["ratio -> ratio: 2.0"]),
        ({"command": COMMAND, "above": "high", "at_most": 0}, ["above -> above: 5"]),
        ({"command": COMMAND, "at_most": 0, "every": "often"}, ["every -> every: 10s"]),
        ({"command": COMMAND, "at_most": 0, "evry": "1s"}, ["evry -> every: 1s"]),
        ({"command": "python -m ops.rejects", "at_most": 0}, ["command -> put {slot} as a word of it, or in one"]),
        ({"command": "python '", "at_most": 0}, [f"command -> command: '{COMMAND}'"]),
        ({"promql": {"url": "127.0.0.1:9090", **EXPRESSIONS}, "at_most": 0}, ["promql.url -> url: 'http://127.0.0.1:9090'"]),
        ({"promql": {"url": "http://me:secret@p", **EXPRESSIONS}, "at_most": 0}, ["promql.url -> url: 'http://127.0.0.1:9090'"]),
        ({"promql": EXPRESSIONS, "at_most": 0}, ["promql.url -> url: 'http://127.0.0.1:9090'"]),
        ({"promql": {**PROMQL, "bad": None}, "at_most": 0}, ["promql.bad -> bad: 'sum(late_total{slot=\"{slot}\"})'"]),
        ({"promql": {**PROMQL, "value": "{slot}"}, "at_most": 0}, ["promql.value -> take value out"]),
        (
            {"promql": {**PROMQL, "value": "{slot}"}, "at_most": 0, "above": 1},
            ["promql.bad -> take bad out", "promql.all -> take all out"],
        ),
        (
            {"promql": {"url": "http://p"}, "at_most": 0, "above": 1},
            ["promql.value -> value: 'max(queue_age_seconds{slot=\"{slot}\"})'"],
        ),
        ({"promql": {"url": "http://p", "value": "{slot}"}, "at_most": 0}, ["above -> above: 5"]),
        ({"promql": {**PROMQL, "all": "fills"}, "at_most": 0}, ['promql.all -> put slot="{slot}" among its labels']),
        (
            {"sql": {**SQL, "query": "select 0, 1"}, "at_most": 0},
            ["sql.query -> put :slot in it, or {slot} in the path of the database"],
        ),
        ({"sql": {"query": SQL["query"]}, "at_most": 0}, ["sql.database -> database: data/orders.db"]),
    ],
    ids=str,
)
def test_what_may_not_be_written(written: dict[str, Any], faults: list[str]) -> None:
    """Whatever is broken in a metric is told at its key, with what to do."""
    assert told(**written) == faults


@pytest.mark.parametrize("name", ["Rejects", "a/b", "a--b", ""])
def test_what_is_no_name(name: str) -> None:
    """A metric's name is of the same form as every other."""
    written = {"api": {**API, "metrics": {name: {"command": COMMAND, "at_most": 0.01}}}}
    assert len(hints(services=written)) == 1


@pytest.mark.parametrize(("written", "hint"), [({}, "at_most: 0.01"), ({"at_most": 0.1}, "take ratio out")], ids=str)
def test_a_singleton_is_not_compared(written: dict[str, Any], hint: str) -> None:
    """A singleton works on one slot at a time: its metrics have an objective, and no comparison."""
    agent = {**AGENT, "metrics": {"rejects": {"command": COMMAND, "ratio": 2, **written}}}
    assert hints(services={"api": API, "agent": agent}) == [f"crossfade:services.agent.metrics.rejects.ratio -> {hint}"]


BROKEN = {
    "no source": ("at_most: 0.01", "command"),
    "no objective": (f"command: {COMMAND}", "at_most"),
    "a value without a limit": ("""at_most: 0.1\npromql:\n  url: http://p\n  value: age{slot="{slot}"}""", "above"),
    "no bad ones": ("""at_most: 0.1\npromql:\n  url: http://p\n  all: fills{slot="{slot}"}""", "promql.bad"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_lines_that_are_given_mend_it(name: str, whole: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The check tells line and key of a broken metric, and the lines that it gives leave nothing to say."""
    written, key = BROKEN[name]
    block = written.replace("\n", "\n          ")
    whole.change(
        "      env: {TRADING_EXCHANGE", f"      metrics:\n        rejects:\n          {block}\n      env: {{TRADING_EXCHANGE"
    )
    assert main(["--stack", "staging", "--project", str(whole.folder), "--json"]) == 2
    [fault] = json.loads(capsys.readouterr().out)["faults"]
    line = 18 if key == "promql.bad" else 16
    assert fault["where"] == f"Pulumi.staging.yaml:{line} {KEY}.{key}"
    whole.paste(fault["where"], fault["hint"])
    assert main(["--stack", "staging", "--project", str(whole.folder)]) == 0


def test_the_plan_has_gates_for_each() -> None:
    """Under ``service/metric`` are the service's gates, with the metric's own share and ratio; 1 and 0 where it has none."""
    written = {"rejects": {"command": COMMAND, "at_most": 0.05}, "age": {"command": COMMAND, "above": 5, "ratio": 3}}
    found = settings(services={"api": {**API, "gates": {"failures": 7}, "metrics": written}, "agent": AGENT})
    own = gates_document(found.plan.gates, found.services["api"].gates)
    assert plan_document(found)["own"] == {
        "api": own,
        "api/rejects": {**own, "errors": 0.05, "error_ratio": 0.0, "requests": 0, "split": False},
        "api/age": {**own, "errors": 1.0, "error_ratio": 3.0, "requests": 0, "split": False},
    }


def test_the_contract_has_meters_that_can_be_made(tmp_path: Path) -> None:
    """Each metric goes into the contract with its slots and whole paths, and ``smoke`` makes a meter of it."""
    written = {
        "rejects": {"command": COMMAND, "at_most": 0.01, "every": "1m"},
        "late": {"promql": PROMQL, "ratio": 2, "timeout": "1s"},
        "stale": {"sql": SQL, "at_most": 0.02, "above": 5},
    }
    found = settings(services={"api": {**API, "metrics": written}})
    service = Local(Site("staging", tmp_path)).route("api", found, {"green": None, "blue": None})
    common: dict[str, Any] = {"slots": ["blue", "green"], "timeout": 5.0}
    assert service.metrics == (
        Metric("rejects", Backend("command", {"run": COMMAND.split(), "folder": str(tmp_path), **common}), 0.01, None, 60.0),
        Metric("late", Backend("promql", {**PROMQL, "max_age": 120.0, **common, "timeout": 1.0}), None, 2.0, 10.0),
        Metric(
            "stale", Backend("sql", {**SQL, "database": str(tmp_path / SQL["database"]), **common, "above": 5}), 0.02, None, 10.0
        ),
    )
    assert all(meter(each.meter) for each in service.metrics)


def test_an_agent_may_have_metrics() -> None:
    """A singleton's metrics have objectives like any other's."""
    agent = {**AGENT, "metrics": {"rejects": {"command": COMMAND, "at_most": 0.1}}}
    assert plan_document(settings(services={"api": API, "agent": agent}))["own"]["agent/rejects"]["errors"] == 0.1
