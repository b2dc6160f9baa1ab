"""A cluster of the tests' own. These tests run where they are asked for: `make test-kubernetes`."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import kube_gateway
import kube_node
import kube_trading
import pytest
from asked_for import only_where_asked_for
from kube_api import Api, kube_api, missing
from kube_names import names
from kube_node import Node

HERE = Path(__file__).parent
_numbers = itertools.count()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it where nobody asked for it by its marker or its folder."""
    only_where_asked_for(config, items, HERE, "starts a Kubernetes cluster of its own: make test-kubernetes")


@pytest.fixture(scope="session", name="kube_api")
def _kube_api() -> Iterator[Api]:
    """An API server that all tests share: each has a namespace of its own. Nothing acts on what is written, nothing runs."""
    _skip(missing())
    with kube_api() as api:
        yield api

    assert not api.folder.exists()


@pytest.fixture(scope="session", name="kube_controlled")
def _kube_controlled() -> Iterator[Api]:
    """The same with the controllers: Deployments make pods, which nothing runs."""
    _skip(missing())
    with kube_api(controllers=True) as api:
        yield api

    assert not api.folder.exists()


@pytest.fixture(scope="session", name="kube_node")
def _kube_node() -> Iterator[Node]:
    """A whole cluster that all tests share: each has a namespace of its own."""
    _skip(missing() or kube_node.missing())
    with kube_node.kube_node() as node:
        yield node

    assert kube_node.left(node) == []


@pytest.fixture(scope="session", name="kube_gateway")
def _kube_gateway(kube_node: Node) -> Iterator[kube_gateway.Gateway]:
    """Traefik as the gateway of that cluster, with one listener, ``web``."""
    _skip(kube_gateway.missing())
    with kube_gateway.gateway(kube_node.api) as running:
        yield running


@pytest.fixture(scope="session", name="kube_trading")
def _kube_trading(kube_node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The same cluster with the images of the trading system, and with names for its services."""
    _skip(kube_trading.missing())
    for runtime in kube_trading.RUNTIMES:
        archive = kube_trading.image(tmp_path_factory.mktemp("images"), runtime)
        kube_node.load(archive)
        archive.unlink()
    with names(kube_node):
        yield kube_node


@pytest.fixture(name="namespace")
def _namespace() -> str:
    """A name that no other test has: whoever wants the namespace makes it, in the cluster of its choice."""
    return f"test-{next(_numbers)}"


def _skip(reason: str | None) -> None:
    if reason is not None:
        pytest.skip(reason)
