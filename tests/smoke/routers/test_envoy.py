"""What holds for the local proxy's router beyond the suite for all."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import Backend, RouteError, route_document, weights_in
from smoke.errors import RouterError
from smoke.routers import router
from smoke.routers.envoy import Served, served_in, stats_in
from tests.smoke.routers.envoy_harness import Envoy, wait_for

processes = pytest.mark.processes
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(["configs", "route_config", "name"]), inner)
    ),
)


@processes
def test_moves_live_traffic(envoy: Envoy) -> None:
    """Once a write has returned, users get answers from the new side alone."""
    router(envoy.router).write({"blue": 0, "green": 100})
    assert {envoy.get() for _ in range(20)} == {(200, "v-green")}


@processes
def test_weights_survive_a_restart(envoy: Envoy) -> None:
    """A proxy that was killed serves the last weights when it comes back."""
    router(envoy.router).write({"blue": 30, "green": 70})
    envoy.stop()
    envoy.start()
    assert router(envoy.router).read() == {"blue": 30, "green": 70}


@processes
def test_writes_without_the_proxy(envoy: Envoy) -> None:
    """With the proxy gone the write raises "written, not confirmed", and is in force once the proxy is back."""
    envoy.stop()
    impatient = router(Backend("envoy", {**envoy.router.settings, "timeout": 0.05}))
    with pytest.raises(RouterError, match="written, not confirmed"):
        impatient.write({"blue": 0, "green": 100})
    envoy.start()
    assert envoy.get() == (200, "v-green")


@processes
def test_refuses_an_unknown_slot_without_the_proxy(envoy: Envoy) -> None:
    """With the proxy gone the file says which slots there are."""
    envoy.stop()
    with pytest.raises(RouterError, match="no slot red in blue, green"):
        router(envoy.router).write({"blue": 50, "red": 50})


@processes
def test_a_retired_slot_gets_no_traffic(envoy: Envoy) -> None:
    """A slot that the route names and the proxy has no cluster for may have weight 0, and nothing else."""
    envoy.file.with_name("draft").write_text(json.dumps(route_document(envoy.service, {"red": 0, "blue": 100}, version="1")))
    envoy.file.with_name("draft").rename(envoy.file)
    mine = router(envoy.router)
    wait_for(lambda: "red" in mine.read())
    with pytest.raises(RouterError, match="no slot red"):
        mine.write({"red": 100, "blue": 0})
    mine.write({"red": 0, "blue": 100})


@processes
def test_says_what_is_served_when_it_is_not_ours(envoy: Envoy) -> None:
    """A document that the proxy turns down raises with what it still serves and that it was turned down."""
    mine = router(Backend("envoy", {**envoy.router.settings, "timeout": 0.3, "file": str(envoy.folder / "elsewhere.json")}))
    with pytest.raises(RouterError) as caught:
        mine.write({"blue": 0, "green": 100})
    assert "the proxy serves {'blue': 100, 'green': 0} (version 0)" in caught.value.what
    assert caught.value.cause == "no answer within 0.3 s"


@processes
def test_a_broken_file_is_replaced(envoy: Envoy) -> None:
    """A file that is not a route document does not keep a write from working."""
    envoy.file.write_text("{ not json")
    router(envoy.router).write({"blue": 0, "green": 100})
    assert weights_in(json.loads(envoy.file.read_text())) == {"blue": 0, "green": 100}


@processes
def test_the_same_weights_cost_no_move(envoy: Envoy) -> None:
    """Weights that the proxy serves and the file holds leave the file alone."""
    mine = router(envoy.router)
    mine.write({"blue": 50, "green": 50})
    before = envoy.file.stat()
    mine.write({"blue": 50, "green": 50})
    assert envoy.file.stat() == before


@processes
def test_versions_ascend_and_nothing_is_left(envoy: Envoy) -> None:
    """Each write has a version that sorts after the one before, and leaves one file in the watched folder."""
    mine, versions = router(envoy.router), []
    for share in range(5):
        mine.write({"blue": share, "green": 100 - share})
        versions.append(json.loads(envoy.file.read_text())["version_info"])
    assert sorted(set(versions)) == versions
    assert [each.name for each in envoy.file.parent.iterdir()] == [envoy.file.name]


@processes
def test_sticky_routes_keep_a_session(envoy: Envoy) -> None:
    """A sticky route is written with its pins, read back as weights, and dropped for a slot without weight."""
    mine = router(Backend("envoy", {**envoy.router.settings, "sticky": True}))
    mine.write({"blue": 90, "green": 10})
    assert mine.read() == {"blue": 90, "green": 10}
    assert len(json.loads(envoy.file.read_text())["resources"][0]["virtual_hosts"][0]["routes"]) == 3


def test_cannot_ask_nobody(tmp_path: object) -> None:
    """Without a proxy a read raises at once, and says where it asked."""
    settings = {"service": "a", "file": f"{tmp_path}/a.json", "admin": "/nowhere/admin.sock"}
    began = time.monotonic()
    with pytest.raises(RouterError) as caught:
        router(Backend("envoy", settings)).read()
    assert caught.value.cause == "/nowhere/admin.sock: No such file or directory"
    assert time.monotonic() - began < 1


@given(
    JSON | some.fixed_dictionaries({"configs": some.lists(some.fixed_dictionaries({"route_config": JSON, "version_info": JSON}))})
)
def test_a_foreign_dump_is_a_route_error(document: object) -> None:
    """Whatever else the proxy may say, the parser raises its one error."""
    with pytest.raises(RouteError):
        served_in(json.dumps(document), "prices")


@given(some.text())
def test_any_text_is_taken(text: str) -> None:
    """Text that is no dump raises the one error; text that is no counters counts nothing below zero."""
    with pytest.raises(RouteError):
        served_in(text, "prices")
    assert stats_in(text, "prices--").rejections >= 0


@given(some.dictionaries(some.sampled_from(["blue", "green"]), some.integers(0, 100), min_size=1))
def test_a_dump_of_ours_is_read(weights: dict[str, int]) -> None:
    """What the proxy says of a document of ours is read back; it leaves out zeros at will."""
    configuration = route_document("prices", {"blue": 100}, version="7")["resources"][0]
    clusters = [{"name": f"prices--{slot}", **({"weight": weight} if weight else {})} for slot, weight in weights.items()]
    configuration["virtual_hosts"][0]["routes"][0]["route"]["weighted_clusters"]["clusters"] = clusters
    dump = json.dumps({"configs": [{"version_info": "7", "route_config": configuration}]})
    assert served_in(dump, "prices") == Served("7", weights)


def test_a_route_of_another_is_not_ours() -> None:
    """A route that leads to another service's clusters is refused."""
    configuration = {**route_document("other", {"blue": 100}, version="7")["resources"][0], "name": "prices"}
    with pytest.raises(RouteError, match="other--blue"):
        served_in(json.dumps({"configs": [{"version_info": "7", "route_config": configuration}]}), "prices")
