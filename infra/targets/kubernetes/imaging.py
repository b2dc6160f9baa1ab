"""The images of a stack: built here and pushed, and from then on named by what the cluster says it has.

A stack in a cluster is declared from more than one machine, and a machine that did not build an image has not what it was built
from. So what is placed keeps the image that it has, by its digest, whoever declares it; and nothing is built twice.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from infra.config import Settings
from infra.config.settings import Program
from infra.content import Content
from infra.contract.document import Json
from infra.images import Build, Login, Recipe, RegistryError, arguments, dockerfile_digest, login
from infra.release import Inputs
from infra.targets.docker.things import contexts
from infra.targets.kubernetes.layout import Layout
from infra.targets.kubernetes.standing import Placed
from infra.targets.kubernetes.things import BuildProvider
from infra.targets.local.home import Home
from infra.targets.local.provider import ThingResource

if TYPE_CHECKING:
    import pulumi_docker_build


@dataclass(frozen=True, slots=True)
class Workshop:
    """This machine, as far as images are built on it."""

    project: Path
    home: Home
    """The folder that they are built in."""
    daemon: str
    """Address of the engine."""
    content: Content

    def parts(self, program: Program | None, recipe: Recipe) -> list[str] | None:
        """Source, lock and the user's own Dockerfile, as paths, the last one empty where it is ours; None: they differ by now."""
        if program is None:
            return None
        source, lock = self.project / program.source, self.project / program.lock_for(recipe.runtime)
        own = self.project / program.dockerfile if program.dockerfile else None
        try:
            found = self.content.tree(source), self.content.file(lock), dockerfile_digest(own)
        except OSError:
            return None
        same = found == (recipe.source, recipe.lock, recipe.dockerfile)
        return [str(source), str(lock), str(own or "")] if same else None

    def has(self, recipe: Recipe) -> bool:
        """Whether it was built here before."""
        return (contexts(self.home) / recipe.folder).is_dir()


class Images:
    """Every image of a stack, each declared once."""

    def __init__(self, layout: Layout, settings: Settings, workshop: Workshop, placed: Sequence[Placed]) -> None:
        """``placed`` is what the cluster has already."""
        self._layout = layout
        self._settings = settings
        self._workshop = workshop
        self._placed = placed
        self._made: dict[str, pulumi.Output[str]] = {}
        self._contexts: dict[str, ThingResource] = {}

    def of(self, service: str, inputs: Inputs) -> Json:
        """The image of these inputs, for a pod: a name with a digest, or what the settings say; may be an output."""
        if "image" in inputs:
            return inputs["image"]
        recipe, given = Recipe.of(inputs), self._settings.docker
        # Nothing of this machine: another one, which builds the same, must get the same.
        build = Build(self._layout.stack, f"kubernetes/{self._layout.namespace}", service, recipe, given.builder, given.registry)
        there = self._there(service, build)
        if there is None or self._workshop.has(recipe):
            made = self._built(build)
            return made if there is None else there
        return there

    def _there(self, service: str, build: Build) -> str | None:
        """The image that some slot of the service has of the same recipe, or None."""
        alike = (each for each in self._placed if each.service == service and "image" not in each.inputs)
        found = (each.image for each in alike if Recipe.of(each.inputs) == build.recipe)
        return next((each for each in found if each.startswith(f"{build.name}@sha256:")), None)

    def _built(self, build: Build) -> pulumi.Output[str]:
        if build.reference not in self._made:
            image = self._image(build)
            self._made[build.reference] = pulumi.Output.concat(build.name, "@", image.digest)
        return self._made[build.reference]

    def _image(self, build: Build) -> "pulumi_docker_build.Image":
        import pulumi_docker_build as images  # noqa: PLC0415 - where images are built elsewhere it need not be here

        recipe, access = build.recipe, self._login
        context = self._context(recipe, build.service)
        folder = context.id.apply(lambda _: str(contexts(self._workshop.home) / recipe.folder))
        # Only the provider has a password that was made for this moment: a push is not tried without it.
        tried = build if access is None else replace(build, registry=None)
        spec = {"build": _plain(tried), "daemon": self._workshop.daemon}
        trial = self._thing("trial", f"trial of {build.service} {recipe.tag}", spec, [context])
        return images.Image(
            f"image {build.service} {recipe.tag}",
            **arguments(build, folder, os.environ, access),
            opts=pulumi.ResourceOptions(provider=self._builder, depends_on=[trial], retain_on_delete=True),
        )

    def _context(self, recipe: Recipe, service: str) -> ThingResource:
        if recipe.folder not in self._contexts:
            groups: Mapping[str, Program] = {**self._settings.services, **self._settings.companions}
            spec = {"recipe": _plain(recipe), "from": self._workshop.parts(groups.get(service), recipe)}
            self._contexts[recipe.folder] = self._thing("context", f"context {recipe.tag}", spec, [self._bench])
        return self._contexts[recipe.folder]

    @cached_property
    def _bench(self) -> ThingResource:
        return self._thing("bench", "folder of builds", {}, [])

    @cached_property
    def _builder(self) -> "pulumi_docker_build.Provider":
        import pulumi_docker_build as images  # noqa: PLC0415 - see above

        return images.Provider("builder", host=self._workshop.daemon)

    @cached_property
    def _login(self) -> Login | None:
        registry = self._settings.docker.registry
        try:
            return login(registry) if registry else None
        except RegistryError as error:
            raise pulumi.RunError(str(error)) from error

    def _thing(self, kind: str, title: str, spec: Mapping[str, Any], needs: Sequence[pulumi.Resource]) -> ThingResource:
        options = pulumi.ResourceOptions(depends_on=list(needs))
        home = str(self._workshop.home.folder)
        return ThingResource(BuildProvider(kind), title, {**spec, "id": title, "home": home}, options)


def _plain(value: Recipe | Build) -> Mapping[str, Any]:
    """As a spec has it: Pulumi keeps no nothing."""
    return {name: each for name, each in asdict(value).items() if each is not None}
