"""The main job, in containers: what holds on the target local holds here, test by test."""

from collections.abc import Iterator

import pytest
from docker_host import DockerHost
from docker_workshop import DockerWorkshop, docker_up
from workshop import until

from tests.engine import test_promotion as same

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]


@pytest.fixture(scope="module")
def project(docker_host: DockerHost) -> Iterator[DockerWorkshop]:
    """The trading system in containers, blue on 3.9 live, green on 3.12 standing by."""
    with docker_up(docker_host) as made:
        yield made


test_from_nothing_blue_serves_alone = same.test_from_nothing_blue_serves_alone
test_smoke_asks_the_idle_slot = same.test_smoke_asks_the_idle_slot
test_plan_says_what_would_happen = same.test_plan_says_what_would_happen
test_promotes_and_goes_back_without_losing_a_request = same.test_promotes_and_goes_back_without_losing_a_request
test_the_new_side_serves_and_the_old_stays_warm = same.test_the_new_side_serves_and_the_old_stays_warm
test_nothing_to_promote_is_well = same.test_nothing_to_promote_is_well
test_orders_never_come_from_two_agents = same.test_orders_never_come_from_two_agents


def test_what_has_traffic_is_never_made_anew(project: DockerWorkshop) -> None:
    """Another image for the proxy waits: the one that has traffic stays as it is, as every container does."""
    project.host.docker("tag", "envoyproxy/envoy:v1.40.0", "envoyproxy/envoy:other")
    before = project.listed("ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}")
    project.settings["docker"] = {"proxy": "envoyproxy/envoy:other"}
    project.save()
    project.up()
    after = project.listed("ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}")
    del project.settings["docker"]
    project.save()
    project.up()

    assert after == before
    assert project.ask("api", "/health/")[0] == 200


@pytest.mark.parametrize("program", ["api--green", "api--blue", "agent--blue", "exchange", "envoy"])
def test_up_heals_what_was_killed(project: DockerWorkshop, program: str) -> None:
    """A container that somebody killed runs again after an up, the same one, and every service is well."""
    before = project.listed("inspect", "--format", "{{.Id}}", project.container(program))
    project.host.docker("kill", project.container(program))
    project.up()
    found = project.listed("inspect", "--format", "{{.State.Running}}", project.container(program))

    assert found == ["true"]
    assert project.listed("inspect", "--format", "{{.Id}}", project.container(program)) == before
    assert project.ask("api", "/health/")[0] == 200
    # Who had lost the exchange asks for it again after a while.
    until(lambda: project.crossfade("smoke", "--slot", "blue", expected=None).returncode == 0, "every probe is well")


def test_a_container_that_was_removed_comes_back_by_a_refresh(project: DockerWorkshop) -> None:
    """One that somebody removed is said to be gone, with the command that makes it anew; that command does."""
    project.host.docker("rm", "--force", project.container("exchange"))
    said = project.up(check=False)
    project.up("--refresh")

    assert said.returncode != 0
    assert "pulumi up --refresh" in said.stdout + said.stderr
    assert project.listed("inspect", "--format", "{{.State.Running}}", project.container("exchange")) == ["true"]


def test_destroy_leaves_nothing(project: DockerWorkshop) -> None:
    """Containers, networks, volumes and the folder are gone; images stay, as a later stack would build the same."""
    project.pulumi("destroy", "--yes", "--skip-preview")
    left = project.things()

    assert not [each for name in ("containers", "networks", "volumes") for each in left[name] if "crossfade" in each]
    assert not project.home.exists()
    assert project.processes() == []
