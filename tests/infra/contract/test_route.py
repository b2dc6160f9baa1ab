"""The route document: weights in, the same weights out."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from infra.contract import Json, RouteError, route_document, weights_in
from infra.contract.route import affinity_cookie, check_weights, cluster

WORDS = ["resources", "virtual_hosts", "routes", "route", "weighted_clusters", "clusters", "name", "weight"]
names = some.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)
keeps = some.sets(some.sampled_from(["blue", "green"]))
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5) | some.just("prices--blue"),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5) | some.sampled_from(WORDS), inner),
    max_leaves=12,
)


def routes_of(document: Json) -> list[Any]:
    """The routes of a service, in the order in which they are tried."""
    return list(document["resources"][0]["virtual_hosts"][0]["routes"])


@given(names, some.integers(0, 100), keeps, some.booleans(), some.text(max_size=5))
def test_weights_are_read_back(service: str, share: int, keep: set[str], sticky: bool, version: str) -> None:  # noqa: FBT001 - drawn
    """Weights that were written are found again, in the response and in the configuration itself, also through JSON."""
    weights = {"blue": 100 - share, "green": share}
    document = json.loads(json.dumps(route_document(service, weights, version=version, keep=keep, sticky=sticky)))

    assert weights_in(document) == weights
    assert weights_in(document["resources"][0]) == weights
    assert (document["version_info"], document["resources"][0]["name"]) == (version, service)


@given(names, some.integers(0, 100))
def test_a_weight_that_is_left_out_is_none(service: str, share: int) -> None:
    """The proxy leaves a zero out of what it reports: it is read as zero."""
    document = route_document(service, {"blue": 100 - share, "green": share}, version="1")
    for each in routes_of(document)[-1]["route"]["weighted_clusters"]["clusters"]:
        if not each["weight"]:
            del each["weight"]
    assert weights_in(document) == {"blue": 100 - share, "green": share}


@pytest.mark.parametrize(
    "weights",
    [{}, {"blue": 99}, {"blue": 101, "green": -1}, {"blue": 99.5, "green": 0.5}, {"blue": float("nan")}, {"blue": float("inf")}],
    ids=str,
)
def test_what_is_no_whole_is_refused(weights: dict[str, Any]) -> None:
    """Weights that are negative, broken, or not 100 in all are refused before a document is made."""
    with pytest.raises(RouteError):
        check_weights(weights)
    with pytest.raises(RouteError):
        route_document("api", weights, version="1")


@given(some.lists(some.integers(0, 100), min_size=1, max_size=4))
def test_whole_percentages_are_taken(shares: list[int]) -> None:
    """Whole percentages are taken when they add up to 100, and only then."""
    weights = {f"slot{index}": share for index, share in enumerate(shares)}
    if sum(shares) == 100:
        check_weights(weights)
    else:
        with pytest.raises(RouteError, match=f"not {sum(shares)}"):
            check_weights(weights)


WEIGHTED = {"route": {"weighted_clusters": {"clusters": [{"name": "no slot", "weight": 100}]}}}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "resources",
        5,
        {},
        {"resources": []},
        {"resources": [None]},
        {"virtual_hosts": []},
        {"virtual_hosts": [{"routes": []}]},
        {"virtual_hosts": [{"routes": [{"route": {"cluster": "a--blue"}}]}]},
        {"virtual_hosts": [{"routes": [WEIGHTED]}]},
    ],
    ids=str,
)
def test_what_is_no_route_document_is_refused(document: object) -> None:
    """Whatever is of another shape is refused, and never read as weights."""
    with pytest.raises(RouteError):
        weights_in(document)


@given(JSON)
@example(float("inf"))
@example(float("nan"))
def test_any_document_is_refused_or_read(document: object) -> None:
    """Whatever is read, it says whole numbers by slot or is refused: there is no other error."""
    whole = {
        "virtual_hosts": [{"routes": [{"route": {"weighted_clusters": {"clusters": [{"name": "a--b", "weight": document}]}}}]}]
    }
    for each in (
        document,
        {"resources": document},
        {"virtual_hosts": document},
        {"virtual_hosts": [{"routes": document}]},
        whole,
    ):
        with suppress(RouteError):
            assert all(isinstance(weight, int) for weight in weights_in(each).values())


@given(some.integers(0, 100), keeps, some.booleans())
def test_who_is_reached_by_name(share: int, keep: set[str], sticky: bool) -> None:  # noqa: FBT001 - drawn
    """Each slot that has weight or is kept has a route by header and, where it is sticky, by cookie; the weighted one is last."""
    weights = {"blue": 100 - share, "green": share}
    document = route_document("dash", weights, version="1", keep=keep, sticky=sticky)
    *named, last = routes_of(document)
    wanted = [cluster("dash", slot) for slot in ("blue", "green") if weights[slot] or slot in keep]

    assert [route["route"]["cluster"] for route in named] == wanted * (2 if sticky else 1)
    assert "weighted_clusters" in last["route"]
    # What goes by name is counted by its slot, and nothing else is.
    assert [route["stat_prefix"] for route in named] == [route["route"]["cluster"] for route in named]
    assert "stat_prefix" not in last


def test_a_document_is_another_only_where_it_says_another_thing() -> None:
    """To keep a slot that has weight changes nothing; to keep another, or for another time, does."""
    weights = {"blue": 90, "green": 10}
    plain = route_document("dash", weights, version="1", sticky=True)

    assert route_document("dash", weights, version="1", keep=["green", "blue"], sticky=True) == plain
    assert route_document("dash", weights, version="1", sticky=True, affinity=60) != plain
    assert route_document("dash", {"blue": 100}, version="1", keep={"green"}) != route_document(
        "dash", {"blue": 100}, version="1"
    )


def test_a_document_of_the_version_before_is_read() -> None:
    """What was written before slots were reached by name is read, and is not taken for what is written now."""
    weights = {"blue": 100, "green": 0}
    clusters = [{"name": f"api--{slot}", "weight": weight} for slot, weight in weights.items()]
    host = {"routes": [{"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": clusters}}}]}
    before = {"version_info": "1", "resources": [{"name": "api", "virtual_hosts": [host]}]}

    assert weights_in(before) == weights
    assert before != route_document("api", weights, version="1")


@pytest.mark.parametrize(
    ("cookie", "slot"),
    [
        ("crossfade-dash=blue", "blue"),
        ("a=b; crossfade-dash=green; c=d", "green"),
        ("crossfade-dash=bluest", None),
        ("not-crossfade-dash=blue", None),
        ("", None),
    ],
)
def test_which_cookie_keeps_a_browser(cookie: str, slot: str | None) -> None:
    """A browser is kept by its own service's cookie with exactly the slot's name, wherever it stands among others."""
    document = route_document("dash", {"blue": 50, "green": 50}, version="1", sticky=True)
    pinned = [route for route in routes_of(document) if route["match"].get("headers", [{}])[0].get("name") == "cookie"]
    patterns = {
        route["route"]["cluster"]: route["match"]["headers"][0]["string_match"]["safe_regex"]["regex"] for route in pinned
    }

    assert affinity_cookie("dash") == "crossfade-dash"
    assert [name for name, pattern in patterns.items() if re.fullmatch(pattern, cookie)] == ([f"dash--{slot}"] if slot else [])
