"""What may be written, and what it means."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel

from infra.config import Document, FaultsError, Settings, read, validate
from infra.config.health import Heartbeat, Http, Run, Streamlit, Tcp, Websocket
from infra.config.hours import FreezeSettings, WindowSettings
from infra.config.metrics import MetricSettings, Promql, Sql
from infra.config.plan import objectives, plan_document
from infra.config.ports import HIGHEST, ports_of, spare_port
from infra.config.rules import in_order
from infra.config.settings import Companion, OneOfSlot, PlanSettings, Service, SlotSettings, StepSettings
from smoke.plan import Plan
from tests.infra.config.project import Project

API: dict[str, Any] = {
    "kind": "http",
    "source": "api",
    "lock": "l",
    "command": "python -m 'the api'",
    "port": 8080,
    "health": [{"http": "/health/"}],
}
AGENT: dict[str, Any] = {"kind": "singleton", "source": "a", "lock": "l", "command": ["x"], "health": [{"heartbeat": "500ms"}]}


def values(**others: Any) -> dict[str, Any]:  # noqa: ANN401 - settings as written
    """The least settings there are, with others beside."""
    return {"target": "local", "slots": {"blue": {"runtime": "py39"}}, "services": {"api": API}, **others}


def settings(**others: Any) -> Settings:  # noqa: ANN401
    """The same, validated."""
    return validate(Document("Pulumi.staging.yaml", values(**others)))


def hints(**others: Any) -> list[str]:  # noqa: ANN401
    """Key and hint of every fault."""
    with pytest.raises(FaultsError) as caught:
        settings(**others)
    return [f"{fault.where.split(' ')[1]} -> {fault.hint}" for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h", 3600), ("1.5 h", 5400), ("7", 7), (7, 7), (0.5, 0.5)]
)
def test_lengths_of_time(text: object, seconds: float) -> None:
    """A length is seconds, or a number with its unit."""
    assert settings(plan={"hold": text}).plan.hold == seconds


@pytest.mark.parametrize("text", ["", "5 parsecs", "-5s", True, None, [5], float("inf"), "5s5m"], ids=str)
def test_what_is_no_length_of_time(text: object) -> None:
    """Anything else is a fault with an example to paste."""
    assert hints(plan={"bake": text}) == ["crossfade:plan.bake -> bake: 1m"]


def test_a_limit_of_latency_is_in_milliseconds() -> None:
    """The objective of latency is milliseconds by its number, and any length by its unit."""
    found = [settings(plan={"gates": {"p95": each}}).plan.gates.p95 for each in (800, "800ms", "0.8s", "0.8")]
    assert found == [800, 800, 800, 800]


def test_checks_have_a_short_and_a_long_form() -> None:
    """Each check is a word, a word with its one setting, or a word with a mapping."""
    checks = [
        {"http": "/"},
        {"http": {"path": "/", "status": 204, "contains": "ok", "every": "2s"}},
        "tcp",
        {"tcp": {"timeout": 1}},
        {"websocket": "/ws"},
        "streamlit",
        {"heartbeat": "2s"},
        {"command": "python -m check 'a b'"},
    ]
    assert settings(services={"api": {**API, "health": checks}}).services["api"].health == (
        Http(path="/"),
        Http(path="/", status=204, contains="ok", every=2),
        Tcp(),
        Tcp(timeout=1),
        Websocket(path="/ws"),
        Streamlit(),
        Heartbeat(max_age=2),
        Run(run=("python", "-m", "check", "a b")),
    )


@pytest.mark.parametrize(
    ("check", "key", "hint"),
    [
        ("http", "[0]", "health:\n- {http: /health/}"),
        ({"http": None}, "[0].http", "http: /health/"),
        ({"http": {}}, "[0].http.path", "path: /health/"),
        ({"http": "a b"}, "[0].http", "http: /a%20b"),
        ({"http": {"path": "/", "status": "200"}}, "[0].http.status", "status: 200"),
        ({"http": "/", "tcp": None}, "[0]", "health:\n- {http: /health/}"),
        (5, "[0]", "health:\n- {http: /health/}"),
    ],
    ids=str,
)
def test_a_broken_check_is_told_as_it_was_written(check: object, key: str, hint: str) -> None:
    """The key is one that is in the file, and the hint has the form that was used."""
    assert hints(services={"api": {**API, "health": [check]}}) == [f"crossfade:services.api.health{key} -> {hint}"]


@pytest.mark.parametrize("name", ["Api", "1a", "a--b", "a-", "-a", "a.b", "a_b", "a" * 32, "", "ä"])
def test_what_is_no_name(name: str) -> None:
    """A name is a part of file names, hosts and counters: letters, digits and single hyphens."""
    with pytest.raises(FaultsError):
        settings(services={name: API})


@given(some.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True))
def test_what_is_a_name(name: str) -> None:
    """Words of letters and digits with single hyphens between them are names."""
    assert list(settings(services={name: API}).services) == [name]


@given(some.text(max_size=40))
def test_a_name_that_is_proposed_is_one(name: str) -> None:
    """Whatever was written: a name that is proposed instead is taken."""
    try:
        settings(services={name: API})
    except FaultsError as error:
        hint = error.faults[0].hint
        if hint.startswith("call it "):
            assert settings(services={hint.removeprefix("call it "): API})


@pytest.mark.parametrize("text", ["3.12", "python3.12", "Python 3.12", "py3.12", "cpython-3.12.1", "py312"])
def test_other_ways_to_name_a_runtime(text: str) -> None:
    """A runtime under another name is a fault that says how it is called here."""
    slots = {"blue": {"runtime": text}}
    assert text == "py312" or hints(slots=slots) == ["crossfade:slots.blue.runtime -> runtime: py312"]


def test_variables_are_texts() -> None:
    """Numbers and truths become the texts that a person would write."""
    env = {"A": 1, "B": 1.5, "C": True, "D": "x", "E": ""}
    found = settings(services={"api": {**API, "env": env}}).services["api"].env
    assert found == {"A": "1", "B": "1.5", "C": "true", "D": "x", "E": ""}


@pytest.mark.parametrize("name", ["PORT", "HOST", "CROSSFADE_SLOT", "", "A=B"])
def test_variables_that_are_not_a_persons(name: str) -> None:
    """What Crossfade sets itself, and what is no name, is refused wherever variables may be written."""
    for others in (
        {"services": {"api": {**API, "env": {name: "x"}}}},
        {"slots": {"blue": {"runtime": "py39", "env": {name: "x"}}}},
        {"slots": {"blue": {"runtime": "py39", "services": {"api": {"env": {name: "x"}}}}}},
    ):
        assert len(hints(**others)) == 1


def test_a_command_is_taken_apart_as_a_shell_does() -> None:
    """A text is split with regard to quotes; a list is taken as it is."""
    found = settings(services={"api": API, "agent": AGENT}).services
    assert (found["api"].command, found["agent"].command) == (("python", "-m", "the api"), ("x",))


@pytest.mark.parametrize("kind", ["services", "slots", "companions"])
def test_a_list_is_no_mapping(kind: str) -> None:
    """An empty list where names are wanted is a fault, not nothing."""
    assert [hint.split(" ")[0] for hint in hints(**{kind: []})] == [f"crossfade:{kind}"]


def test_a_better_order_keeps_what_was_written() -> None:
    """Steps that are proposed are those that were written, each once, in order, up to the whole."""
    steps = [{"share": 50, "bake": "1m"}, 10, 50]
    assert hints(plan={"steps": steps})[0].endswith("steps: [10, 50, 100]")
    assert yaml.safe_load(hints(plan={"steps": [{"share": 50, "bake": "1m"}, 10]})[0].split(" -> ")[1]) == {
        "steps": [10, {"share": 50, "bake": "1m"}, 100]
    }


def test_a_step_that_cannot_pass() -> None:
    """A step that is watched longer than it may last is told once for the plan, or at the step that says so."""
    assert hints(plan={"last": "1h"}) == ["crossfade:plan.limit -> limit: 7200s"]
    assert hints(plan={"steps": [{"share": 5, "limit": "30s"}, 100]}) == ["crossfade:plan.steps[0].limit -> limit: 120s"]


@given(some.lists(some.integers(1, 99), unique=True, max_size=5).map(sorted), some.booleans())
def test_the_plan_is_the_one_that_is_driven(shares: list[int], agent: bool) -> None:  # noqa: FBT001 - drawn
    """The driver reads the plan to the last default: steps as asked, the last one longest, singletons after all of them."""
    services = {"api": API, **({"agent": AGENT} if agent else {})}
    plan = {"steps": [*shares, 100], "bake": "2s", "last": "9s", "traffic": {"api": {"rate": 5}}, "gates": {"p95": "0.5s"}}
    document = plan_document(settings(services=services, plan=plan))
    found = Plan.from_json(document)

    assert found.to_json() == document
    assert [step.share for step in found.steps] == [*shares, 100, *([100] if agent else [])]
    assert [step.bake for step in found.steps] == [*(2.0 for _ in shares), 9.0, *([2.0] if agent else [])]
    assert [step.singletons for step in found.steps] == [*(False for _ in shares), False, *([True] if agent else [])]
    assert found.gates.p95_ms == 500
    assert found.traffic is not None
    assert found.traffic["api"].path == "/"


def test_a_service_says_what_differs_for_it() -> None:
    """Gates of a service's own are the plan's but for what it says, and their latency objective is an edge of the grid too."""
    written = settings(services={"api": {**API, "gates": {"p95": "0.25s"}}}, plan={"gates": {"errors": 0.05, "p95": "0.5s"}})
    plan = Plan.from_json(plan_document(written))

    assert (plan.gates_of("api").p95_ms, plan.gates_of("api").errors) == (250, 0.05)
    assert plan.gates_of("another") == plan.gates
    assert objectives(written) == [250, 500]


def test_a_step_says_what_differs_for_it() -> None:
    """What a step says goes before what the plan says."""
    steps = [{"share": 10, "bake": "1s", "requests": 0, "limit": "5s"}, 100]
    first, last = Plan.from_json(plan_document(settings(plan={"steps": steps, "requests": 7}))).steps

    assert (first.bake, first.requests, first.limit) == (1, 0, 5)
    assert (last.bake, last.requests, last.limit) == (600, 7, 1800)


@given(some.permutations(["a", "b", "c", "d"]), some.sets(some.tuples(some.integers(0, 3), some.integers(0, 3))))
def test_providers_come_before_consumers(names: list[str], pairs: set[tuple[int, int]]) -> None:
    """Whatever waits for whatever without a circle: each service comes once, after all that it waits for."""
    after = {name: [names[one] for one, other in sorted(pairs) if one < other and names[other] == name] for name in sorted(names)}
    found = in_order({name: Service.model_validate({**API, "after": after[name]}) for name in sorted(names)})

    assert sorted(found) == sorted(names)
    assert all(found.index(provider) < found.index(name) for name in names for provider in after[name])


@given(some.dictionaries(some.sampled_from("abcd"), some.integers(-9, HIGHEST), max_size=4), some.booleans())
def test_a_spare_port_is_spare(ports: Mapping[str, int], slotted: bool) -> None:  # noqa: FBT001 - drawn
    """A port that is proposed is nobody's, with those of its slots, and within reach."""
    written = {"services": {name: {"port": port} for name, port in ports.items()}, "companions": {"z": {"port": 8080}, "y": 5}}
    used = {8080, *(each for port in ports.values() for each in ports_of(port, slotted=True))}
    found = spare_port(written, slotted=slotted)

    assert found is not None
    assert used.isdisjoint(ports_of(found, slotted=slotted))
    assert 1 <= found <= HIGHEST


def test_no_port_is_spare() -> None:
    """Where nothing is free, nothing is proposed."""
    assert spare_port({"services": None}, free=lambda _: False) is None


def test_what_is_no_port_moves_none() -> None:
    """Beside a number that is no port, the first of ours is proposed."""
    assert spare_port({"services": {"a": {"port": -5}}}) == 8080


@pytest.mark.parametrize(
    "model",
    [
        Settings,
        SlotSettings,
        OneOfSlot,
        Service,
        MetricSettings,
        Promql,
        Sql,
        Companion,
        PlanSettings,
        StepSettings,
        WindowSettings,
        FreezeSettings,
    ],
)
def test_every_setting_has_an_example(model: type[BaseModel]) -> None:
    """Whatever may be written by hand has an example to paste; what is recorded by a revert has none."""
    assert [name for name, field in model.model_fields.items() if not field.examples] == (
        ["recorded"] if model is Settings else []
    )


def test_the_settings_are_the_same_by_every_way(whole: Project) -> None:
    """The file, read by our lines or by YAML itself, is the same settings."""
    document = read(whole.file)
    plain = yaml.safe_load(whole.file.read_text())["config"]
    assert document.values == {name.removeprefix("crossfade:"): each for name, each in plain.items()}
