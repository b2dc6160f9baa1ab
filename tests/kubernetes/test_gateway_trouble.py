"""What holds for the weights of a route where its gateway, its API server or a part of it is not as it should be.

No gateway runs, and nobody serves a request: what its controller would say of the route is written by a thread, ``Controller``.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from kube_api import Api, kube_api
from machine import wait_for

from tests.smoke.routers.gateway_harness import LIMIT, Shop, opened, read, refused, shares


@pytest.fixture
def shop(kube_api: Api, namespace: str) -> Iterator[Shop]:
    """A namespace with a route."""
    with opened(kube_api, namespace) as made:
        yield made


# What the gateway says


def test_a_refusal_of_the_gateway_is_told(shop: Shop) -> None:
    """Where the gateway cannot serve the route, the write and each read say so at once, in its words."""
    shop.controller.says = ({"accepted": "False", "reason": "NotAllowedByListeners"},)
    error = refused(lambda: shop.router().write(shares(50)))
    assert error.what == f"route api: {shares(50)} is written, and not accepted"
    assert error.cause == "gateway front says that Accepted is False: NotAllowedByListeners: it is False"
    again = refused(shop.router().read)
    assert (again.what, again.cause) == ("route api: nobody knows which weights are served", error.cause)


def test_what_leads_nowhere_gets_no_traffic_anew(shop: Shop) -> None:
    """A slot that had no traffic gets none confirmed while something in the route leads nowhere, in the gateway's words."""
    shop.controller.says = ({"resolved": "False", "reason": "BackendNotFound"},)
    error = refused(lambda: shop.router().write(shares(50)))
    assert error.what == f"route api: {shares(50)} is written, and not accepted"
    assert error.cause == "gateway front says that ResolvedRefs is False: BackendNotFound: it is False"


def test_what_others_lead_to_keeps_nobody_from_going_back(shop: Shop) -> None:
    """With a reference of somebody else's broken in the middle of a rollout, all of it goes back, and is read back."""
    shop.router().write(shares(50))
    shop.controller.says = ({"resolved": "False", "reason": "BackendNotFound"},)
    shop.router().write(shares(100))
    assert shop.router().read() == shares(100)


def test_a_gateway_that_is_late(shop: Shop) -> None:
    """Until the gateway has accepted it a write is not confirmed, and nobody knows the weights; to write again costs nothing."""
    shop.controller.silent = True
    error = refused(lambda: shop.router(timeout=0.3).write(shares(50)))
    assert error.what == f"route api: {shares(50)} is written, not confirmed"
    generation = shop.route["metadata"]["generation"]
    assert error.cause is not None
    unsaid = f"gateway front has not said Accepted of generation {generation}"
    assert unsaid in error.cause
    assert refused(shop.router().read).cause == unsaid

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(shop.router().write, shares(50))
        shop.controller.silent = False
        writing.result()
    assert shop.router().read() == shares(50)
    assert shop.route["metadata"]["generation"] == generation


def test_every_gateway_has_to_accept(shop: Shop) -> None:
    """A route with two parents is served once both say so, and one that never reported keeps nobody waiting."""
    shop.make(gateways=("front", "back", "planned"))
    shop.controller.says = ({}, {"gateway": "back", "accepted": "False"})
    assert "gateway back says that Accepted is False" in str(refused(lambda: shop.router().write(shares(50))).cause)
    shop.controller.says = ({}, {"gateway": "back"})
    wait_for(lambda: read(shop.router()) == shares(50), limit=LIMIT)


# What is not there


def test_a_server_that_comes_back(shop: Shop) -> None:
    """A write that finds nobody, or is cut off, goes on once the API server is back, and is in force when it returns."""
    own = shop.router(timeout=60.0)
    own.write(shares(90))
    with ThreadPoolExecutor(1) as pool:
        with shop.api.away():
            assert "cannot be asked" in str(refused(own.read).cause)
            writing: Future[None] = pool.submit(own.write, shares(40))
        writing.result()
    assert own.read() == shares(40)


def test_a_server_that_stays_away(shop: Shop) -> None:
    """Whether nobody listens or nobody answers, a write ends by itself, and it is told that nothing was written."""
    own = shop.router(timeout=0.5)
    own.write(shares(90))
    with shop.api.frozen():
        wait_for(lambda: read(own) is None, "all of it stands still", limit=LIMIT)
        error = refused(lambda: own.write(shares(40)))
    assert error.what == f"route api: {shares(40)} is not written"
    assert "timed out" in str(error.cause)
    with shop.api.away():
        error = refused(lambda: own.write(shares(40)))
    assert error.what == f"route api: {shares(40)} is not written"
    assert shop.weights == [90, 10]


def test_a_server_that_ends_while_it_is_waited_for(shop: Shop) -> None:
    """A write that got through, and whose answer nobody can give, is not confirmed."""
    shop.controller.silent = True
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(refused, lambda: shop.router(timeout=2.0).write(shares(50)))
        wait_for(lambda: shop.weights == [50, 50], limit=LIMIT)
        with shop.api.away():
            error = writing.result()
    assert error.what == f"route api: {shares(50)} is written, not confirmed"
    assert "the cluster cannot be asked" in str(error.cause)


def test_what_is_missing_is_named(shop: Shop) -> None:
    """A route, a rule and a backend that are not there are told by their names, when they are read and when they are written."""
    for changed, cause in [
        ({"route": "web"}, 'httproutes.gateway.networking.k8s.io "web" not found'),
        ({"namespace": "none"}, 'httproutes.gateway.networking.k8s.io "api" not found'),
        ({"rule": "ours"}, "it has no rule ours"),
        ({"backends": {"blue": "api-blue", "green": "web-green"}}, "its rule crossfade has backend web-green 0 times, not once"),
    ]:
        own = shop.router(**changed)
        assert refused(own.read).cause == cause
        error = refused(lambda own=own: own.write(shares(50)))
        assert (error.what.partition(": ")[2], error.cause) == ("nothing was written", cause)


def test_who_has_no_right_is_told_which(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may read and not write is refused in the server's words: who, what and where."""
    monkeypatch.setenv("KUBECONFIG", str(shop.api.user("jo")))
    own = shop.router()
    assert 'User "jo" cannot get resource "httproutes"' in str(refused(own.read).cause)
    shop.kubectl("create", "role", "reader", "--verb", "get", "--resource", "httproutes.gateway.networking.k8s.io")
    shop.kubectl("create", "rolebinding", "reader", "--role", "reader", "--user", "jo")
    wait_for(lambda: read(own) == shares(100), limit=LIMIT)
    error = refused(lambda: own.write(shares(50)))
    assert error.what == "route api: nothing was written"
    assert 'User "jo" cannot patch resource "httproutes"' in str(error.cause)


def test_a_cluster_without_the_kind(namespace: str) -> None:
    """A cluster that has no Gateway API is told from one that has no such route."""
    with kube_api() as api, opened(api, namespace) as made:
        api.kubectl("delete", "crd", "httproutes.gateway.networking.k8s.io")
        said = "the cluster has no kind HTTPRoute of gateway.networking.k8s.io/v1"
        wait_for(lambda: refused(made.router().read).cause == said, limit=LIMIT)
        assert refused(lambda: made.router().write(shares(50))).cause == said
