"""The route document: weights in, the same weights out."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import RouteError, route_document, weights_in
from infra.contract.route import affinity_cookie, check_weights, cluster

names = some.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)


@given(names, some.integers(0, 100), some.booleans(), some.text(max_size=5))
def test_weights_are_read_back(service: str, share: int, sticky: bool, version: str) -> None:  # noqa: FBT001 - drawn
    """Weights that were written are found again, in the response and in the configuration itself, also through JSON."""
    weights = {"blue": 100 - share, "green": share}
    document = json.loads(json.dumps(route_document(service, weights, version=version, sticky=sticky)))

    assert weights_in(document) == weights
    assert weights_in(document["resources"][0]) == weights
    assert (document["version_info"], document["resources"][0]["name"]) == (version, service)


@given(names, some.integers(0, 100))
def test_a_weight_that_is_left_out_is_none(service: str, share: int) -> None:
    """The proxy leaves a zero out of what it reports: it is read as zero."""
    document = route_document(service, {"blue": 100 - share, "green": share}, version="1")
    for each in document["resources"][0]["virtual_hosts"][0]["routes"][-1]["route"]["weighted_clusters"]["clusters"]:
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


@given(some.integers(0, 100))
def test_only_slots_with_weight_keep_their_browsers(share: int) -> None:
    """With affinity, each slot that has weight has a route by its cookie before the weighted one; a slot without has none."""
    document = route_document("dash", {"blue": 100 - share, "green": share}, version="1", sticky=True)
    *pinned, last = document["resources"][0]["virtual_hosts"][0]["routes"]
    wanted = [cluster("dash", slot) for slot, weight in (("blue", 100 - share), ("green", share)) if weight]

    assert [route["route"]["cluster"] for route in pinned] == wanted
    assert "weighted_clusters" in last["route"]


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
    pinned = document["resources"][0]["virtual_hosts"][0]["routes"][:-1]
    patterns = {
        route["route"]["cluster"]: route["match"]["headers"][0]["string_match"]["safe_regex"]["regex"] for route in pinned
    }

    assert affinity_cookie("dash") == "crossfade-dash"
    assert [name for name, pattern in patterns.items() if re.fullmatch(pattern, cookie)] == ([f"dash--{slot}"] if slot else [])
