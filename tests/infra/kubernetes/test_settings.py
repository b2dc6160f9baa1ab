"""What is refused of the settings of a stack in a cluster, and what a stack elsewhere has no use for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.config import Document, FaultsError, validate
from infra.config.document import read
from tests.infra.kubernetes.registered import AGENT, API, VALUES

PLACE: Mapping[str, Any] = VALUES["kubernetes"]


def faults(values: Mapping[str, Any]) -> Mapping[str, str]:
    """What is wrong, and what to do about it."""
    with pytest.raises(FaultsError) as refused:
        validate(Document("Pulumi.staging.yaml", values))
    return {fault.what: fault.hint for fault in refused.value.faults}


def api(**change: object) -> Mapping[str, Any]:
    """The settings with these of the service changed; what is None is not there."""
    changed = {name: each for name, each in {**API, **change}.items() if each is not None}
    return {**VALUES, "services": {"api": changed}}


def agent(**change: object) -> Mapping[str, Any]:
    """The settings with these of the singleton changed."""
    return {**VALUES, "services": {"agent": {**AGENT, "after": [], **change}}}


@pytest.mark.parametrize(
    ("values", "what", "hint"),
    [
        ({key: each for key, each in VALUES.items() if key != "kubernetes"}, "kubernetes is missing", "namespace: trading"),
        ({**VALUES, "kubernetes": {"namespace": "trading"}}, "api has no gateway", "gateway: gateways/public"),
        (api(url=None), "api has no url", "url: 'https://api.example.com'"),
        (api(image=None), "there is no registry", "registry: registry.example.com/team"),
        (api(autoscale={"max": 2}), "api cannot be scaled to 2", "max: 4"),
        (api(autoscale={"max": 9}, cpus=None), "api has no cpus", "cpus: 0.5"),
        (api(health=[{"http": {"path": "/", "contains": "ok"}}]), "contains cannot be asked in a cluster", "take contains out"),
        (api(health=[{"http": {"path": "/", "status": 404}}]), "status cannot be asked in a cluster", "take status out"),
        (api(listen="0.0.0.0"), "listen is for one machine", "take listen out"),  # noqa: S104 - refused
        (api(dockerfile="Dockerfile"), "api has no use for dockerfile", "take dockerfile out, or image"),
        (agent(replicas=2), "agent has no use for replicas", "take replicas out"),
        ({**VALUES, "docker": {"subnet": "10.213.0.0/16"}}, "subnet is for one machine", "take subnet out"),
    ],
)
def test_what_cannot_be_in_a_cluster_is_told(values: Mapping[str, Any], what: str, hint: str) -> None:
    """Each is refused before the cluster is asked, with what to write instead."""
    assert hint in faults(values)[what]


@pytest.mark.parametrize("key", ["replicas", "autoscale", "hosts", "listener", "url", "image"])
def test_what_is_for_clusters_is_refused_elsewhere(key: str) -> None:
    """On one machine a setting that would do nothing is refused by its name."""
    known = {**API, "autoscale": {"max": 4}, "replicas": 3, "hosts": ["api.example.com"], "listener": "https"}
    values = {**VALUES, "target": "docker", "services": {"api": known}}

    assert f"{key} is for clusters" in faults(values)


def test_ports_may_be_the_same() -> None:
    """Every pod has its own address: two services may have one port."""
    other = {**API, "url": "https://other.example.com"}

    assert validate(Document("Pulumi.staging.yaml", {**VALUES, "services": {"api": API, "other": other}})).services["other"].port


def test_a_companion_has_no_slots_name() -> None:
    """A companion that would be called as a slot of a service is refused."""
    companion = {"runtime": "py312", "source": "s", "lock": "l", "command": "c", "image": "i"}

    assert "a companion cannot be api-blue" in faults({**VALUES, "companions": {"api-blue": companion}})


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ({"namespace": "Trading Desk"}, "namespace: trading-desk"),
        ({"gateway": "a/b/c"}, "gateway: gateways/public"),
        ({"metrics": {"kind": "traefik", "url": "gateway:9100/metrics"}}, "https://gateway:9100/metrics"),
        ({"metrics": {"kind": "traefik", "url": "http://me:word@gateway:9100"}}, "url:"),
    ],
)
def test_a_place_is_well_written(place: Mapping[str, Any], what: str) -> None:
    """Names that a cluster would refuse are refused here, with a better one to paste; no password is repeated."""
    hints = "\n".join(faults({**VALUES, "kubernetes": {**PLACE, **place}}).values())

    assert what in hints
    assert "word" not in hints


@pytest.mark.parametrize("host", ["https://api.example.com", "API.example.com:443/path"])
def test_a_host_is_a_name_alone(host: str) -> None:
    """An address is no host: the name in it is to paste."""
    assert "hosts: [api.example.com]" in "\n".join(faults(api(hosts=[host])).values())


def test_the_example_is_whole() -> None:
    """The settings of production that come with the project have no fault but the places that they name."""
    settings = validate(read(Path(__file__).parents[3] / "Pulumi.prod.yaml"))

    assert settings.target == "kubernetes"
    assert set(settings.services) == {"api", "agent"}
