"""What holds for routes and fences, as things: they are the driver's from the moment they are there."""

import json

import pytest

from infra.contract import route_document, weights_in
from infra.targets.local.provider import Provider
from tests.infra.local.place import Place, Spec


def route(place: Place, start: str = "blue", *, sticky: bool = False) -> Spec:
    """The spec of a route, as Pulumi hands it over."""
    return {"id": "route of api", "home": str(place.home.folder), "service": "api", "start": start, "sticky": sticky}


@pytest.mark.parametrize("start", ["blue", "green"])
def test_a_route_begins_with_the_slot_that_serves(place: Place, start: str) -> None:
    """A new route gives everything to one slot, and stands for it too."""
    place.make("route", route(place, start))
    weights = weights_in(json.loads(place.home.route("api").read_text()))
    assert weights == {slot: 100 if slot == start else 0 for slot in ("blue", "green")}
    assert place.home.standing().busy == {start}


def test_a_route_is_never_written_again(place: Place) -> None:
    """With weights that moved, a making and a change of the spec leave every byte, and no change is seen."""
    place.make("route", route(place))
    moved = json.dumps(route_document("api", {"blue": 30, "green": 70}, version="7"))
    place.home.route("api").write_text(moved)
    other = route(place, "green", sticky=True)
    for spec in (route(place), other):
        assert not Provider("route").diff("id", route(place), spec).changes
        place.make("route", spec)
    assert place.home.route("api").read_text() == moved


def test_a_route_that_is_gone_is_made_again(place: Place) -> None:
    """A route file that was removed is a change."""
    place.make("route", route(place))
    place.unmake("route", route(place))
    place.unmake("route", route(place))
    assert Provider("route").diff("id", route(place), route(place)).changes


def test_a_fence_is_never_written_again(place: Place) -> None:
    """With the work handed over, a making and a change of the spec leave every byte, and no change is seen."""
    spec = {"id": "fence of agent", "home": str(place.home.folder), "service": "agent", "start": "blue"}
    place.make("fence", spec)
    file = place.home.fence("agent") / "fence.json"
    assert json.loads(file.read_text())["holder"] == "blue"
    file.write_text('{"holder": "green", "token": 2}')
    assert not Provider("fence").diff("id", spec, {**spec, "start": "green"}).changes
    place.make("fence", {**spec, "start": "green"})
    assert file.read_text() == '{"holder": "green", "token": 2}'


def test_a_lost_fence_gives_no_token_twice(place: Place) -> None:
    """A fence that was lost and is made anew counts on above every token that was counted up before."""
    spec = {"service": "agent", "start": "blue"}
    file = place.home.fence("agent") / "fence.json"
    place.make("fence", spec)
    first = json.loads(file.read_text())["token"]
    file.unlink()
    place.make("fence", spec)
    assert json.loads(file.read_text())["token"] >= first > 1_000_000_000


def test_a_fence_goes(place: Place) -> None:
    """Unmaking removes it; it may be repeated."""
    spec = {"service": "agent", "start": "blue"}
    place.make("fence", spec)
    place.unmake("fence", spec)
    place.unmake("fence", spec)
    assert not place.well("fence", spec)
