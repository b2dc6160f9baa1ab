"""Whatever is wrong with the candidate: on containers it is found as it is on the target local, and ends the same way."""

from collections.abc import Iterator

import pytest
from docker_host import DockerHost
from docker_workshop import DockerWorkshop, docker_up

from tests.engine.test_faults import (
    PLAN,
    test_a_faulty_candidate_is_rolled_back,
    test_the_weights_are_back_in_the_tick_of_the_verdict,
)

__all__ = ["test_a_faulty_candidate_is_rolled_back", "test_the_weights_are_back_in_the_tick_of_the_verdict"]
pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]


def unlimited(project: DockerWorkshop) -> None:
    """Without limits: a container that is ended for its memory has restarted before it has grown to what is not allowed."""
    for service in project.settings["services"].values():
        del service["memory"]


@pytest.fixture(scope="module")
def project(docker_host: DockerHost) -> Iterator[DockerWorkshop]:
    """The trading system in containers, blue on 3.9 live; each test puts another broken release into green."""
    with docker_up(docker_host, PLAN, unlimited) as made:
        yield made
