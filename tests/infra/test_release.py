"""What a slot shall hold, and what is refused because it has traffic."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from infra.config import Document, FaultsError, Settings, validate
from infra.release import Slots, Standing, guarded, inputs_of, releases, version_of, wanted

API = {
    "kind": "http",
    "source": "api",
    "lock": "locks/{runtime}.txt",
    "command": "python -m api",
    "port": 8080,
    "env": {"LEVEL": "info", "OLD": "1"},
    "health": [{"http": "/health/"}],
}
AGENT = {"kind": "singleton", "source": "agent", "lock": "l", "command": "python -m agent", "health": [{"heartbeat": "5s"}]}
VALUES = {
    "target": "local",
    "slots": {"blue": {"runtime": "py39"}, "green": {"runtime": "py312"}},
    "services": {"api": API, "agent": AGENT},
}
ANYWAY = "or, knowing that requests may be lost: pulumi up --stack staging --config crossfade:allow-live=WORD"


def document(**values: Any) -> Document:  # noqa: ANN401 - settings as written
    """Settings with some of them replaced."""
    return Document("Pulumi.staging.yaml", {**VALUES, **values})


def settings(**values: Any) -> Settings:  # noqa: ANN401
    """Valid settings with some of them replaced."""
    return validate(document(**values))


def made(version: str = "1") -> Callable[[Any, Any, str], Mapping[str, Any]]:
    """Digests of one version of everything."""
    return lambda _, program, runtime: {"source": f"sha256:{program.source}{version}", "lock": f"sha256:{runtime}"}


def service(**changes: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """The services, with settings of the api replaced; None takes one out."""
    return {"api": {name: each for name, each in {**API, **changes}.items() if each is not None}, "agent": AGENT}


def up(standing: Standing, version: str = "1", **values: Any) -> Slots:  # noqa: ANN401
    """What would be declared."""
    asked = settings(**values)
    return guarded(wanted(asked, made(version)), standing, asked, document(**values))


def refused(standing: Standing, **values: Any) -> list[tuple[str, str, str]]:  # noqa: ANN401
    """Fault by fault: what, key and hint, with WORD for the word that would allow it."""
    with pytest.raises(FaultsError) as caught:
        up(standing, **values)
    faults = caught.value.faults
    return [(fault.what, fault.where.split(" ")[1], re.sub(r"live-[0-9a-f]{8}$", "WORD", fault.hint)) for fault in faults]


@pytest.fixture
def standing() -> Standing:
    """Blue serves; green is there, idle."""
    return Standing(wanted(settings(), made()), frozenset({"blue"}), "blue", "blue")


def test_nothing_changes_where_nothing_was_edited(standing: Standing) -> None:
    """The same settings ask for what is placed, in every slot."""
    assert up(standing) == standing.placed


def test_new_content_waits_for_the_idle_slot(standing: Standing) -> None:
    """New source goes to the slot without traffic; the one with traffic keeps what it has."""
    slots = up(standing, version="2")

    assert slots["blue"] == standing.placed["blue"]
    assert slots["green"]["api"]["source"] == "sha256:api2"


def test_the_idle_slot_may_change_in_any_way(standing: Standing) -> None:
    """Runtime, variables and command of a slot without traffic are changed as asked."""
    own = {"api": {"env": {"LEVEL": "debug"}, "command": "python -m other"}}
    slots = up(standing, slots={"blue": {"runtime": "py39"}, "green": {"runtime": "py313", "services": own}})
    api = slots["green"]["api"]

    assert slots["blue"] == standing.placed["blue"]
    assert (api["runtime"], api["env"]["LEVEL"], api["command"]) == ("py313", "debug", ["python", "-m", "other"])


def test_a_new_service_goes_to_both(standing: Standing) -> None:
    """A service that was not there before is no change of what has traffic."""
    more = {**VALUES["services"], "web": {**API, "port": 8081}}  # type: ignore[dict-item] - a literal
    slots = up(standing, services=more)

    assert set(slots["blue"]) == {"api", "agent", "web"}
    assert slots["blue"]["api"] == standing.placed["blue"]["api"]


EDITS = [
    (
        {"services": service(env={"LEVEL": "debug", "OLD": "1"})},
        "this would change env of api there",
        "crossfade:services.api.env.LEVEL",
        "put it back, and write under crossfade:slots.green:\nservices:\n  api:\n    env: {LEVEL: debug}",
    ),
    (
        {"services": service(env={"LEVEL": "info"})},
        "this would change env of api there",
        "crossfade:services.api.env.OLD",
        "keep what blue has, under crossfade:slots.blue:\nservices:\n  api:\n    env: {OLD: '1'}",
    ),
    (
        {"services": service(command="python -m other")},
        "this would change command of api there",
        "crossfade:services.api.command",
        "put it back, and write under crossfade:slots.green:\nservices:\n  api:\n    command: [python, -m, other]",
    ),
    (
        {"services": service(port=8090)},
        "this would change port of api there",
        "crossfade:services.api.port",
        "put it back: both slots share it\nport: 8080",
    ),
    (
        {"services": service(kind="sticky-http")},
        "this would change kind of api there",
        "crossfade:services.api.kind",
        "put it back: both slots share it\nkind: http",
    ),
    (
        {"slots": {"blue": {"runtime": "py313"}, "green": {"runtime": "py312"}}},
        "this would change runtime of agent, api there",
        "crossfade:slots.blue.runtime",
        "put it back, and write under crossfade:slots.green:\nruntime: py313",
    ),
    (
        {"slots": {"blue": {"runtime": "py39", "env": {"NEW": "x"}}, "green": {"runtime": "py312"}}},
        "this would change env of agent, api there",
        "crossfade:slots.blue.env.NEW",
        "put it back, and write under crossfade:slots.green:\nenv: {NEW: x}",
    ),
    (
        {"slots": {"blue": {"runtime": "py39", "services": {"api": {"env": {"NEW": "x"}}}}, "green": {"runtime": "py312"}}},
        "this would change env of api there",
        "crossfade:slots.blue.services.api.env.NEW",
        "put it back, and write under crossfade:slots.green:\nservices:\n  api:\n    env: {NEW: x}",
    ),
]


@pytest.mark.parametrize(("values", "what", "where", "hint"), EDITS, ids=[f"{each[2]} {each[3][:4]}" for each in EDITS])
def test_any_other_change_of_what_has_traffic_is_refused(
    values: dict[str, Any], what: str, where: str, hint: str, standing: Standing
) -> None:
    """One fault names the key that was edited, and what to write instead."""
    assert refused(standing, **values) == [(f"slot blue has traffic, and {what}", where, f"{hint}\n{ANYWAY}")]


@pytest.mark.parametrize("values", [each[0] for each in EDITS[:3]] + [each[0] for each in EDITS[5:]])
def test_what_is_told_to_write_instead_is_taken(values: dict[str, Any], standing: Standing) -> None:
    """The lines of the hint, written where it says, leave blue as it is and give green the change."""
    hint = refused(standing, **values)[0][2].removesuffix(f"\n{ANYWAY}")
    first, _, lines = hint.partition("\n")
    slot = first.rstrip(":").rpartition(".")[2]
    kept = values if first.startswith("keep") else {}
    place = {**VALUES["slots"][slot], **yaml.safe_load(lines)}  # type: ignore[index] - a literal
    slots = up(standing, **{**kept, "slots": {**VALUES["slots"], slot: place}})  # type: ignore[dict-item] - a literal

    assert slots["blue"] == standing.placed["blue"]
    assert slots["green"] != standing.placed["green"]


def test_a_service_with_traffic_is_not_taken_away(standing: Standing) -> None:
    """Settings without a service that has traffic are refused, and say to put it back."""
    assert refused(standing, services={"agent": AGENT}) == [
        (
            "api has traffic on slot blue, and the settings have no api any more",
            "crossfade:services",
            f"put api back under crossfade:services\n{ANYWAY}",
        )
    ]


def test_a_service_with_traffic_is_not_renamed(standing: Standing) -> None:
    """A service under another name is recognised; the hint is its old name."""
    assert refused(standing, services={"shop": API, "agent": AGENT}) == [
        (
            "api has traffic on slot blue, and the settings have no api any more",
            "crossfade:services.shop",
            f"give shop its name back: api\n{ANYWAY}",
        )
    ]


def test_a_slot_with_traffic_is_not_taken_away(standing: Standing) -> None:
    """Settings without the slot that has traffic are refused once, with the line to put back."""
    standing = Standing(standing.placed, frozenset({"green"}), "blue", "green")
    assert refused(standing, slots={"blue": {"runtime": "py39"}}) == [
        (
            "slot green has traffic, and the settings have no green any more",
            "crossfade:slots",
            f"put it back, under crossfade:slots:\ngreen: {{runtime: py312}}\n{ANYWAY}",
        )
    ]


def test_both_slots_with_traffic_are_left_alone(standing: Standing) -> None:
    """In the middle of a rollout nothing but waiting is done: new content goes nowhere."""
    busy = Standing(standing.placed, frozenset({"blue", "green"}), "blue", "blue")
    assert up(busy, version="2") == standing.placed


def test_several_changes_are_told_at_once(standing: Standing) -> None:
    """Each edited key is a fault of its own, and so is another start."""
    faults = refused(standing, services=service(port=8090, command="x"), start="green")
    assert [where for _, where, _ in faults] == [
        "crossfade:services.api.command",
        "crossfade:services.api.port",
        "crossfade:start",
    ]
    assert faults[-1][2] == "crossfade:start: blue"


def test_a_change_is_allowed_by_its_own_word(standing: Standing) -> None:
    """The word that the refusal names lets that change through, also where there is traffic, and no other change."""
    with pytest.raises(FaultsError) as caught:
        up(standing, services=service(port=8090))
    word = caught.value.faults[0].hint.rpartition("crossfade:allow-live=")[2]

    assert up(standing, services=service(port=8090), **{"allow-live": word})["blue"]["api"]["port"] == 8090
    assert refused(standing, services=service(port=8091), **{"allow-live": word})
    assert refused(standing, services=service(port=8090), **{"allow-live": "true"})


def test_a_stack_that_is_not_there_may_be_anything() -> None:
    """Where nothing is placed there is nothing to guard."""
    assert up(Standing({}, frozenset())) == wanted(settings(), made())


def test_what_is_recorded_wins(standing: Standing) -> None:
    """A slot that was recorded is placed by that; what is written is for the other one. A recorded nothing is nothing."""
    recorded = {"green": standing.placed["blue"]}
    slots = wanted(settings(recorded=recorded), made("2"))

    assert slots["green"] == standing.placed["blue"]
    assert slots["blue"]["api"]["source"] == "sha256:api2"
    assert wanted(settings(recorded={"green": {}}), made())["green"] == {}


def test_the_same_inputs_are_the_same_release() -> None:
    """Two slots with the same inputs hold the same release and show the same identity; an empty slot holds none."""
    same = wanted(settings(slots={"blue": {"runtime": "py312"}, "green": {"runtime": "py312"}}), made())
    found = releases({**same, "red": {}})

    assert found["blue"] == found["green"]
    assert set(found) == {"blue", "green"}
    assert version_of(same["blue"]["api"]) == version_of(same["green"]["api"])
    assert version_of(same["blue"]["api"]).startswith("py312-")


@pytest.mark.parametrize(
    "values",
    [
        {"services": service(env={})},
        {"services": service(port=1)},
        {"services": service(command="x")},
        {"slots": {"blue": {"runtime": "py313"}}},
        {"slots": {"blue": {"runtime": "py39", "env": {"A": 1}}}},
    ],
    ids=str,
)
def test_every_input_counts(values: dict[str, Any]) -> None:
    """Whatever a placement depends on is part of its release."""
    assert releases(wanted(settings(**values), made()))["blue"] != releases(wanted(settings(), made()))["blue"]


def test_the_nearest_variable_wins() -> None:
    """A variable of one service in one slot goes before the slot's, and that before the service's."""
    own = {"runtime": "py39", "env": {"A": "slot", "B": "slot"}, "services": {"api": {"env": {"A": "own"}}}}
    found = settings(slots={"blue": own}, services=service(env={"A": "service", "B": "service", "C": "service"}))

    assert inputs_of("api", found, "blue", made())["env"] == {"A": "own", "B": "slot", "C": "service"}
    assert "port" not in inputs_of("agent", found, "blue", made())
