"""Fixtures of the trading system's tests: one runtime after the other, one system for each test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the harness lies beside the tests, in no package

from trading_harness import Process, Runtime, System, runtime


@pytest.fixture(scope="session", params=["py39", "py312"])
def own(request: pytest.FixtureRequest) -> Runtime:
    """The runtime under test: every test that asks for it runs on both."""
    return runtime(request.param)


@pytest.fixture(scope="session")
def old() -> Runtime:
    """The runtime a system is moved from."""
    return runtime("py39")


@pytest.fixture(scope="session")
def new() -> Runtime:
    """The runtime a system is moved to."""
    return runtime("py312")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """Starts processes and ends them after the test."""
    system = System(tmp_path)
    yield system
    system.stop()


@pytest.fixture
def exchange(system: System, new: Runtime) -> Process:
    """A running exchange."""
    return system.serve("exchange", new.app)
