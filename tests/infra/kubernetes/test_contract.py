"""What a stack in a cluster says of itself to whoever drives a rollout."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.contract import Backend, Contract, Service
from infra.release import wanted
from infra.targets.kubernetes import Kubernetes
from infra.targets.target import Driving, Site
from smoke.capacities import capacity
from smoke.clock import SystemClock
from smoke.errors import UsageError
from smoke.handovers import handover
from smoke.job import Errand, inside
from smoke.journals import elsewhere
from smoke.meters import meter
from smoke.probes import probe
from smoke.routers import router
from tests.infra.kubernetes.registered import API, STACK, VALUES, api_with, declared, settings_of

PLACE = {"namespace": "trading"}


def in_cluster(**change: object) -> Mapping[str, Any]:
    """The settings, with these of the cluster changed."""
    return {**VALUES, "kubernetes": {**VALUES["kubernetes"], **change}}


def service(project: Path, name: str, values: Mapping[str, Any] = VALUES) -> Service:
    """What the contract has of a service."""
    settings, place = settings_of(values), Kubernetes(Site(STACK, project))
    held = {slot: each[name] for slot, each in wanted(settings, place.made).items()}
    return place.route(name, settings, {slot: place.place(settings, name, slot, inputs) for slot, inputs in held.items()})


def test_a_service_is_moved_by_its_route(tmp_path: Path) -> None:
    """The router has the route, our rule and the Service of each slot; users come by the address that was written."""
    found = service(tmp_path, "api")

    assert found.router is not None
    assert (found.router.kind, found.router.settings) == (
        "gateway",
        {**PLACE, "route": "api", "rule": "crossfade", "backends": {"blue": "api-blue", "green": "api-green"}, "settle": 10.0},
    )
    assert (found.handover, found.front) == (None, "https://api.example.com")


def test_browsers_are_kept_by_rules_of_their_own(tmp_path: Path) -> None:
    """The router of a sticky service knows the rule of each slot, and its meter tells apart who came by one."""
    found = service(tmp_path, "api", api_with(kind="sticky-http"))

    assert found.router is not None
    assert found.router.settings["kept"] == {"blue": "crossfade-blue", "green": "crossfade-green"}
    assert found.meter is not None
    series = "httproute-trading-api-gw-edge-public-ep-web-{}-25fed2dcf1d920790412-svc-trading-api-blue-0@kubernetesgateway"
    named, slots = (re.compile(found.meter.settings[key]["blue"]["service"]) for key in ("named", "slots"))
    assert [bool(named.fullmatch(series.format(place))) for place in (0, 1, 2)] == [False, True, True]
    assert all(slots.fullmatch(series.format(place)) for place in (0, 1, 2))


def test_a_context_goes_with_every_backend(tmp_path: Path) -> None:
    """Where the settings name a context, whoever drives goes the same way."""
    values = {**VALUES, "kubernetes": {**VALUES["kubernetes"], "context": "production"}}
    api, agent = (service(tmp_path, name, values) for name in ("api", "agent"))

    assert [each.settings["context"] for each in (api.router, agent.handover, *api.probes) if each] == 4 * ["production"]


@pytest.mark.parametrize("kind", ["traefik", "envoy"])
def test_a_service_is_counted_by_its_gateway(tmp_path: Path, kind: str) -> None:
    """The meter asks the metrics of the settings, for both slots."""
    metrics = {"kind": kind, "url": ["http://one:9100/metrics", "http://two:9100/metrics"]}
    meter = service(tmp_path, "api", {**VALUES, "kubernetes": {**VALUES["kubernetes"], "metrics": metrics}}).meter

    assert meter is not None
    assert meter.kind == "prometheus-text"
    assert meter.settings["url"] == metrics["url"]
    assert set(meter.settings["slots"]) == {"blue", "green"}


def test_pods_are_looked_at_through_the_cluster(tmp_path: Path) -> None:
    """A placement has no address of its own, and the version that its pods show; a singleton may have no pod."""
    found = service(tmp_path, "api")
    version = declared(tmp_path)["pods of api on green"]["metadata"]["labels"]["app.kubernetes.io/version"]

    looks = {name: [(each.kind, each.settings) for each in service(tmp_path, name).probes] for name in ("api", "agent")}
    every = {**PLACE, "stack": "staging", "every": 1.0, "timeout": 5.0}

    assert looks == {
        "api": [("pods", {**every, "standby": False}), ("shown", every)],
        "agent": [("pods", {**every, "standby": True})],
    }
    assert found.placements["green"].address is None
    assert found.placements["green"].version == version


def test_who_does_without_answers_asks_no_pod(tmp_path: Path) -> None:
    """With ``identity: labels`` no pod is asked which version it is."""
    values = {**VALUES, "kubernetes": {**VALUES["kubernetes"], "identity": "labels"}}
    assert [each.kind for each in service(tmp_path, "api", values).probes] == ["pods"]


def test_pods_are_counted_where_somebody_else_changes_their_number(tmp_path: Path) -> None:
    """A service with a route has a capacity, which asks autoscalers where there are any; a singleton has one pod or none."""
    scaled = service(tmp_path, "api", api_with(autoscale={"max": 10}, replicas=3))
    every = {**PLACE, "stack": "staging", "service": "api"}

    assert service(tmp_path, "api").capacity == Backend("pods", {**every, "autoscale": False})
    assert scaled.capacity == Backend("pods", {**every, "autoscale": True})
    assert capacity(Backend("pods", {**every, "autoscale": True}), SystemClock())
    assert service(tmp_path, "agent").capacity is None


def test_rollouts_are_remembered_in_the_cluster(tmp_path: Path) -> None:
    """Unless the settings say that they are beside Pulumi's state; whoever drives understands what the contract says of it."""
    place = Kubernetes(Site(STACK, tmp_path))
    found, kept = (place.driving(settings_of(in_cluster(**change))) for change in ({}, {"journal": "state"}))

    assert found.journal == Backend("cluster", {**PLACE, "stack": "staging"})
    assert elsewhere(found.journal, SystemClock())
    assert (found.driver, kept) == (None, Driving())
    with pytest.raises(UsageError, match="stack is missing"):
        elsewhere(Backend("cluster", PLACE), SystemClock())
    with pytest.raises(UsageError, match="there is no journal 'paper'"):
        elsewhere(Backend("paper", {}), SystemClock())


def test_a_job_may_drive(tmp_path: Path) -> None:
    """One that is declared has its image and its account, and what a pod needs of the contract: no context, no settings."""
    place = Kubernetes(Site(STACK, tmp_path))
    found = place.driving(settings_of(in_cluster(driver={"image": "registry.example.com/crossfade:1"}, context="production")))
    known = {**PLACE, "context": "production", "image": "registry.example.com/crossfade:1", "account": "crossfade-driver"}
    values = in_cluster(context="production")
    services = tuple(service(tmp_path, name, values) for name in ("api", "agent"))
    whole = Contract(
        "staging", "kubernetes", "blue", "once", services, {}, {"target": "kubernetes"}, {}, found.journal, found.driver
    )
    given = inside(whole)

    assert found.driver == Backend("job", known)
    assert Errand(whole, found.driver, "0001-abc").name == "crossfade-staging-0001-abc"
    assert "production" in json.dumps(whole.to_json())
    assert "production" not in json.dumps(given.to_json())
    assert (given.driver, given.config) == (None, {})
    assert [each.name for each in given.services] == ["api", "agent"]


@pytest.mark.parametrize("kind", ["traefik", "envoy"])
def test_whoever_drives_understands_all_of_it(tmp_path: Path, kind: str) -> None:
    """Every backend takes its settings: none lacks one, and none has one that it does not know."""
    metrics = {"kind": kind, "url": "http://one:9100/metrics"}
    values = {**VALUES, "kubernetes": {**VALUES["kubernetes"], "metrics": metrics, "context": "production"}}
    api, agent = (service(tmp_path, name, values) for name in ("api", "agent"))

    assert api.router is not None
    assert api.meter is not None
    assert agent.handover is not None
    assert router(api.router)
    assert meter(api.meter)
    assert handover(agent.handover, SystemClock())
    assert all(probe(each) for each in (*api.probes, *agent.probes))


def test_a_singleton_is_handed_over_by_its_number(tmp_path: Path) -> None:
    """It has no route, no meter and no door; there is time for one pod to end and the other to start."""
    found = service(tmp_path, "agent")

    assert (found.router, found.meter, found.front) == (None, None, None)
    assert found.handover is not None
    assert (found.handover.kind, found.handover.settings) == (
        "scale",
        {
            **PLACE,
            "stack": "staging",
            "service": "agent",
            "deployments": {"blue": "agent-blue", "green": "agent-green"},
            "timeout": 200.0,
            "patience": 20.0,
        },
    )


def test_an_image_that_was_built_elsewhere_is_what_runs(tmp_path: Path) -> None:
    """Its digest is the artefact where its name says it; source and lock are then asked by nobody, and need not be there."""
    digest = "sha256:" + 64 * "a"
    values = {**VALUES, "services": {"api": {**API, "image": f"registry.example.com/api@{digest}"}}}

    assert service(tmp_path, "api", values).placements["blue"].artefact == digest
    assert service(tmp_path, "api").placements["blue"].artefact.startswith("sha256:")
    assert not {"source", "lock"} & service(tmp_path, "api").placements["blue"].inputs.keys()


def test_what_is_recorded_is_whole_numbers(tmp_path: Path) -> None:
    """The engine writes 1.0 as 1: what is recorded, and put back by a revert, must be the same release."""
    values = {**VALUES, "services": {"api": {**API, "cpus": 2.0}}}
    inputs = service(tmp_path, "api", values).placements["blue"].inputs

    assert str(inputs["cpus"]) == "2"
    assert "." not in str(inputs["health"]["ready"]["timeout"])
