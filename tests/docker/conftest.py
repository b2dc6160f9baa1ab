"""An engine of the tests' own. These tests run where they are asked for: `make test-docker`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asked_for import only_where_asked_for
from docker_host import RUNNING, DockerHost, docker_host, left, missing

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it where nobody asked for it by its marker or its folder."""
    only_where_asked_for(config, items, HERE, "starts a Docker engine of its own, as root: make test-docker")


@pytest.fixture(scope="session", name="docker_host")
def _docker_host() -> Iterator[DockerHost]:
    if (running := os.environ.get(RUNNING)) is not None:
        yield DockerHost.of(running)
        return
    if (reason := missing()) is not None:
        pytest.skip(reason)
    with docker_host() as host:
        yield host

    assert left(host.folder) == []
