"""What holds for the weights of a route at a real API server.

No gateway runs, and nobody serves a request: what its controller would say of the route is written by a thread, ``Controller``.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pytest
from kube_api import Api
from machine import wait_for

from smoke.cluster import MANAGER, ROUTE
from smoke.errors import RouterError
from smoke.refusal import Refused
from tests.smoke.routers.gateway_harness import LIMIT, PULUMI, Shop, opened, refused, shares
from tests.smoke.routers.gateway_routes import NAME, backend, route, rule

CANARY = {
    "name": "canary",
    "matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [{"type": "Exact", "name": "x-canary", "value": "1"}]}],
    "backendRefs": [backend("api-green", 1), backend("api-blue", 0)],
}
"""A rule of another team, which leads to our Services."""
MOVED = {
    "matches": [{"path": {"type": "Exact", "value": "/old"}}],
    "filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "new.example", "statusCode": 301}}],
}
MINE = {
    "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
    "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-a", "value": "b"}]}}],
    "timeouts": {"request": "10s"},
}


@pytest.fixture
def shop(kube_api: Api, namespace: str) -> Iterator[Shop]:
    """A namespace with a route."""
    with opened(kube_api, namespace) as made:
        yield made


# What is written


def test_only_our_weights_change(shop: Shop) -> None:
    """Rules, filters, matches and backends of others, labels and parents stay as they were, to the byte."""
    shop.make(CANARY, rule(100, 0, backend("mirror", 7), **MINE), MOVED, hostnames=["shop.example"])
    shop.kubectl("label", "httproute", NAME, "team=shop")
    before = shop.route
    shop.router().write(shares(75))
    after = shop.route
    assert shop.weights == [75, 25]

    changed = deepcopy(before["spec"])
    for index, weight in enumerate((75, 25)):
        changed["rules"][1]["backendRefs"][index]["weight"] = weight
    assert json.dumps(after["spec"]) == json.dumps(changed)
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1


def test_what_is_so_already_costs_no_write(shop: Shop) -> None:
    """Where the route says so already nothing is written, whoever owns it and in whatever numbers it says so."""
    shop.make(rule(9, 1))
    before = shop.settled()["metadata"]["resourceVersion"]
    shop.router().write(shares(90))
    assert shop.route["metadata"]["resourceVersion"] == before
    assert "rules" in shop.owners()[PULUMI]

    shop.router().write(shares(50))
    before = shop.route["metadata"]["resourceVersion"]
    shop.router().write(shares(50))
    assert shop.route["metadata"]["resourceVersion"] == before


def test_thirds_are_told_and_mended(shop: Shop) -> None:
    """Weights that somebody made no percentages of are told when they are read, and the next write makes percentages of them."""
    shop.make(rule(2, 1))
    assert (
        refused(shop.router().read).cause == "rule crossfade has weights that are no whole percentages: api-blue 2, api-green 1"
    )
    shop.router().write(shares(100))
    assert shop.router().read() == shares(100)


# Whose it is


@pytest.mark.parametrize("form", ["apply", "create"])
def test_rules_are_taken_over_from_pulumi(shop: Shop, form: str) -> None:
    """Of a route that Pulumi made, by server-side apply or not, the rules are ours from the first write on, and nothing else."""
    if form == "create":
        shop.kubectl("delete", "httproute", NAME)
        shop.kubectl("create", "--field-manager", PULUMI, "-f", "-", stdin=json.dumps(route(namespace=shop.namespace)))
    assert shop.owners()[PULUMI] == {"parentRefs", "rules"}

    shop.router().write(shares(90))
    assert shop.owners() == {PULUMI: {"parentRefs"}, MANAGER: {"rules"}}
    shop.router().write(shares(10))
    assert shop.weights == [10, 90]


def test_rules_of_somebody_else_are_left_alone(shop: Shop) -> None:
    """Who edits the rules by hand owns them: nothing is written over that, and it is told who it is and how they become ours."""
    shop.router().write(shares(90))
    _edit(shop, 70)
    before = shop.settled()["metadata"]["resourceVersion"]
    error = refused(lambda: shop.router().write(shares(100)))
    assert error.what == "route api: its rules are somebody else's; nothing was written"
    assert (error.cause, error.where) == ("kubectl-edit owns .spec.rules", f"HTTPRoute {shop.namespace}/api")
    assert shop.route["metadata"]["resourceVersion"] == before
    assert shop.weights == [70, 30]

    assert error.hint is not None
    _run(error.hint.partition(": ")[2], shop)
    shop.router().write(shares(100))
    assert (shop.weights, shop.route["spec"]["parentRefs"][0]["name"]) == ([100, 0], "front")


def test_not_even_with_pulumi_beside_him(shop: Shop) -> None:
    """Rules that Pulumi and somebody else own are left alone too."""
    found = shop.route
    theirs = {**route(namespace=shop.namespace), "spec": {"rules": found["spec"]["rules"]}}
    shop.api.apply(theirs, manager="flux")
    error = refused(lambda: shop.router().write(shares(50)))
    assert error.cause == f"flux owns .spec.rules, {PULUMI} owns .spec.rules"
    assert shop.weights == [100, 0]


# Who else writes


def test_of_two_writers_one_comes_after_the_other(shop: Shop) -> None:
    """However two write at once, the route has the weights of one of them at any time, and each is told where it lost."""
    seen: set[tuple[int, ...]] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            seen.add(tuple(shop.weights))

    def write(blue: int) -> list[str]:
        own, said = shop.router(), []
        for step in range(8):
            try:
                own.write(shares(blue + step))
            except RouterError as error:
                said.append(error.what)
        return said

    with ThreadPoolExecutor(3) as pool:
        looking = pool.submit(look)
        told = [each for one in [pool.submit(write, 10), pool.submit(write, 60)] for each in one.result()]
        ended.set()
        looking.result()
    allowed = {(100, 0), *((blue + step, 100 - blue - step) for blue in (10, 60) for step in range(8))}
    assert seen <= allowed
    assert all("and somebody changed it since" in each for each in told)
    assert shop.weights in ([17, 83], [67, 33])


def test_nobodys_change_is_lost(shop: Shop) -> None:
    """While weights are written over and over, whatever somebody else changes in his own rule stays."""
    shop.make(rule(), {"name": "theirs", "matches": [{"path": {"type": "PathPrefix", "value": "/0"}}]})
    shop.router().write(shares(99))
    ended, written = threading.Event(), list[int]()

    def write() -> None:
        own = shop.router()
        while not ended.is_set():
            own.write(shares(len(written) % 100))
            written.append(1)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            for turn in range(1, 21):
                wait_for(lambda turn=turn: _changed(shop, turn), limit=LIMIT)
                assert shop.route["spec"]["rules"][1]["matches"][0]["path"]["value"] == f"/{turn}"
            # On a busy machine each of ours may be overtaken until nobody changes anything any more.
            wait_for(lambda: len(written) > 1, "weights were written", limit=LIMIT)
        finally:
            ended.set()
        writing.result()
    assert shop.route["spec"]["rules"][1]["matches"][0]["path"]["value"] == "/20"


def test_a_change_before_it_is_accepted_is_told(shop: Shop) -> None:
    """Who waits for the gateway, and sees other weights come, does not take these for his own."""
    shop.controller.silent = True
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(refused, lambda: shop.router().write(shares(50)))
        wait_for(lambda: shop.weights == [50, 50], limit=LIMIT)
        shop.cluster.apply(ROUTE, NAME, {"spec": {"rules": [rule(100, 0)]}})
        error = writing.result()
    assert error.what == f"route api: {shares(50)} was written, and somebody changed it since"
    assert error.cause == f"now it is {shares(100)}"


def test_a_route_that_went_is_not_made_again(shop: Shop) -> None:
    """What was read of a route that is deleted meanwhile, or made anew, is not written: it would be a route of ours alone."""
    found = shop.route
    identity = {name: found["metadata"][name] for name in ("uid", "resourceVersion")}
    document = {"metadata": identity, "spec": {"rules": found["spec"]["rules"]}}
    shop.kubectl("delete", "httproute", NAME)
    with pytest.raises(Refused) as gone:
        shop.cluster.apply(ROUTE, NAME, document, force=True)
    assert (gone.value.status, gone.value.owners) == (409, ())
    shop.make()
    with pytest.raises(Refused) as anew:
        shop.cluster.apply(ROUTE, NAME, document, force=True)
    assert (anew.value.status, anew.value.owners) == (409, ())


# In words of the tests


def _edit(shop: Shop, blue: int) -> None:
    """Change the weights as ``kubectl edit`` does."""
    rules: list[Any] = shop.route["spec"]["rules"]
    rules[0]["backendRefs"][0]["weight"], rules[0]["backendRefs"][1]["weight"] = blue, 100 - blue
    patch = json.dumps({"spec": {"rules": rules}})
    shop.kubectl("patch", "httproute", NAME, "--type", "merge", "--field-manager", "kubectl-edit", "-p", patch)


def _changed(shop: Shop, turn: int) -> bool:
    """Whether the other rule could be changed, on condition that nobody else was faster."""
    found = shop.route
    found["spec"]["rules"][1]["matches"][0]["path"]["value"] = f"/{turn}"
    condition = {"resourceVersion": found["metadata"]["resourceVersion"]}
    try:
        shop.cluster.apply(ROUTE, NAME, {"metadata": condition, "spec": {"rules": found["spec"]["rules"]}})
    except Refused as error:
        if error.owners:
            raise
        return False
    return True


def _run(line: str, shop: Shop) -> None:
    """Run a line as a person does who pastes it, with the cluster's kubectl."""
    environment = {**shop.api.environment, "PATH": f"{shop.api.binaries}:/usr/bin:/bin", "HOME": str(shop.api.folder)}
    subprocess.run(["sh", "-c", line], env=environment, check=True, capture_output=True, timeout=60)
