"""Where the images of a stack in a cluster come from, as the real SDK registers them."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.images import Recipe
from infra.targets.docker.things import contexts
from infra.targets.local.home import home_of
from tests.infra.kubernetes.registered import API, STACK, VALUES, Told, declared, seen_of

DIGEST = "sha256:" + 64 * "a"
NAME = "registry.example.com/team/crossfade/staging-api"
BUILT: Mapping[str, Any] = {
    **VALUES,
    "docker": {"registry": "registry.example.com/team"},
    "services": {"api": {name: each for name, each in API.items() if name != "image"}},
}


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """A project with a source and a lock for each runtime."""
    return written(tmp_path / "project")


def written(project: Path, body: str = "1") -> Path:
    """The folder with the program in it."""
    (project / "src").mkdir(parents=True, exist_ok=True)
    (project / "src" / "main.py").write_text(body, encoding="utf-8")
    for runtime in ("py39", "py312"):
        (project / f"lock-{runtime}.txt").write_text(runtime, encoding="utf-8")
    return project


def images(told: Told) -> Mapping[str, Any]:
    """The images that are declared, by their titles."""
    return {name: each for name, each in told.resources.items() if each.type == "docker-build:index:Image"}


def image(told: Told, slot: str) -> str:
    """What the pods of a slot are made from."""
    (container,) = told[f"pods of api on {slot}"]["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def built_here(project: Path, told: Told) -> None:
    """Have the folders that images were built from, as an `up` leaves them."""
    home = home_of(project, STACK)
    for each in told.resources.values():
        recipe = dict(each.inputs).get("recipe")
        if recipe is not None:
            (contexts(home) / Recipe(**recipe).folder).mkdir(parents=True)


def test_an_image_is_built_pushed_and_named_by_its_digest(project: Path) -> None:
    """There is one for each runtime; it is tried first, stays in the registry for ever, and pods have it by digest."""
    told = declared(project, BUILT)
    found = images(told)

    assert sorted(each.rpartition("-")[0] for each in found) == ["image api py312", "image api py39"]
    assert all(each.inputs["push"] and not each.inputs["load"] and each.retained for each in found.values())
    assert all(name.replace("image", "trial of") in each.needs for name, each in found.items())
    assert image(told, "blue") == f"{NAME}@{DIGEST}"
    assert told["pods of api on blue"]["metadata"]["annotations"]["crossfade/image"] == f"{NAME}@{DIGEST}"


def test_an_image_says_nothing_of_the_machine_that_built_it(project: Path, tmp_path: Path) -> None:
    """The same content has the same name and labels wherever the project lies."""
    other = written(tmp_path / "elsewhere")
    one, two = images(declared(project, BUILT)), images(declared(other, BUILT))

    assert {name: each.inputs["labels"] for name, each in one.items()} == {
        name: each.inputs["labels"] for name, each in two.items()
    }


def test_another_machine_builds_nothing_that_is_placed(project: Path, tmp_path: Path) -> None:
    """What the cluster has of the same content is what pods have, and nothing is built, nor asked of an engine."""
    first = declared(project, BUILT)
    again = declared(written(tmp_path / "clone"), BUILT, seen_of(first))

    assert images(again) == {}
    assert [image(again, slot) for slot in ("blue", "green")] == [image(first, slot) for slot in ("blue", "green")]


def test_another_machine_builds_what_is_new(project: Path, tmp_path: Path) -> None:
    """With another source the live slot keeps its image, of which nobody has the source any more; the idle one gets a new one."""
    first = declared(project, BUILT)
    seen = seen_of(first)
    for each in seen.deployments:
        each["metadata"]["annotations"]["crossfade/image"] = f"{NAME}@sha256:{64 * 'b'}"
    shutil.rmtree(project)
    again = declared(written(tmp_path / "clone", "2"), BUILT, seen)

    assert [name.rpartition("-")[0] for name in images(again)] == ["image api py312"]
    assert (image(again, "blue"), image(again, "green")) == (f"{NAME}@sha256:{64 * 'b'}", f"{NAME}@{DIGEST}")


def test_the_machine_that_built_it_goes_on_declaring_it(project: Path) -> None:
    """Where it was built it stays declared, and nothing changes; pods have what is placed, whatever a new build gives."""
    first = declared(project, BUILT)
    built_here(project, first)
    seen = seen_of(first)
    for each in seen.deployments:
        each["metadata"]["annotations"]["crossfade/image"] = f"{NAME}@sha256:{64 * 'b'}"
    again = declared(project, BUILT, seen)

    assert images(again).keys() == images(first).keys()
    assert image(again, "blue") == f"{NAME}@sha256:{64 * 'b'}"


def test_an_image_of_another_name_is_not_believed(project: Path) -> None:
    """What a Deployment says that is not in our registry under our name is built, and not taken over."""
    first = declared(project, BUILT)
    seen = seen_of(first)
    for each in seen.deployments:
        each["metadata"]["annotations"]["crossfade/image"] = f"registry.example.com/somebody@{DIGEST}"
    again = declared(project, BUILT, seen)

    assert image(again, "green") == f"{NAME}@{DIGEST}"
    assert len(images(again)) == 2


def test_what_is_built_elsewhere_needs_no_builder(tmp_path: Path) -> None:
    """With an image of its own for every program there is no image, no folder and no builder."""
    told = declared(tmp_path)

    assert [each.type for each in told.resources.values() if "kubernetes" not in each.type] == []
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names alone
