"""Whatever stands in the route file, and whatever the proxy says: the one error, or a value."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from infra.contract import Backend, RouteError, route_document
from smoke.errors import RouterError
from smoke.routers import router
from smoke.routers.envoy import Served, Stats, served_in, stats_in
from smoke.seams import Router

WORDS = ["configs", "resources", "route_config", "version_info", "name", "virtual_hosts", "routes", "route", "weight"]
WORDS += ["weighted_clusters", "clusters"]
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5) | some.just("prices--blue"),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(WORDS), inner),
    max_leaves=12,
)


@some.composite
def spoilt(draw: some.DrawFn) -> Any:  # noqa: ANN401 - JSON
    """A document of ours, in which one value, however deep, is another."""
    keep = draw(some.sets(some.sampled_from(["blue", "green"])))
    document: Any = json.loads(json.dumps(route_document("prices", {"blue": 100, "green": 0}, version="7", keep=keep)))
    place, key = [document], 0
    while isinstance(place[key], dict | list) and place[key] and draw(some.integers(0, 9)):
        place, key = place[key], draw(some.sampled_from(_keys(place[key])))
    place[key] = draw(JSON)
    return document


def _keys(place: dict[str, object] | list[object]) -> list[Any]:
    return list(place) if isinstance(place, dict) else list(range(len(place)))


def dump(configuration: object) -> str:
    """What the proxy says where this is what it serves."""
    return json.dumps({"configs": [{"version_info": "7", "route_config": configuration}]})


@given(
    JSON | some.fixed_dictionaries({"configs": some.lists(some.fixed_dictionaries({"route_config": JSON, "version_info": JSON}))})
)
def test_a_foreign_dump_is_a_route_error(document: object) -> None:
    """Whatever else the proxy may say, the parser raises its one error."""
    with pytest.raises(RouteError):
        served_in(json.dumps(document), "prices")


@settings(max_examples=300)
@given(spoilt())
def test_a_spoilt_dump_is_a_route_error_or_a_value(document: Any) -> None:  # noqa: ANN401 - JSON
    """A dump of ours in which anything is another raises the one error, or says weights."""
    try:
        configuration = document["resources"][0]
    except (LookupError, TypeError):
        configuration = document
    try:
        found = served_in(dump(configuration), "prices")
    except RouteError:
        return
    assert all(isinstance(slot, str) and isinstance(weight, int) for slot, weight in found.weights.items())


@settings(max_examples=100, deadline=None)
@given(text=spoilt().map(json.dumps) | some.text() | some.just("[" * 100_000) | some.just("9" * 5000))
def test_any_file_is_replaced(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands in the route file, a write puts its own document there; without a proxy it is not confirmed."""
    file = tmp_path_factory.getbasetemp() / "spoilt.json"
    file.write_text(text, encoding="utf-8", errors="replace")
    mine = router(Backend("envoy", {"service": "prices", "file": str(file), "admin": "/nowhere", "timeout": 0.001}))
    _write_unconfirmed(file, mine)


@pytest.mark.parametrize("version", ["9" * 5000, "٣", "²", ".", "-1", "9" * 20])
def test_any_version_is_followed(tmp_path: Path, version: str) -> None:
    """Whatever version the route file has, the next one can be written."""
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(route_document("prices", {"blue": 100, "green": 0}, version=version)))
    mine = router(Backend("envoy", {"service": "prices", "file": str(file), "admin": "/nowhere", "timeout": 0.001}))
    _write_unconfirmed(file, mine)


def _write_unconfirmed(file: Path, mine: Router) -> None:
    with pytest.raises(RouterError, match=r"written, not confirmed|no slot") as caught:
        mine.write({"blue": 100, "green": 0}, {"green"})
    # Slots are known from the file, where there is one that can be read.
    assert "no slot" in caught.value.what or "prices--green" in file.read_text()


@given(some.text())
def test_any_text_is_taken(text: str) -> None:
    """Text that is no dump raises the one error; text that is no counters counts nothing below zero."""
    with pytest.raises(RouteError):
        served_in(text, "prices")
    assert stats_in(text, "prices--").rejections >= 0


@given(
    some.lists(
        some.tuples(
            some.sampled_from(["cluster.prices--", "cluster.prices--red", "http.rds.prices.update_failure", "a", ""]),
            some.sampled_from([": ", ":", " ", ".", ": : "]),
            some.sampled_from(["1", "9" * 5000, "-1", "²", "٣", "1.5", "", "\0"]),
        ).map("".join)
    )
)
def test_counters_of_any_form_are_taken(lines: list[str]) -> None:
    """Lines that are almost counters are counted or passed over, never an error."""
    assert stats_in("\n".join(lines), "prices--").rejections >= 0


def test_counters_are_read() -> None:
    """Slots that have a cluster, and documents that were turned down, in both counters."""
    text = "cluster.prices--blue.membership_total: 1\nhttp.a.rds.prices.update_failure: 2\nhttp.a.rds.prices.update_rejected: 3\n"
    assert stats_in(text, "prices--") == Stats(frozenset({"blue"}), 5)


@given(some.dictionaries(some.sampled_from(["blue", "green"]), some.integers(0, 100), min_size=1))
def test_a_dump_of_ours_is_read(weights: dict[str, int]) -> None:
    """What the proxy says of a document of ours is read back; it leaves out zeros at will."""
    configuration = route_document("prices", {"blue": 100}, version="7", keep={"green"}, sticky=True)["resources"][0]
    clusters = [{"name": f"prices--{slot}", **({"weight": weight} if weight else {})} for slot, weight in weights.items()]
    configuration["virtual_hosts"][0]["routes"][-1]["route"]["weighted_clusters"]["clusters"] = clusters
    assert served_in(dump(configuration), "prices") == Served("7", weights)


def test_a_route_of_another_is_not_ours() -> None:
    """A route that leads to another service's clusters is refused."""
    configuration = {**route_document("other", {"blue": 100}, version="7")["resources"][0], "name": "prices"}
    with pytest.raises(RouteError, match="other--blue"):
        served_in(dump(configuration), "prices")


@pytest.mark.parametrize("name", [5, None, True, 1.5], ids=str)
def test_a_second_split_is_not_ours(name: object) -> None:
    """A route that splits once more, and to what is no name, is refused as any other that is not ours."""
    configuration = route_document("prices", {"blue": 100}, version="7")["resources"][0]
    second = {"route": {"weighted_clusters": {"clusters": [{"name": name, "weight": 100}]}}}
    configuration["virtual_hosts"][0]["routes"].append(second)
    with pytest.raises(RouteError, match=f"leads to {name}"):
        served_in(dump(configuration), "prices")
