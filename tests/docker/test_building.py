"""Images are built from what they are named after, once; and what cannot be built changes nothing and leaves nothing."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker_host import DockerHost
from docker_workshop import DockerWorkshop, docker_workshop
from scenes import PATIENT
from workshop import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.processes]


def apart(project: DockerWorkshop) -> None:
    """Every service with a source of its own, so that one may change without the others; without traffic to wait for."""
    for name in ("api", "agent"):
        place = project.folder / "services" / name
        shutil.copytree(
            ROOT / "examples" / "trading" / "trading", place / "trading", ignore=shutil.ignore_patterns("__pycache__")
        )
        project.settings["services"][name]["source"] = f"services/{name}"
    del project.settings["services"]["dashboard"]


def own_dockerfile(text: str) -> Callable[[DockerWorkshop], None]:
    """The API is built by a Dockerfile of the user's own."""

    def prepare(project: DockerWorkshop) -> None:
        (project.folder / "Dockerfile.api").write_text(text, encoding="utf-8")
        project.settings["services"]["api"]["dockerfile"] = "Dockerfile.api"

    return prepare


def no_base(project: DockerWorkshop) -> None:
    """The base of 3.12 is nowhere to be had."""
    project.settings["docker"] = {"bases": {"py312": "python:3.12-not-there"}}


def wrong_hash(project: DockerWorkshop) -> None:
    """The lock of 3.12 has a hash that no package has."""
    lock = project.folder / "locks" / "app-py312.txt"
    lock.parent.mkdir()
    text = (ROOT / "examples" / "trading" / "locks" / "app-py312.txt").read_text(encoding="utf-8")
    lock.write_text(text.replace("sha256:", "sha256:0000", 1)[:], encoding="utf-8")
    shutil.copy(ROOT / "examples" / "trading" / "locks" / "app-py39.txt", lock.with_name("app-py39.txt"))
    project.settings["services"]["api"]["lock"] = "locks/app-{runtime}.txt"


BROKEN: dict[str, tuple[Callable[[DockerWorkshop], None], str]] = {
    "Dockerfile": (own_dockerfile("FROM python:3.12-slim-bookworm\nRUN exit 7\n"), "exit code: 7"),
    "syntax": (own_dockerfile("FRUM python:3.12-slim-bookworm\n"), "FRUM"),
    "base": (no_base, "python:3.12-not-there"),
    "lock": (wrong_hash, "hash"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_built_is_told_and_leaves_nothing(docker_host: DockerHost, name: str) -> None:
    """Pulumi fails with the builder's own words; nothing runs of it that did not run before, and destroy leaves no trace."""
    prepare, words = BROKEN[name]
    with docker_workshop(docker_host, PATIENT) as made:
        before = made.things()
        apart(made)
        prepare(made)
        made.save()
        said = made.up(check=False)
        containers = made.things()["containers"]
        made.pulumi("destroy", "--yes", "--skip-preview")

        assert said.returncode != 0
        assert words in said.stdout + said.stderr
        assert made.container("api--green") not in containers
        assert made.things() == before


@pytest.fixture(scope="module")
def project(docker_host: DockerHost) -> Iterator[DockerWorkshop]:
    """An API and an agent with sources of their own, up."""
    with docker_workshop(docker_host, PATIENT, apart) as made:
        made.up()
        yield made


def ids(project: DockerWorkshop) -> dict[str, str]:
    """Id of every image, by name and tag."""
    own = f"label=crossfade.home={project.home}"
    lines = project.listed("images", "--no-trunc", "--filter", own, "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")
    return dict(map(str.split, lines))


def test_every_service_has_an_image_of_both_runtimes(project: DockerWorkshop) -> None:
    """Each has a tag by its content, and one by its runtime that leads to the same image."""
    found = ids(project)
    by_content = {name for name in found if "-" in name.partition(":")[2]}
    names = {name.partition(":")[0] for name in found}

    assert names == {f"crossfade/staging-{each}" for each in ("api", "agent", "exchange")}
    assert {name.partition(":")[2].partition("-")[0] for name in by_content if "-api:" in name} == {"py39", "py312"}
    assert all(found[name] == found[name.rpartition("-")[0]] for name in by_content)


def test_a_second_up_builds_nothing(project: DockerWorkshop) -> None:
    """No image is another one than before, and Pulumi changes nothing at all."""
    before = ids(project)
    said = project.up()

    assert ids(project) == before
    assert not any(word in said.stdout for word in ("created", "updated", "replaced"))


def test_a_changed_line_builds_only_what_it_is_in(project: DockerWorkshop) -> None:
    """A line of the API's makes one new image, for the idle slot; the agent's, and the one with traffic, are the same."""
    before, contract = ids(project), project.contract()
    page = project.folder / "services" / "api" / "trading" / "api.py"
    page.write_text(page.read_text(encoding="utf-8") + "\n# a line\n", encoding="utf-8")
    project.up()
    new = set(ids(project)) - set(before)
    placed = {service["name"]: service["placements"] for service in project.contract()["services"]}
    was = {service["name"]: service["placements"] for service in contract["services"]}

    assert len(new) == 1
    assert "-api:py312-" in new.pop()
    assert placed["api"]["blue"] == was["api"]["blue"]
    assert placed["agent"] == was["agent"]


def test_what_is_broken_later_changes_nothing(project: DockerWorkshop) -> None:
    """A Dockerfile that fails at the next up leaves what runs as it is, and what is mended is built."""
    before, weights = project.things(), project.weights()
    own_dockerfile("FROM python:3.12-slim-bookworm\nRUN exit 7\n")(project)
    project.save()
    said = project.up(check=False)
    still = project.ask("api", "/health/")[0], project.weights()
    del project.settings["services"]["api"]["dockerfile"]
    project.save()
    project.up()

    assert said.returncode != 0
    assert still == (200, weights)
    assert project.things() == before


def test_an_engine_that_is_gone_is_told(project: DockerWorkshop) -> None:
    """Up refuses before anything, with the engine's address and a command to run next; the stack's state is as it was."""
    before = json.dumps(project.contract())
    project.settings["docker"] = {"host": "unix:///nobody/listens.sock"}
    project.save()
    said = project.up(check=False)
    del project.settings["docker"]
    project.save()

    assert said.returncode != 0
    assert "unix:///nobody/listens.sock" in said.stdout + said.stderr
    assert "hint:" in said.stdout + said.stderr
    assert json.dumps(project.contract()) == before


def test_an_image_that_runs_as_root_is_no_candidate(project: DockerWorkshop) -> None:
    """A Dockerfile without a user is found out before any traffic: exit 1, and nothing moved."""
    text = (ROOT / "infra" / "images" / "Dockerfile").read_text(encoding="utf-8")
    own_dockerfile(text.replace("USER 10001:10001\n", "USER root\n"))(project)
    project.save()
    project.up()
    said = project.crossfade("promote", expected=1)

    assert "root" in said.stderr
    assert project.weights() == {"blue": 100, "green": 0}


def test_the_harness_has_no_other_names(project: DockerWorkshop, tmp_path: Path) -> None:
    """Everything that the engine has of the stack carries its labels, so that it can be told from others'."""
    del tmp_path
    label = f"label=crossfade.home={project.home}"

    assert project.listed("ps", "--all", "--filter", label, "--format", "{{.Names}}") == project.things()["containers"]
    assert project.listed("volume", "ls", "--filter", label, "--format", "{{.Name}}") == project.things()["volumes"]
    assert project.listed("network", "ls", "--filter", label, "--format", "{{.Name}}") == project.things()["networks"]
