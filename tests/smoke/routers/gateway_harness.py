"""A route at a real API server, and somebody who says of it what the controller of a gateway says.

No gateway runs: nobody serves a request. What a controller would write into the status of the route is written by a thread.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import pytest
from kube_api import Api
from machine import wait_for

from infra.contract import Backend, Json
from smoke.cluster import ROUTE, Cluster, Reach
from smoke.errors import RouterError
from smoke.refusal import Refused, Unreached
from smoke.routers import router
from smoke.seams import Router
from tests.smoke.routers.gateway_routes import NAME, SETTINGS, Document, report, route

PULUMI = "pulumi-kubernetes-0a1b2c3d"
"""The field manager of a route that Pulumi made."""
LIMIT = 20.0
"""Seconds for what takes a moment where the machine is not busy."""
_PAUSE = 0.01


class Controller:
    """Says of every generation of a route, in its status, what it is told to say; at first that all is well."""

    def __init__(self, cluster: Cluster, name: str = NAME) -> None:
        self.says: tuple[Document, ...] = ({},)
        """What differs from a good report, for each gateway."""
        self.silent = False
        """Whether it says nothing for a while."""
        self._cluster, self._name = cluster, name
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        said: object = None
        while not self._ended.wait(_PAUSE):
            with suppress(Refused, Unreached):
                generation = self._cluster.get(ROUTE, self._name)["metadata"]["generation"]
                news = (generation, self.says)
                if news != said and not self.silent:
                    self.say(generation)
                    said = news

    def say(self, generation: int) -> None:
        """Report of that generation."""
        parents = [report(generation, **each) for each in self.says]
        self._cluster.patch(ROUTE, self._name, {"status": {"parents": parents}}, "status")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)


class Shop:
    """A namespace with one route, as an administrator sees it."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = api.namespace(namespace)
        self.cluster = Cluster(Reach(None, namespace))
        self.controller = Controller(self.cluster)

    def backend(self, **others: Json) -> Backend:
        """The router of the route, as the contract names it."""
        return Backend("gateway", {**SETTINGS, "namespace": self.namespace, **others})

    def router(self, **others: Json) -> Router:
        """That router, with time enough where the machine is busy."""
        return router(self.backend(**{"timeout": LIMIT, **others}))

    def make(self, *rules: Document, manager: str = PULUMI, **more: Json) -> None:
        """Apply the route, with our rule alone unless others are said."""
        self.api.apply(route(*rules, namespace=self.namespace, **more), manager=manager)

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run kubectl in the namespace."""
        return self.api.kubectl("-n", self.namespace, *words, stdin=stdin).stdout

    @property
    def route(self) -> dict[str, Any]:
        """The route as it is."""
        found: dict[str, Any] = self.cluster.get(ROUTE, NAME)
        return found

    @property
    def weights(self) -> list[int]:
        """Of ours, in the first rule that is."""
        rules = self.route["spec"]["rules"]
        ours = next(each for each in rules if each.get("name") == "crossfade")
        return [each["weight"] for each in ours["backendRefs"][:2]]

    def owners(self) -> dict[str, set[str]]:
        """What each manager owns of ``spec``."""
        fields = [each for each in self.route["metadata"]["managedFields"] if not each.get("subresource")]
        named = {each["manager"]: each["fieldsV1"].get("f:spec", {}) for each in fields}
        return {manager: {name.removeprefix("f:") for name in spec if name != "."} for manager, spec in named.items()}

    def settled(self) -> dict[str, Any]:
        """The route, once all of it has been reported of."""
        return wait_for(self._settled, "the route is reported of", limit=LIMIT)

    def _settled(self) -> dict[str, Any] | None:
        found, awaited = self.route, len(self.controller.says)
        reports = found.get("status", {}).get("parents", [])
        said = [each["conditions"][0]["observedGeneration"] for each in reports]
        return found if said == [found["metadata"]["generation"]] * awaited else None


def shares(blue: int) -> dict[str, int]:
    """Weights."""
    return {"blue": blue, "green": 100 - blue}


def refused(act: Callable[[], object]) -> RouterError:
    """What is said where it does not work."""
    with pytest.raises(RouterError) as caught:
        act()
    return caught.value


def read(own: Router) -> object:
    """What it reads; None where it cannot."""
    with suppress(RouterError):
        return own.read()
    return None


@contextmanager
def reached(api: Api) -> Iterator[None]:
    """Within the context the kubeconfig of this process is the API server's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(api.kubeconfig))
        patch.setenv("NO_PROXY", "*")
        yield


@contextmanager
def opened(api: Api, namespace: str) -> Iterator[Shop]:
    """A shop with a route as Pulumi makes it, all on blue, whose controller says at once that all is well."""
    with reached(api):
        made = Shop(api, namespace)
        made.make()
        with made.controller:
            made.settled()
            yield made
