"""The resources of a stack in containers, as Pulumi is told of them."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker as docker
import pulumi_docker_build as images

from infra.config import Settings
from infra.config.settings import Program
from infra.content import Content
from infra.images import Build, Login, Recipe, RegistryError, arguments, dockerfile_digest, login
from infra.release import Inputs, version_of
from infra.targets.docker.layout import Layout
from infra.targets.docker.placing import container, folders, kept, labelled
from infra.targets.docker.things import DockerProvider, contexts
from infra.targets.local.home import SLOTS, program_name
from infra.targets.local.provider import ThingResource
from infra.targets.local.proxy import Front

ENVOY = "envoy"
AS_IT_IS = pulumi.ResourceOptions(ignore_changes=["*"])
"""What is there is not touched, also where another version of Crossfade, or of the settings, would have made it otherwise."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the parts of an image are, while they are what they were."""

    project: Path
    content: Content

    def of(self, program: Program | None, recipe: Recipe) -> list[str] | None:
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


class Declaration:
    """Collects what is declared; images and folders are shared by all that ask for the same."""

    def __init__(self, layout: Layout, settings: Settings, sources: Sources, serving: str, kept: Collection[str]) -> None:
        """``kept`` are slots whose containers stay as they are, whatever would be declared anew of them."""
        self._layout = layout
        self._settings = settings
        self._sources = sources
        self._serving = serving
        self._kept = kept
        self._login = _login(settings.docker.registry)
        self._images: dict[str, images.Image] = {}
        self._contexts: dict[str, ThingResource] = {}
        self._remote: dict[str, docker.RemoteImage] = {}
        self._volumes: dict[str, docker.Volume] = {}
        self._last: list[ThingResource] = []
        self._engine = pulumi.ResourceOptions(provider=docker.Provider("engine", host=layout.daemon))
        self._builder = pulumi.ResourceOptions(provider=images.Provider("builder", host=layout.daemon))
        self._ground = self._thing("folder", "folder and supervisor", {"start": serving}, [])
        config = docker.NetworkIpamConfigArgs(subnet=str(layout.subnet), gateway=layout.gateway, ip_range=layout.spare)
        self._network = docker.Network(
            "network",
            name=layout.network,
            driver="bridge",
            ipam_configs=[config],
            labels=labelled(layout.labels),
            # A new one would need every container gone first.
            opts=pulumi.ResourceOptions.merge(self._by_name(self._ground), AS_IT_IS),
        )

    def program(self, service: str, slot: str | None, inputs: Inputs) -> None:
        """A program in its container, and what keeps it."""
        layout, name = self._layout, program_name(service, slot)
        title = f"{service} on {slot}" if slot else service
        user = list(layout.user)
        shared = list(folders(layout, service, slot, inputs).values())
        seat = self._thing("seat", f"seat of {title}", {"folders": shared, "user": user}, [self._ground])
        image, made = self._image(service, inputs)
        needs = self._by_name(self._network, self._volume(service), seat, made)
        if slot in self._kept:
            needs = pulumi.ResourceOptions.merge(needs, AS_IT_IS)
        placed = docker.Container(f"container {title}", image=image, **container(layout, service, slot, inputs), opts=needs)
        spec: dict[str, Any] = {"name": name, "container": layout.container(name), "daemon": layout.daemon}
        port = inputs.get("port")
        spec["version"] = version_of(inputs)
        if port is not None:
            spec["address"] = f"{layout.address(port, slot)}:{port}"
        if slot is not None:
            spec["inputs"] = inputs
        self._last.append(self._thing("keeper", title, spec, [placed]))

    def watchdog(self, spec: Mapping[str, Any]) -> None:
        """What takes a rollout back that nobody drives. Nothing waits for it."""
        self._thing("program", "watchdog", spec, [self._ground])

    def way(self, service: str, kind: str) -> None:
        """How traffic, or work, finds a slot: a route, or a fence."""
        spec: dict[str, Any] = {"service": service, "start": self._serving}
        if kind == "singleton":
            fence = {**spec, "user": list(self._layout.user)}
            self._last.append(self._thing("fence", f"fence of {service}", fence, [self._ground]))
        else:
            route = {**spec, "sticky": kind == "sticky-http"}
            self._last.append(self._thing("route", f"route of {service}", route, [self._ground]))

    def proxy(self, objectives: Sequence[float]) -> pulumi.Output[str]:
        """The proxy, once everything behind it is there. Returns when the stack was born."""
        layout, folder = self._layout, str(self._layout.home.folder)
        spec = {"fronts": [front.to_json() for front in self._fronts()], "edges": [*objectives]}
        files = self._thing("fronts", "files of the proxy", spec, [self._ground])
        config = f"{folder}/envoy/bootstrap.json"
        image = docker.RemoteImage("image of the proxy", name=self._settings.docker.proxy, keep_locally=True, opts=self._engine)
        placed = docker.Container(
            "container proxy in front",
            image=image.image_id,
            **{**kept(layout, ENVOY), "init": False},
            entrypoints=["envoy"],
            command=["--config-path", config, "--disable-hot-restart", "--log-level", "warning", "--drain-time-s", "5"],
            # This machine's own network: its doors are users' doors, without another proxy in between, and may change.
            network_mode="host",
            mounts=[{"type": "bind", "source": folder, "target": folder}],
            user=":".join(map(str, layout.owner)),
            security_opts=["no-new-privileges:true"],
            labels=labelled(layout.labels),
            # Whatever is new about it waits: without it there is no traffic at all.
            opts=pulumi.ResourceOptions.merge(self._by_name(files, self._network, *self._last), AS_IT_IS),
        )
        awake = {**spec, "container": layout.container(ENVOY), "daemon": layout.daemon}
        doors = self._thing("doors", "proxy in front", awake, [placed, files])
        return pulumi.Output.all(doors.id, *(each.id for each in self._last)).apply(lambda _: self._ground.born)

    def _fronts(self) -> list[Front]:
        layout, found = self._layout, []
        for name, each in self._settings.services.items():
            if each.kind != "singleton" and each.port is not None:
                slots = {slot: f"{layout.address(each.port, slot)}:{each.port}" for slot in SLOTS}
                inner = layout.gateway if each.listen == "127.0.0.1" else ""
                found.append(Front(name, each.port, each.listen, slots, inner, str(layout.subnet)))
        return found

    def _image(self, service: str, inputs: Inputs) -> tuple[pulumi.Input[str], images.Image]:
        """The image of a service's content, and its name for a container."""
        recipe, given = Recipe.of(inputs), self._settings.docker
        build = Build(self._layout.stack, str(self._layout.home.folder), service, recipe, given.builder, given.registry)
        if build.reference not in self._images:
            context = self._context(recipe, service)
            folder = context.id.apply(lambda _: str(contexts(self._layout.home) / recipe.folder))
            # Only the provider has a password that was made for this moment: a push is not tried without it.
            tried = build if self._login is None else replace(build, registry=None)
            spec = {"build": _plain(tried), "daemon": self._layout.daemon}
            trial = self._thing("trial", f"trial of {service} {recipe.tag}", spec, [context])
            options = pulumi.ResourceOptions(depends_on=[trial], retain_on_delete=True)
            self._images[build.reference] = images.Image(
                f"image {service} {recipe.tag}",
                **arguments(build, folder, os.environ, self._login),
                opts=pulumi.ResourceOptions.merge(self._builder, options),
            )
        image = self._images[build.reference]
        # By its id: the provider replaces a container whose image is given by name at every run.
        return image.digest if build.registry is None else self._pulled(f"image {service}", build, image), image

    def _pulled(self, title: str, build: Build, image: images.Image) -> pulumi.Output[str]:
        """Id of an image that was pushed, in this engine."""
        name = pulumi.Output.concat(build.name, "@", image.digest)
        if build.reference not in self._remote:
            options = pulumi.ResourceOptions.merge(self._engine, pulumi.ResourceOptions(depends_on=[image]))
            self._remote[build.reference] = docker.RemoteImage(
                f"{title} {build.recipe.tag} here", name=name, keep_locally=True, opts=options
            )
        return self._remote[build.reference].image_id

    def _context(self, recipe: Recipe, service: str) -> ThingResource:
        if recipe.folder not in self._contexts:
            groups = {**self._settings.services, **self._settings.companions}
            spec = {"recipe": _plain(recipe), "from": self._sources.of(groups.get(service), recipe)}
            self._contexts[recipe.folder] = self._thing("context", f"context {recipe.tag}", spec, [self._ground])
        return self._contexts[recipe.folder]

    def _volume(self, service: str) -> docker.Volume:
        """The volume that both slots of a service share. It lies where the containers' user may write."""
        if service not in self._volumes:
            layout, folder = self._layout, str(self._layout.home.data(service))
            seat = self._thing("seat", f"place of {service}", {"folders": [folder], "user": list(layout.user)}, [self._ground])
            self._volumes[service] = docker.Volume(
                f"data of {service}",
                name=layout.volume(service),
                driver="local",
                driver_opts={"type": "none", "o": "bind", "device": folder},
                labels=labelled(layout.labels),
                opts=pulumi.ResourceOptions.merge(self._by_name(seat), AS_IT_IS),
            )
        return self._volumes[service]

    def _by_name(self, *needs: pulumi.Resource) -> pulumi.ResourceOptions:
        """For what has a name of its own in the engine: the new one cannot be made beside the old one."""
        options = pulumi.ResourceOptions(depends_on=list(needs), delete_before_replace=True)
        return pulumi.ResourceOptions.merge(self._engine, options)

    def _thing(self, kind: str, title: str, spec: Mapping[str, Any], needs: Sequence[pulumi.Resource]) -> ThingResource:
        options = pulumi.ResourceOptions(depends_on=list(needs))
        home = str(self._layout.home.folder)
        return ThingResource(DockerProvider(kind), title, {**spec, "id": title, "home": home}, options)


def _login(registry: str | None) -> Login | None:
    try:
        return login(registry) if registry else None
    except RegistryError as error:
        raise pulumi.RunError(str(error)) from error


def _plain(value: Recipe | Build) -> Mapping[str, Any]:
    """As a spec has it: Pulumi keeps no nothing."""
    return {name: each for name, each in asdict(value).items() if each is not None}
