"""The simulated stack, fresh for each test."""

import pytest
from simulation import Simulation


@pytest.fixture
def simulation() -> Simulation:
    """A healthy stack, blue live, green the candidate, 200 requests a second."""
    return Simulation()
