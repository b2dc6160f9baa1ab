"""The things of a stack in a cluster, as the real SDK registers them."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.infra.kubernetes.registered import AGENT, VALUES, Told, api_with, declared, seen_of

BOTH = ("blue", "green")
PLACE = ("metadata.namespace",)
"""What stays of everything: in another namespace it would be made anew."""
ALL_BUT_COUNT = {"spec.selector", "spec.strategy", "spec.template", "spec.minReadySeconds"}


@pytest.fixture(scope="module", name="told")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A stack with a service and a singleton, in an empty cluster."""
    return declared(tmp_path_factory.mktemp("project"))


def test_everything_is_named_and_labelled(told: Told) -> None:
    """Whatever is made is in the namespace, and says whose it is; what is a slot's, which one."""
    for name, each in told.resources.items():
        if name == "cluster":
            continue
        metadata = each.inputs["metadata"]
        labels = metadata["labels"]
        assert metadata["namespace"] == "trading", name
        assert (labels["crossfade/stack"], labels["app.kubernetes.io/managed-by"]) == ("staging", "crossfade"), name
        if (slot := name.rpartition(" on ")[2]) in BOTH:
            assert (labels["crossfade/slot"], metadata["name"]) == (slot, f"{labels['crossfade/service']}-{slot}"), name


def test_a_slot_rolls_without_losing_one(told: Told) -> None:
    """A service has the wanted pods, and a new one before an old one goes; Pulumi waits for none."""
    found = told["pods of api on green"]

    assert (found["apiVersion"], found["kind"], found["spec"]["replicas"]) == ("apps/v1", "Deployment", 2)
    assert found["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert found["spec"]["selector"]["matchLabels"] == {
        "crossfade/stack": "staging",
        "crossfade/service": "api",
        "crossfade/slot": "green",
    }
    assert found["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert (found["spec"]["revisionHistoryLimit"], found["spec"]["progressDeadlineSeconds"]) == (2, 600)
    assert told.resources["pods of api on green"].ignored == PLACE


def test_what_was_placed_is_written_down(told: Told) -> None:
    """A Deployment says what it was placed from, and as which version; its pods say the version too, and select by neither."""
    found = told["pods of api on blue"]
    inputs = json.loads(found["metadata"]["annotations"]["crossfade/inputs"])

    assert (inputs["kind"], inputs["runtime"], inputs["image"]) == ("http", "py39", "registry.example.com/api:py39")
    assert found["metadata"]["annotations"]["crossfade/image"] == "registry.example.com/api:py39"
    label = found["metadata"]["labels"]["app.kubernetes.io/version"]
    assert label.startswith("py39-")
    assert found["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] == label


def test_both_slots_have_an_address_whatever_they_hold(tmp_path: Path) -> None:
    """A slot without pods has one too: a route never leads to what is not there. No wait for pods that do not come."""
    told = declared(tmp_path, {**VALUES, "slots": {"blue": {"runtime": "py39"}}})

    assert "pods of api on green" not in told.resources
    for slot in BOTH:
        found = told[f"address of api on {slot}"]
        assert found["spec"] == {
            "type": "ClusterIP",
            "selector": {"crossfade/stack": "staging", "crossfade/service": "api", "crossfade/slot": slot},
            "ports": [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}],
        }
        assert found["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_a_route_begins_with_all_on_one_slot_and_is_then_the_routers(told: Told) -> None:
    """One rule of ours, by its name, has both slots; once it is there nothing of the rules is declared any more."""
    found = told["route of api"]
    (rule,) = found["spec"]["rules"]

    assert (found["apiVersion"], found["kind"]) == ("gateway.networking.k8s.io/v1", "HTTPRoute")
    assert found["spec"]["parentRefs"] == [{"namespace": "gateways", "name": "public"}]
    assert "hostnames" not in found["spec"]
    assert rule == {
        "name": "crossfade",
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [
            {"name": "api-blue", "port": 8080, "weight": 100},
            {"name": "api-green", "port": 8080, "weight": 0},
        ],
    }
    assert told.resources["route of api"].ignored == (*PLACE, "spec.rules")
    assert told.resources["route of api"].needs == {"address of api on blue", "address of api on green"}


def test_a_sticky_route_keeps_browsers(tmp_path: Path) -> None:
    """Who is kept on a slot has a rule for it, which leads to both; whoever comes to a slot that is not his gets its cookie."""
    spec = declared(tmp_path, api_with(kind="sticky-http", affinity="1h"))["route of api"]["spec"]
    cookies = {slot: f"crossfade-api={slot}; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax" for slot in BOTH}

    def ends(rule: Mapping[str, Any]) -> list[tuple[str, int, str | None]]:
        modified = [
            [one["responseHeaderModifier"]["add"] for one in each.get("filters", ())] or [[{"value": None}]]
            for each in rule["backendRefs"]
        ]
        return [
            (each["name"], each["weight"], added[0][0]["value"])
            for each, added in zip(rule["backendRefs"], modified, strict=True)
        ]

    assert [rule["name"] for rule in spec["rules"]] == ["crossfade", "crossfade-blue", "crossfade-green"]
    assert [ends(rule) for rule in spec["rules"]] == [
        [("api-blue", 100, cookies["blue"]), ("api-green", 0, cookies["green"])],
        [("api-blue", 100, None), ("api-green", 0, cookies["green"])],
        [("api-blue", 100, cookies["blue"]), ("api-green", 0, None)],
    ]
    patterns = [[each["headers"][0]["value"] for each in rule["matches"]] for rule in spec["rules"][1:]]
    assert [bool(re.fullmatch(one, "a=b; crossfade-api=green; c=d")) for (one,) in patterns] == [False, True]


def test_a_door_is_what_was_written(tmp_path: Path) -> None:
    """Hosts and the listener are those of the service; a Gateway without a namespace is in the stack's own."""
    values = api_with(hosts=["api.example.com", "*.api.example.com"], listener="https")
    spec = declared(tmp_path, {**values, "kubernetes": {**VALUES["kubernetes"], "gateway": "own"}})["route of api"]["spec"]

    assert spec["parentRefs"] == [{"namespace": "trading", "name": "own", "sectionName": "https"}]
    assert spec["hostnames"] == ["api.example.com", "*.api.example.com"]


def test_envoy_is_given_something_to_tell_slots_by(tmp_path: Path) -> None:
    """Behind Envoy each slot's share has a filter, without which it counts a rule as one."""
    metrics = {"kind": "envoy", "url": ["http://10.0.0.7:19001/stats/prometheus"]}
    values = {**VALUES, "kubernetes": {**VALUES["kubernetes"], "metrics": metrics}}
    (rule,) = declared(tmp_path, values)["route of api"]["spec"]["rules"]
    found = [each["filters"][0]["requestHeaderModifier"]["set"] for each in rule["backendRefs"]]

    assert found == [[{"name": "x-crossfade-slot", "value": slot}] for slot in BOTH]


def test_a_budget_lets_one_go_at_a_time(told: Told) -> None:
    """Nodes are emptied pod by pod, and a pod that is not well hinders nobody; a singleton's single pod hinders nobody either."""
    assert told["budget of api on blue"]["spec"] == {
        "selector": {"matchLabels": {"crossfade/stack": "staging", "crossfade/service": "api", "crossfade/slot": "blue"}},
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    assert not [name for name in told.resources if name.startswith("budget of agent")]


def test_what_is_scaled_by_load_is_counted_by_nobody_else(tmp_path: Path) -> None:
    """A scaler has the number of pods from the beginning: Pulumi says it once."""
    told = declared(tmp_path, api_with(autoscale={"max": 10, "cpu": 60}, replicas=3))
    spec = told["scaler of api on green"]["spec"]

    assert told["scaler of api on green"]["apiVersion"] == "autoscaling/v2"
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 10)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api-green"}
    assert spec["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
    ]
    assert told.resources["pods of api on green"].ignored == (*PLACE, "spec.replicas")


def test_what_a_rollout_holds_is_left_to_it(tmp_path: Path) -> None:
    """While a rollout has raised an autoscaler's least number Pulumi changes the rest of it alone; another's note is not ours."""
    values = api_with(autoscale={"max": 10}, replicas=3)
    told = declared(tmp_path, values)
    note = {"crossfade/least": "3"}
    ours = {"metadata": {**told["scaler of api on green"]["metadata"], "annotations": note}}
    other = {"metadata": {"name": "api-blue", "labels": {"crossfade/stack": "other"}, "annotations": note}}
    again = declared(tmp_path, values, seen=replace(seen_of(told), scalers=[ours, other]))

    assert again.resources["scaler of api on green"].ignored == (*PLACE, "spec.minReplicas")
    assert again.resources["scaler of api on blue"].ignored == PLACE
    assert told.resources["scaler of api on green"].ignored == PLACE


def test_a_singleton_is_at_work_once(told: Told) -> None:
    """One slot begins with a pod, the other with none; an old one is gone before a new one comes; the rest is the hand-over's."""
    found = {slot: told[f"pods of agent on {slot}"]["spec"] for slot in BOTH}

    assert {slot: each["replicas"] for slot, each in found.items()} == {"blue": 1, "green": 0}
    assert all(each["strategy"] == {"type": "Recreate"} for each in found.values())
    assert {told.resources[f"pods of agent on {slot}"].ignored for slot in BOTH} == {(*PLACE, "spec.replicas")}
    assert not [name for name in told.resources if name.startswith(("address of agent", "route of agent"))]


def test_a_singleton_is_never_begun_beside_itself(tmp_path: Path, told: Told) -> None:
    """While one works on blue, a slot that is made anew has none, also where it has the traffic."""
    seen = seen_of(told, weights={"blue": 0, "green": 100}, counts={"agent-blue": 1}, without={"agent-green"})

    assert declared(tmp_path, seen=seen)["pods of agent on green"]["spec"]["replicas"] == 0


def test_what_has_traffic_is_left_alone_but_for_its_number(tmp_path: Path, told: Told) -> None:
    """Of the live slot's pods nothing changes but how many there are; the other slot's are ours to change."""
    again = declared(tmp_path, seen=seen_of(told))

    assert set(again.resources["pods of api on blue"].ignored) >= ALL_BUT_COUNT
    assert "spec.replicas" not in again.resources["pods of api on blue"].ignored
    assert again.resources["address of api on blue"].ignored == (*PLACE, "*")
    assert again.resources["pods of agent on blue"].ignored == (*PLACE, "*")
    assert again.resources["pods of api on green"].ignored == PLACE


def test_declared_again_it_is_the_same(tmp_path: Path, told: Told) -> None:
    """Where everything is as it was made, the same is declared; wherever the traffic is by then, but for where it began."""
    again = declared(tmp_path, seen=seen_of(told))

    assert {name: each.inputs for name, each in again.resources.items()} == {
        name: each.inputs for name, each in told.resources.items()
    }
    assert again.born == told.born == "2026-11-30T15:00:00Z-01234567"


def test_where_it_began_is_written_once(tmp_path: Path, told: Told) -> None:
    """The slot that served first is on record from the first moment, and nothing that comes later writes it anew."""
    assert told["birth"]["data"] == {"start": "blue"}
    assert told["birth"]["metadata"]["name"] == "crossfade-staging"
    assert declared(tmp_path, {**VALUES, "start": "green"}).resources["birth"].ignored == (*PLACE, "*")


def test_a_companion_is_beside_the_slots(tmp_path: Path) -> None:
    """It has its pods and its address by its own name, and is of no slot."""
    exchange = {
        "runtime": "py312",
        "source": "src",
        "lock": "lock.txt",
        "command": "exchange",
        "port": 8080,
        "image": "exchange@sha256:" + 64 * "0",
    }
    told = declared(tmp_path, {**VALUES, "companions": {"exchange": exchange}})
    pods, address = told["pods of exchange"], told["address of exchange"]

    assert (pods["metadata"]["name"], address["metadata"]["name"]) == ("exchange", "exchange")
    assert pods["spec"]["selector"]["matchLabels"] == address["spec"]["selector"]
    assert address["spec"]["selector"] == {"crossfade/stack": "staging", "crossfade/service": "exchange"}
    assert pods["spec"]["replicas"] == 1
    assert pods["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["tcpSocket"] == {"port": "http"}


def test_the_provider_is_told_where(tmp_path: Path) -> None:
    """The context is the settings' own, and where they have none the provider finds the current one by itself."""
    named = {
        **VALUES,
        "kubernetes": {**VALUES["kubernetes"], "context": "production"},
        "services": {"agent": {**AGENT, "after": []}},
    }

    assert declared(tmp_path, named)["cluster"]["context"] == "production"
    assert "context" not in declared(tmp_path)["cluster"]
    assert declared(tmp_path)["cluster"]["clusterIdentifier"] == "crossfade-staging"


def test_a_stack_that_lives_elsewhere_is_told(tmp_path: Path) -> None:
    """A cluster that does not have the stack's first thing is refused: what is there is another's."""
    with pytest.raises(pulumi.RunError, match="is not where the stack was born"):
        declared(tmp_path, uid="another")
