"""What Pulumi is told of an image: the arguments of ``pulumi_docker_build.Image``.

The resource is declared with ``retain_on_delete``: Pulumi never deletes an image, because a revert may want it; `crossfade prune`
does. Nothing that it is told differs from shell to shell, or from day to day: where it did, Pulumi would build the same content
once more, and an image with another id would replace containers that have traffic.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from infra.images.context import OURS
from infra.images.recipe import DOCKERFILE, Recipe, image_name
from infra.images.registry import Login

if TYPE_CHECKING:
    import pulumi

SECRETS: Mapping[str, tuple[str, ...]] = {
    "index": ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"),
    "extra-index": ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
}
"""Build secrets, and the variables of the shell that say them: the first that is set does."""


@dataclass(frozen=True, slots=True)
class Build:
    """One image of a service, for one engine."""

    stack: str
    home: str
    """The stack's folder: it tells stacks of one name from another."""
    service: str
    recipe: Recipe
    builder: str = "default"
    """Name of a builder that `docker buildx ls` shows."""
    registry: str | None = None
    """Host and path that it is pushed to; None: it stays in the engine."""

    @property
    def reference(self) -> str:
        """The name by its content."""
        return f"{self.name}:{self.recipe.tag}"

    @property
    def name(self) -> str:
        """The name without a tag."""
        return image_name(self.stack, self.service, self.registry)

    @property
    def labels(self) -> Mapping[str, str]:
        """What it says of itself. Nothing that differs from build to build: no time, no host."""
        return {
            "crossfade.stack": self.stack,
            "crossfade.home": self.home,
            "crossfade.service": self.service,
            "crossfade.content": self.recipe.content,
            **{f"crossfade.{part}": value for part, value in asdict(self.recipe).items()},
            "org.opencontainers.image.title": self.service,
            "org.opencontainers.image.version": self.recipe.tag,
            "org.opencontainers.image.revision": self.recipe.content,
            "org.opencontainers.image.base.name": self.recipe.base,
        }


def arguments(
    build: Build, folder: "pulumi.Input[str]", environ: Mapping[str, str], login: Login | None = None
) -> dict[str, Any]:
    """The arguments of the resource.

    Args:
        build: what is built.
        folder: the build context. An output of whatever assembles it: where it is not there yet, a preview must not look.
        environ: the shell that Pulumi runs in, for the indexes of packages.
        login: who we are to the registry, where docker's own configuration does not say.
    """
    import pulumi  # noqa: PLC0415 - a check of the settings needs no Pulumi

    return {
        "tags": [build.reference, f"{build.name}:{build.recipe.runtime}"],
        "context": {"location": folder},
        "dockerfile": {"location": pulumi.Output.concat(folder, f"/{OURS}/{DOCKERFILE}")},
        "build_args": {"PYTHON_VERSION": build.recipe.python, "BASE": build.recipe.base},
        "labels": dict(build.labels),
        "secrets": {name: pulumi.Output.secret(value) for name, value in secrets(environ).items()},
        # Passwords that change from day to day make no other image.
        "ignore_secrets_in_diff_calculation": sorted(SECRETS),
        "exec_": True,
        "builder": {"name": build.builder},
        "load": build.registry is None,
        "push": build.registry is not None,
        "build_on_preview": False,
        "registries": [
            {"address": each.address, "username": each.username, "password": pulumi.Output.secret(each.password)}
            for each in ([] if login is None else [login])
        ],
    }


def secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Every build secret; empty where the shell says nothing, so that there is nothing to tell one shell from another by."""
    return {name: next((environ[each] for each in known if environ.get(each)), "") for name, known in SECRETS.items()}
