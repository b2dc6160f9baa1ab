"""What holds for images before any is built: their recipes, the folders that they are built from, and what Pulumi is told."""

import asyncio
import json
import os
import shutil
import threading
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.content import IGNORED, file_digest, tree_digest
from infra.images import (
    Build,
    ContextError,
    Login,
    Origin,
    Recipe,
    arguments,
    assemble,
    base_of,
    dockerfile_digest,
    image_name,
)
from infra.images.building import secrets
from infra.images.recipe import FILES


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A service's folder with a program, a script and a link, what running it left, and its lock; its owner's alone."""
    folder = tmp_path / "api"
    (folder / "deep" / "__pycache__").mkdir(parents=True, mode=0o700)
    (folder / "deep" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (folder / "deep" / "app.py").write_text("print('hello')")
    (folder / "deep" / "app.py").chmod(0o600)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    (folder / "link").symlink_to("deep/app.py")
    lock = tmp_path / "lock.txt"
    lock.write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    return Origin(folder, lock)


def recipe_of(origin: Origin) -> Recipe:
    """The recipe as the parts are now."""
    return Recipe(
        "py312", tree_digest(origin.source), file_digest(origin.lock), dockerfile_digest(origin.dockerfile), base_of("py312")
    )


def build(recipe: Recipe, registry: str | None = None) -> Build:
    """An image of the service."""
    return Build("staging", "/home/of/it", "api", recipe, registry=registry)


def modes(folder: Path) -> dict[str, str]:
    """Who may do what with everything in a folder, links aside."""
    found = {str(each.relative_to(folder)): each for each in folder.rglob("*") if not each.is_symlink()}
    return {name: oct(each.stat().st_mode & 0o777) for name, each in found.items()}


# Recipes and names


@pytest.mark.parametrize("part", [field.name for field in fields(Recipe)])
def test_every_part_makes_another_image(part: str) -> None:
    """A recipe that differs in one part has another content, another tag and another folder; the same one has the same."""
    recipe = Recipe("py312", "sha256:a", "sha256:b", "sha256:c", "python:3.12")
    other = replace(recipe, **{part: "py39"})

    assert recipe.content == replace(recipe).content
    assert recipe.content != other.content
    assert recipe.tag != other.tag
    assert recipe.folder != other.folder


def test_a_tag_says_the_runtime() -> None:
    """A tag is the runtime and twelve digits, a folder sixteen of the same content."""
    recipe = Recipe("py39", "a", "b", "c", "d")

    assert recipe.tag == f"py39-{recipe.folder[:12]}"
    assert len(recipe.folder) == 16
    assert recipe.python == "3.9"


@pytest.mark.parametrize(
    ("stack", "registry", "name"),
    [
        ("staging", None, "crossfade/staging-api"),
        ("Dev_2..x-", None, "crossfade/dev-2-x-api"),
        ("staging", "registry.example.com:5000/team/", "registry.example.com:5000/team/crossfade/staging-api"),
    ],
)
def test_a_name_is_one_that_docker_takes(stack: str, registry: str | None, name: str) -> None:
    """Whatever letters a stack's name has, its images' have those that an image's may have."""
    assert name == image_name(stack, "api", registry)


def test_another_dockerfile_is_another_digest(tmp_path: Path) -> None:
    """The user's own Dockerfile counts by its content, and ours counts where there is none."""
    own, same, other = (tmp_path / name for name in ("a", "b", "c"))
    own.write_text("FROM a\n")
    same.write_text("FROM a\n")
    other.write_text("FROM b\n")

    assert dockerfile_digest(own) == dockerfile_digest(same)
    assert len({dockerfile_digest(each) for each in (own, other, None)}) == 3


# The folder that an image is built from


def test_a_context_is_the_source_and_ours(tmp_path: Path, origin: Origin) -> None:
    """The folder is named after its content, holds the source without what running left, and beside it what it is built by."""
    recipe = recipe_of(origin)

    place = assemble(tmp_path / "contexts", recipe, origin)

    files = {str(each.relative_to(place)) for each in place.rglob("*") if not each.is_dir()}
    ours = {
        f".crossfade/{name}"
        for name in ("Dockerfile", "Dockerfile.dockerignore", "healthcheck.py", "requirements.txt", "recipe.json")
    }
    assert place == tmp_path / "contexts" / recipe.folder
    assert files == {"deep/app.py", "run.sh", "link", *ours}
    assert json.loads((place / ".crossfade" / "recipe.json").read_text()) == asdict(recipe)
    assert (place / ".crossfade" / "requirements.txt").read_bytes() == origin.lock.read_bytes()
    assert tree_digest(place) == recipe.source


def test_a_container_may_read_it(tmp_path: Path, origin: Origin) -> None:
    """Any user may read what only its owner could, and run what its owner could; nobody else enters the folder above."""
    before = os.umask(0o077)
    try:
        place = assemble(tmp_path / "contexts", recipe_of(origin), origin)
    finally:
        os.umask(before)

    found = modes(place)
    assert {found["deep"], found["run.sh"], found[".crossfade"], oct(place.stat().st_mode & 0o777)} == {"0o755"}
    assert {found["deep/app.py"], found[".crossfade/healthcheck.py"], found[".crossfade/requirements.txt"]} == {"0o644"}
    assert oct((tmp_path / "contexts").stat().st_mode & 0o777) == "0o700"


def test_a_context_is_kept(tmp_path: Path, origin: Origin) -> None:
    """Once it is there it stays, when the project is edited or gone; and it is found without it."""
    recipe = recipe_of(origin)
    place = assemble(tmp_path, recipe, origin)
    shutil.rmtree(origin.source)

    assert place == assemble(tmp_path, recipe, origin)
    assert place == assemble(tmp_path, recipe, None)


@pytest.mark.parametrize("part", ["source", "lock", "dockerfile"])
@pytest.mark.parametrize("gone", [False, True])
def test_what_is_edited_while_it_is_read(tmp_path: Path, origin: Origin, part: str, *, gone: bool) -> None:
    """A part that is no more what the recipe says is refused by its name, and no folder is left, nor a part of one."""
    origin = replace(origin, dockerfile=tmp_path / "Own")
    (tmp_path / "Own").write_text("FROM scratch\n")
    recipe = recipe_of(origin)
    edited = {"source": origin.source / "run.sh", "lock": origin.lock, "dockerfile": tmp_path / "Own"}[part]
    edited.write_text("other")
    if gone:
        edited.unlink()

    with pytest.raises(ContextError, match="was edited while it was read: run pulumi up once more"):
        assemble(tmp_path / "contexts", recipe, origin)

    assert list((tmp_path / "contexts").iterdir()) == []


def test_a_context_that_is_nowhere(tmp_path: Path, origin: Origin) -> None:
    """A version whose folder is gone, and whose parts nobody has, is refused with what to do."""
    with pytest.raises(ContextError, match="is gone: put the source, lock and Dockerfile of that version back"):
        assemble(tmp_path, recipe_of(origin), None)


def test_two_at_once(tmp_path: Path, origin: Origin) -> None:
    """Pulumi makes things at the same time: everybody gets the one folder, which is whole, and nothing is left beside it."""
    recipe, found = recipe_of(origin), list[Path]()
    makers = [threading.Thread(target=lambda: found.append(assemble(tmp_path / "c", recipe, origin))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(30)

    assert [tmp_path / "c" / recipe.folder] * 8 == found
    assert [recipe.folder] == [each.name for each in (tmp_path / "c").iterdir()]


def test_the_users_own_dockerfile(tmp_path: Path, origin: Origin) -> None:
    """It is what the image is built by; what lies beside it is ours."""
    own = tmp_path / "Own"
    own.write_text("FROM scratch\n")
    origin = replace(origin, dockerfile=own)

    ours = assemble(tmp_path / "c", recipe_of(origin), origin) / ".crossfade"

    assert (ours / "Dockerfile").read_text() == "FROM scratch\n"
    assert (ours / "Dockerfile.dockerignore").read_bytes() == (FILES / "Dockerfile.dockerignore").read_bytes()


def test_docker_ignores_what_we_ignore() -> None:
    """What is no part of a program is no part of its image, but for our own folder at the root."""
    lines = (FILES / "Dockerfile.dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]

    assert patterns == [*(f"**/{name}" for name in sorted(IGNORED)), "!.crossfade", ".crossfade/recipe.json"]


# What Pulumi is told


def told(build: Build, environ: dict[str, str], login: Login | None = None) -> dict[str, Any]:
    """The arguments, with what outputs hold in the place of outputs, and secrets in a tuple."""

    async def tell() -> dict[str, Any]:
        return {name: await _known(each) for name, each in arguments(build, "/contexts/1", environ, login).items()}

    return asyncio.run(tell())


async def _known(value: Any) -> Any:  # noqa: ANN401 - whatever is an argument
    if isinstance(value, pulumi.Output):
        return ("secret", await value.future()) if await value.is_secret() else await value.future()
    if isinstance(value, dict):
        return {name: await _known(each) for name, each in value.items()}
    if isinstance(value, list):
        return [await _known(each) for each in value]
    return value


def test_an_image_for_the_engine(origin: Origin) -> None:
    """It is built from its folder by the engine's own builder, named by its content and its runtime, and stays in the engine."""
    recipe = recipe_of(origin)

    found = told(build(recipe), {})

    assert found["tags"] == [f"crossfade/staging-api:{recipe.tag}", "crossfade/staging-api:py312"]
    assert found["context"] == {"location": "/contexts/1"}
    assert found["dockerfile"] == {"location": "/contexts/1/.crossfade/Dockerfile"}
    assert found["build_args"] == {"PYTHON_VERSION": "3.12", "BASE": "python:3.12-slim-bookworm"}
    assert (found["load"], found["push"], found["exec_"], found["build_on_preview"]) == (True, False, True, False)
    assert (found["builder"], found["registries"]) == ({"name": "default"}, [])


def test_an_image_for_a_registry(origin: Origin) -> None:
    """It is pushed under the registry's name, and the password that was given for it is a secret."""
    recipe = recipe_of(origin)

    found = told(build(recipe, "reg:5000"), {}, Login("reg:5000", "me", "tulip"))

    assert found["tags"] == [f"reg:5000/crossfade/staging-api:{recipe.tag}", "reg:5000/crossfade/staging-api:py312"]
    assert (found["load"], found["push"]) == (False, True)
    assert found["registries"] == [{"address": "reg:5000", "username": "me", "password": ("secret", "tulip")}]


def test_an_image_says_what_it_is(origin: Origin) -> None:
    """Its labels say whose it is and what is in it; the same content says the same, whenever it is built."""
    recipe = recipe_of(origin)

    labels = told(build(recipe), {})["labels"]

    assert labels == dict(build(replace(recipe)).labels)
    assert (labels["crossfade.stack"], labels["crossfade.home"]) == ("staging", "/home/of/it")
    assert labels["org.opencontainers.image.revision"] == recipe.content
    assert labels["org.opencontainers.image.base.name"] == "python:3.12-slim-bookworm"
    assert "org.opencontainers.image.created" not in labels


def test_an_index_of_ones_own_is_a_secret(origin: Origin) -> None:
    """The address of an index, which may have a password in it, is a build secret, and in no other argument."""
    address = "https://me:tulip@index.example.com/simple"

    found = told(build(recipe_of(origin)), {"PIP_INDEX_URL": address, "UV_INDEX": "https://other"})

    assert found.pop("secrets") == {"index": ("secret", address), "extra-index": ("secret", "https://other")}
    assert found["ignore_secrets_in_diff_calculation"] == ["extra-index", "index"]
    assert "tulip" not in json.dumps(found)


def test_shells_do_not_differ_by_what_they_do_not_say() -> None:
    """Each secret is there whatever the shell says; uv's own variables come before pip's."""
    assert secrets({}) == {"index": "", "extra-index": ""}
    assert secrets({"PIP_INDEX_URL": "a", "UV_DEFAULT_INDEX": "b"})["index"] == "b"
