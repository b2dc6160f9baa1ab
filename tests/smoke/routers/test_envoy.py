"""What holds for the local proxy's router beyond the suite for all."""

import json
import time

import pytest

from infra.contract import Backend, route_document, weights_in
from smoke.errors import RouterError, UsageError
from smoke.routers import router
from tests.smoke.routers.envoy_harness import Envoy, wait_for

processes = pytest.mark.processes


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
    """A slot that the route names and the proxy has no cluster for may have weight 0, and nothing else: it is not kept either."""
    envoy.file.with_name("draft").write_text(json.dumps(route_document(envoy.service, {"red": 0, "blue": 100}, version="1")))
    envoy.file.with_name("draft").rename(envoy.file)
    mine = router(envoy.router)
    wait_for(lambda: "red" in mine.read())
    with pytest.raises(RouterError, match="no slot red"):
        mine.write({"red": 100, "blue": 0})
    with pytest.raises(RouterError, match="no slot red"):
        mine.write({"red": 0, "blue": 100}, {"red"})
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
    """Each write has a version that sorts after the one before, and leaves the file and the room that is held back, no draft."""
    mine, versions = router(envoy.router), []
    for share in range(5):
        mine.write({"blue": share, "green": 100 - share})
        versions.append(json.loads(envoy.file.read_text())["version_info"])
    assert sorted(set(versions)) == versions
    assert {each.name for each in envoy.file.parent.iterdir()} - {".ballast"} == {envoy.file.name}


@processes
def test_weights_and_what_is_kept_are_one_document(envoy: Envoy) -> None:
    """A write that changes only what is kept, or how long a browser is, is a move, and the weights are read as before."""
    weights, contents = {"blue": 0, "green": 100}, set()
    for backend, keep in ((envoy.sticky, ()), (envoy.sticky, {"blue"}), (envoy.router, {"blue"})):
        router(backend).write(weights, keep)
        contents.add(envoy.file.read_text())
        assert router(backend).read() == weights
    assert len(contents) == 3


@processes
def test_a_slot_without_a_cluster_is_not_kept(envoy: Envoy) -> None:
    """A slot that the proxy has no cluster for is refused by name, and what was kept stays kept."""
    router(envoy.router).write({"blue": 100, "green": 0}, {"green"})
    before = envoy.file.read_bytes()
    with pytest.raises(RouterError, match="no slot red in blue, green; nothing was written"):
        router(envoy.router).write({"blue": 100, "green": 0}, {"red"})
    assert envoy.file.read_bytes() == before


@processes
def test_a_document_of_the_version_before_is_replaced(envoy: Envoy) -> None:
    """A file without ways to reach a slot by name, as it was written before there were any, is read, and a write replaces it."""
    before = route_document(envoy.service, {"blue": 100, "green": 0}, version="5")
    host = before["resources"][0]["virtual_hosts"][0]
    del host["request_headers_to_remove"]
    host["routes"] = host["routes"][-1:]
    envoy.file.with_name("draft").write_text(json.dumps(before))
    envoy.file.with_name("draft").rename(envoy.file)
    mine = router(envoy.router)
    wait_for(lambda: '"5"' in envoy.ask("/config_dump?resource=dynamic_route_configs"))
    assert mine.read() == {"blue": 100, "green": 0}
    mine.write({"blue": 100, "green": 0})
    assert "x-crossfade-slot" in envoy.file.read_text()


@pytest.mark.parametrize("affinity", [0, -1, 0.5, True, "8h", None, float("inf")], ids=str)
def test_a_lifetime_is_whole_seconds(affinity: object) -> None:
    """How long a browser is kept is a whole number of seconds, at least one: a cookie with less is no cookie."""
    with pytest.raises(UsageError, match="affinity"):
        router(Backend("envoy", {"service": "a", "file": "b", "admin": "c", "affinity": affinity}))


def test_cannot_ask_nobody(tmp_path: object) -> None:
    """Without a proxy a read raises at once, and says where it asked."""
    settings = {"service": "a", "file": f"{tmp_path}/a.json", "admin": "/nowhere/admin.sock"}
    began = time.monotonic()
    with pytest.raises(RouterError) as caught:
        router(Backend("envoy", settings)).read()
    assert caught.value.cause == "/nowhere/admin.sock: No such file or directory"
    assert time.monotonic() - began < 1
