"""What a stack is, by what a cluster has of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from infra.targets.kubernetes.layout import Layout
from infra.targets.kubernetes.standing import Born, Seen, astray, placed, standing

OURS = {"crossfade/stack": "staging", "app.kubernetes.io/managed-by": "crossfade"}


def pods(
    service: str, slot: str | None, replicas: int = 2, kind: str = "http", labels: Mapping[str, str] = OURS
) -> Mapping[str, Any]:
    """A Deployment as the server has it."""
    own = {"crossfade/service": service, **({} if slot is None else {"crossfade/slot": slot})}
    notes = {"crossfade/inputs": json.dumps({"kind": kind, "runtime": "py39"}), "crossfade/image": "i@sha256:0"}
    name = service if slot is None else f"{service}-{slot}"
    return {"metadata": {"name": name, "labels": {**labels, **own}, "annotations": notes}, "spec": {"replicas": replicas}}


def route(blue: int | None, green: int | None, name: str = "api", rule: str = "crossfade") -> Mapping[str, Any]:
    """A route as the server has it; a weight of None is left out."""
    weights = {f"{name}-blue": blue, f"{name}-green": green}
    shares = [{"name": each, **({} if weight is None else {"weight": weight})} for each, weight in weights.items()]
    other = {"name": "another team's", "backendRefs": [{"name": "theirs", "weight": 1}]}
    return {"metadata": {"name": name, "labels": OURS}, "spec": {"rules": [other, {"name": rule, "backendRefs": shares}]}}


def birth(start: str, labels: Mapping[str, str] = OURS) -> Mapping[str, Any]:
    """The record of where it began."""
    return {"metadata": {"labels": labels}, "data": {"start": start}}


def test_an_empty_cluster_has_nothing() -> None:
    """Nothing is placed, nothing is busy, and nobody began anywhere."""
    found = standing(Seen(), "staging")

    assert (found.placed, found.busy, found.start, found.serving) == ({}, frozenset(), None, None)


def test_what_is_there_is_read() -> None:
    """Slots hold what their Deployments say; busy is who has weight; serving, who has most of all."""
    seen = Seen([pods("api", "blue"), pods("api", "green")], [route(80, 20)], birth("green"))
    found = standing(seen, "staging")

    assert found.placed == {slot: {"api": {"kind": "http", "runtime": "py39"}} for slot in ("blue", "green")}
    assert (found.busy, found.start, found.serving) == ({"blue", "green"}, "green", "blue")


def test_a_slot_without_weight_is_idle() -> None:
    """Weight zero is no traffic; a weight that is left out counts, as the API says."""
    assert standing(Seen([], [route(0, 100)]), "staging").busy == {"green"}
    assert standing(Seen([], [route(None, 0)]), "staging").busy == {"blue"}


def test_a_slot_that_browsers_are_kept_on_is_busy() -> None:
    """Without weight, but with a way for those who were there before, it has traffic; the other slot's serves."""
    mine, kept = route(0, 100), route(100, 0, rule="crossfade-blue")["spec"]["rules"]
    held = {**mine, "spec": {"rules": [*mine["spec"]["rules"], *kept]}}
    left = {**mine, "spec": {"rules": [*mine["spec"]["rules"], *route(0, 100, rule="crossfade-blue")["spec"]["rules"]]}}

    assert standing(Seen([], [held]), "staging").busy == {"blue", "green"}
    assert standing(Seen([], [held]), "staging").serving == "green"
    assert standing(Seen([], [left]), "staging").busy == {"green"}


def test_a_singleton_at_work_makes_its_slot_busy() -> None:
    """A singleton with a pod is at work, whatever the routes say; one without is not."""
    seen = Seen([pods("agent", "blue", 1, "singleton"), pods("agent", "green", 0, "singleton")], [route(0, 100)])

    assert standing(seen, "staging").busy == {"blue", "green"}
    assert standing(Seen(seen.deployments), "staging").busy == {"blue"}


def test_where_nothing_is_routed_the_slot_at_work_serves() -> None:
    """A stack of singletons, or one whose route somebody removed, goes on where it works, and not where it began."""
    seen = Seen([pods("agent", "blue", 0, "singleton"), pods("agent", "green", 1, "singleton")], [], birth("blue"))

    assert standing(seen, "staging").serving == "green"


@pytest.mark.parametrize(
    "broken",
    [
        route(100, 0, rule="another"),
        {**route(100, 0), "spec": {}},
        {**route(100, 0), "spec": {"rules": "none"}},
        {**route(100, 0), "spec": {"rules": [{"name": "crossfade", "backendRefs": [{"name": "api-blue", "weight": "x"}]}]}},
        {**route(100, 0), "spec": {"rules": [{"name": "crossfade", "backendRefs": [{"name": "api-blue", "weight": 100}]}]}},
        {**route(100, 0), "spec": {"rules": 2 * [{"name": "crossfade", "backendRefs": []}]}},
    ],
)
def test_where_nobody_can_say_nothing_may_be_touched(broken: Mapping[str, Any]) -> None:
    """A route of ours whose weights cannot be read makes both slots busy."""
    assert standing(Seen([], [broken]), "staging").busy == {"blue", "green"}


def test_what_is_others_is_none_of_ours() -> None:
    """Another stack's things, and things that nobody labelled, place nothing, have no traffic of ours and began nothing."""
    theirs = {**OURS, "crossfade/stack": "prod"}
    foreign = {**route(100, 0), "metadata": {"name": "api", "labels": theirs}}
    seen = Seen([pods("api", "blue", labels=theirs), pods("api", "green", labels={})], [foreign], birth("blue", theirs))
    found = standing(seen, "staging")

    assert (found.placed, found.busy, found.start) == ({}, frozenset(), None)


def test_what_says_nothing_that_can_be_read_is_not_placed() -> None:
    """A Deployment without its record, or with one that is no JSON, is nothing that could be put back."""
    without = {**pods("api", "blue"), "metadata": {**pods("api", "blue")["metadata"], "annotations": {}}}
    broken = {**without, "metadata": {**without["metadata"], "annotations": {"crossfade/inputs": "{"}}}

    assert placed(Seen([without, broken, pods("api", "red")]), "staging") == []


def test_a_companion_is_placed_and_in_no_slot() -> None:
    """A companion's image is known, and it makes no slot."""
    seen = Seen([pods("exchange", None)])

    assert [(each.service, each.slot, each.image) for each in placed(seen, "staging")] == [("exchange", None, "i@sha256:0")]
    assert standing(seen, "staging").placed == {}


def test_a_stack_stays_where_it_was_born() -> None:
    """Another namespace than its first thing has, or a cluster that does not have that thing, is told; its own is not."""
    born, layout = Born("trading", "0123456789abcdef", "2026-11-30T15:00:00Z"), Layout("staging", "trading", None, None)
    there = {"metadata": {"uid": "0123456789abcdef"}}

    assert astray(born, layout, there) is None
    assert "lives in namespace trading, and the settings say other" in str(
        astray(born, replace(layout, namespace="other"), there)
    )
    assert "is not where the stack was born" in str(astray(born, layout, None))
    assert "is not where the stack was born" in str(astray(born, layout, {"metadata": {"uid": "another"}}))
