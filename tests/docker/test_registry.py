"""With a registry images are pushed, and containers are made from what was pushed, by its digest."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker_host import DockerHost
from docker_workshop import DockerWorkshop, docker_workshop
from machine import free_port
from scenes import PATIENT
from workshop import STACK

pytestmark = [pytest.mark.engine, pytest.mark.processes]

TEAM = "team"


def pushing(registry: str) -> Callable[[DockerWorkshop], None]:
    """The API alone, and what it asks; images are pushed to a place in the registry."""

    def prepare(project: DockerWorkshop) -> None:
        project.settings["services"] = {"api": project.settings["services"]["api"]}
        project.settings["docker"] = {"registry": f"{registry}/{TEAM}"}

    return prepare


@pytest.fixture(scope="module")
def project(docker_host: DockerHost) -> Iterator[DockerWorkshop]:
    """An API, up from what was pushed."""
    with docker_workshop(docker_host, PATIENT, pushing(docker_host.registry)) as made:
        made.up()
        yield made


def has(registry: str, path: str) -> Any:  # noqa: ANN401 - a registry's JSON
    """What a registry answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{registry}/v2/{path}", timeout=10) as answer:
        return json.load(answer)


def pushed(registry: str) -> dict[str, list[str]]:
    """Every tag of ours in a registry, by name of the image: other tests push there too."""
    names = [each for each in has(registry, "_catalog")["repositories"] or [] if each.startswith(f"{TEAM}/")]
    return {name: sorted(has(registry, f"{name}/tags/list")["tags"] or []) for name in names}


def left(project: DockerWorkshop) -> list[str]:
    """Every container, network and volume of the stack."""
    return [each for names in project.things().values() for each in names if each.startswith(f"crossfade-{STACK}")]


def made_from(project: DockerWorkshop, program: str) -> list[str]:
    """What the image of a container is known by in registries: name and digest."""
    (image,) = project.listed("inspect", "--format", "{{.Image}}", project.container(program))
    (names,) = project.listed("image", "inspect", "--format", "{{json .RepoDigests}}", image)
    return list(json.loads(names))


def test_images_are_pushed_by_content_and_by_runtime(project: DockerWorkshop) -> None:
    """The registry has an image of each runtime under the name of the service, by both of its tags."""
    found = pushed(project.host.registry)

    assert sorted(found) == [f"{TEAM}/crossfade/staging-{each}" for each in ("api", "exchange")]
    assert [tag.partition("-")[0] for tag in found[f"{TEAM}/crossfade/staging-api"]] == ["py312", "py312", "py39", "py39"]


@pytest.mark.parametrize("program", ["api--blue", "api--green", "exchange"])
def test_containers_are_made_from_what_was_pushed(project: DockerWorkshop, program: str) -> None:
    """The image of every container is one that the registry answers for, by the same digest."""
    registry, found = project.host.registry, made_from(project, program)
    name, _, digest = next(each for each in found if each.startswith(registry)).removeprefix(f"{registry}/").partition("@")

    assert has(registry, f"{name}/manifests/{digest}")["schemaVersion"] == 2


def test_a_second_up_pushes_nothing(project: DockerWorkshop) -> None:
    """Nothing is built, pushed, pulled or replaced, and the registry has what it had."""
    before = pushed(project.host.registry), left(project)
    said = project.up()

    assert (pushed(project.host.registry), left(project)) == before
    assert not any(word in said.stdout for word in ("created", "updated", "replaced"))


def test_what_was_pushed_is_promoted(project: DockerWorkshop) -> None:
    """Its images are checked, and all traffic goes to green."""
    project.crossfade("promote")

    assert project.weights() == {"blue": 0, "green": 100}


def test_an_image_that_the_engine_lost_is_pulled(project: DockerWorkshop) -> None:
    """A machine that has none of the images takes them from the registry, by their digests: what runs is the same again."""
    before = made_from(project, "exchange")
    project.host.docker("rm", "--force", project.container("exchange"))
    ours = set(project.listed("images", "--quiet", "--no-trunc", "--filter", f"reference={project.host.registry}/*/*/*exchange"))
    project.host.docker("image", "rm", "--force", *ours)
    gone = project.listed("images", "--quiet", "--no-trunc")
    project.up("--refresh")

    assert ours
    assert ours.isdisjoint(gone)
    assert made_from(project, "exchange") == before
    assert project.ask("api", "/health/")[0] == 200


def test_destroy_leaves_the_registry_as_it_is(project: DockerWorkshop) -> None:
    """Containers, networks and volumes are gone; what was pushed is another stack's to take."""
    before = pushed(project.host.registry)
    project.pulumi("destroy", "--yes", "--skip-preview")

    assert pushed(project.host.registry) == before
    assert left(project) == []


def test_a_registry_that_is_not_there_is_told(docker_host: DockerHost) -> None:
    """Up fails with its address and what became of the push, and starts no container; destroy leaves no trace."""
    nobody = f"127.0.0.1:{free_port()}"
    with docker_workshop(docker_host, PATIENT, pushing(nobody)) as made:
        said = made.up(check=False)
        containers = [each for each in made.things()["containers"] if each in left(made)]
        made.pulumi("destroy", "--yes", "--skip-preview")

        assert said.returncode != 0
        assert nobody in said.stdout + said.stderr
        assert "connection refused" in said.stdout + said.stderr
        assert containers == []
        assert left(made) == []
