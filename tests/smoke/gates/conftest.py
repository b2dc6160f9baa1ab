"""A server on loopback for gates that ask one."""

from collections.abc import Iterator

import pytest

from tests.smoke.traffic.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own."""
    with Server() as made:
        yield made
