"""What a doctor reads of a stack in a cluster from its settings."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from smoke.doctor import MACHINE, OUTSIDE, Stake, stake_of
from smoke.doctor.cluster import COUNTERS
from smoke.doctor.containers import SOCKET
from tests.smoke.cli.program import crossfade, documents

SETTINGS = """config:
  crossfade:target: kubernetes
  crossfade:kubernetes:
    context: production
    namespace: trading
    gateway: gateways/public
    metrics: {kind: envoy, url: [http://a/metrics, http://b/metrics]}
  crossfade:services:
    api: {kind: http, listener: https, image: "a:{runtime}"}
    agent: {kind: singleton, image: "b:{runtime}"}
"""
BESIDE = """config:
  "crossfade:target": "kubernetes"
  crossfade:kubernetes: {namespace: a, gateway: own}
  crossfade:services: {api: {}}
"""
ALONE = """config:
  crossfade:target: kubernetes
  crossfade:kubernetes: {namespace: a}
  crossfade:docker: {host: "unix:///mine"}
  crossfade:companions: {exchange: {}}
"""


@pytest.mark.parametrize(
    ("settings", "shell", "wanted"),
    [
        (
            SETTINGS,
            {"DOCKER_HOST": "unix:///shell"},
            Stake(
                "production",
                "trading",
                ("gateways", "public"),
                frozenset({"https"}),
                COUNTERS["envoy"],
                ["http://a/metrics", "http://b/metrics"],
                None,
            ),
        ),
        (
            BESIDE,
            {},
            Stake(None, "a", ("a", "own"), frozenset(), "", [], SOCKET),
        ),
        (
            ALONE,
            {"DOCKER_HOST": "unix:///shell"},
            Stake(None, "a", None, frozenset(), "", [], "unix:///mine"),
        ),
        ("config:\n  crossfade:target: docker\n  crossfade:kubernetes: {namespace: a}\n", {}, None),
        ("# crossfade:target: kubernetes\nconfig:\n  crossfade:target: local\n", {}, None),
        ("config: {}\n", {}, None),
        ("", {}, None),
    ],
)
def test_what_a_stack_asks_of_a_cluster(settings: str, shell: Mapping[str, str], wanted: Stake | None) -> None:
    """Context, namespace, Gateway and counters are those of the settings; an engine is asked for where an image is built."""
    assert stake_of(settings, shell) == wanted


@pytest.mark.processes
def test_a_stack_in_a_cluster_without_a_cluster(tmp_path: Path) -> None:
    """Of a stack in a cluster what it needs is told, once, and nothing is asked for that other targets need."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    (tmp_path / "Pulumi.prod.yaml").write_text(SETTINGS, encoding="utf-8")
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "none")}
    [document] = documents(crossfade("doctor", "--json", folder=tmp_path, environment=environment).stdout)
    every = {check["name"]: check for check in document["checks"]}

    assert set(MACHINE) - set(every) - {"go"} == set(OUTSIDE)
    assert (every["kubeconfig"]["verdict"], every["plugin kubernetes"]["verdict"]) == ("missing", "missing")
    assert "docker" not in every
    assert [each for each in document["checks"] if "leads to no cluster" in each["found"]] == []
