"""Without a driver: what takes a rollout back on the target local does so in containers, and finds the engine by itself."""

from collections.abc import Iterator

import pytest
from docker_host import DockerHost
from docker_workshop import DockerWorkshop, docker_up
from workshop import PLAN, until

from tests.engine import test_watchdog as same

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]


@pytest.fixture(scope="module")
def project(docker_host: DockerHost) -> Iterator[DockerWorkshop]:
    """A project whose rollouts are taken back after three seconds without a driver; its images are known to be well."""
    with docker_up(docker_host, {**PLAN, "steps": [50, 100], "absence": "3s"}) as made:
        until((made.journal / "watchdog.json").exists, "the watchdog beats")
        made.crossfade("images")
        yield made


test_a_rollout_without_a_driver_is_taken_back = same.test_a_rollout_without_a_driver_is_taken_back


def test_what_passed_is_not_checked_again(project: DockerWorkshop) -> None:
    """Images that passed are believed by their release: a promotion of the same one checks nothing."""
    project.up()
    said = project.crossfade("promote", "--again", "to see it checked once")

    assert "checking the images" not in said.stderr
    assert project.weights() == {"blue": 0, "green": 100}
