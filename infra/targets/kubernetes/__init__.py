"""The target ``kubernetes``: the same services as pods of a cluster, behind a Gateway that is there already.

Here belongs how services are placed in a namespace. Nothing of a stack lives on the machine that declares it, but for the folder
that images are built in: who has the project and the rights may declare it from anywhere.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from infra.config import Document, Fault, Settings
from infra.config.rules import in_order
from infra.config.settings import Program
from infra.config.settings import Service as ServiceSettings
from infra.content import Content, digest
from infra.contract import Backend, Placement, Service
from infra.images import Recipe, base_of, dockerfile_digest
from infra.release import Inputs, Slots, Standing, version_of
from infra.targets.docker.layout import APP, engine_of
from infra.targets.kubernetes.asked_for import counted, looks, meter, scale
from infra.targets.kubernetes.asking import asked, unasked
from infra.targets.kubernetes.cluster import CONFIGS, Cluster
from infra.targets.kubernetes.ground import look
from infra.targets.kubernetes.here import building, here
from infra.targets.kubernetes.layout import KEPT, RULE, SLOTS, Layout
from infra.targets.kubernetes.manifests import Manifests, ManifestsError, read
from infra.targets.kubernetes.placing import environment
from infra.targets.kubernetes.standing import Born, Seen, astray, held, placed, standing
from infra.targets.local import companion_inputs, made_from
from infra.targets.local.home import home_of
from infra.targets.target import Driving

if TYPE_CHECKING:
    import pulumi

    from infra.targets.target import Site

SETTLE = 10.0
"""Seconds that a gateway has to follow what its controller accepted."""


class Kubernetes:
    """One stack in a namespace of a cluster."""

    def __init__(self, site: "Site", ask: Callable[[str | None], Cluster] = Cluster, seen: Seen | None = None) -> None:
        """A stack.

        Args:
            site: the project, and the stack's name.
            ask: gives the cluster of a context; None: of the current one.
            seen: what the cluster has, where that is known already; else it is asked together with its faults.
        """
        self._site = site
        self._ask = ask
        self._content = Content()
        self._seen = seen or Seen()
        self._folders: dict[str, Manifests] = {}
        """By service, each read once: what is declared is what was checked."""

    def faults(self, settings: Settings, document: Document) -> Sequence[Fault]:
        """What the cluster, or this machine, lacks. It is here that the cluster is asked: once, for all that follows."""
        if settings.kubernetes is None:
            return []  # a rule says so
        layout = self._layout(settings)
        with self._ask(layout.context) as cluster:
            found = look(cluster, layout, settings, document, self._labels(settings))
        self._seen = found.seen
        faults = [*here(self._site.project, layout, settings, document), *found.faults]
        # What has to be built is known once there is something to build from, and once it is known what is there.
        if not faults and self._builds(settings):
            faults += building(settings, document)
        return faults

    def _labels(self, settings: Settings) -> Mapping[str, Mapping[str, str]]:
        layout, found = self._layout(settings), dict[str, Mapping[str, str]]()
        for name, each in settings.services.items():
            with suppress(ManifestsError):  # whoever looks at what is here says so
                folder = self._manifests(settings, each)
                found[name] = {**layout.seat(name, None).labels, **({} if folder is None else folder.recorded()["labels"])}
        return found

    def _builds(self, settings: Settings) -> bool:
        """Whether there is an image that the cluster does not have yet."""
        there = {
            (each.service, Recipe.of(each.inputs)) for each in placed(self._seen, self._site.stack) if "image" not in each.inputs
        }
        runtimes = {each.runtime for each in settings.slots.values()}
        wanted: list[tuple[str, Program, str]] = []
        wanted += [(name, each, runtime) for name, each in settings.services.items() for runtime in runtimes]
        wanted += [(name, each, each.runtime) for name, each in settings.companions.items()]
        try:
            made = [(name, self._image(settings, each, runtime), runtime) for name, each, runtime in wanted if each.image is None]
        except OSError:
            return False  # whoever asks what it is made from is told
        return any((name, Recipe.of({**inputs, "runtime": runtime})) not in there for name, inputs, runtime in made)

    def made(self, settings: Settings, program: Program, runtime: str) -> Inputs:
        """Digests of what its image is built from, or the image that was built elsewhere; what it may use, how it is asked."""
        limits = {"memory": program.memory, "cpus": program.cpus}
        checks = program.health if isinstance(program, ServiceSettings) else ()
        folder = self._manifests(settings, program)
        return {
            **({} if folder is None else {"manifests": folder.recorded()}),
            **self._image(settings, program, runtime),
            "health": asked(checks),
            # Pulumi keeps no nothing: what is not there must not be in here at all. It also writes 1.0 as 1.
            **{name: _plain(limit) for name, limit in limits.items() if limit is not None},
        }

    def _manifests(self, settings: Settings, program: Program) -> Manifests | None:
        if not isinstance(program, ServiceSettings) or program.manifests is None:
            return None
        name = next(name for name, each in settings.services.items() if each is program)
        if name not in self._folders:
            self._folders[name] = read(self._site.project / program.manifests, name, self._layout(settings).namespace)
        return self._folders[name]

    def _image(self, settings: Settings, program: Program, runtime: str) -> Inputs:
        image = program.image_for(runtime)
        if image is not None:
            return {"image": image}
        own = None if program.dockerfile is None else self._site.project / program.dockerfile
        return {
            **made_from(self._content, self._site.project, program, runtime),
            "dockerfile": dockerfile_digest(own),
            "base": settings.docker.bases.get(runtime, base_of(runtime)),
        }

    def standing(self) -> Standing:
        """What the cluster said when it was asked for faults."""
        return standing(self._seen, self._site.stack)

    def place(self, settings: Settings, service: str, slot: str, inputs: Inputs) -> Placement:
        """Pods, which have no one address: they are looked at through the cluster's API."""
        return Placement(
            service=service,
            slot=slot,
            runtime=inputs["runtime"],
            artefact=_artefact(inputs),
            version=version_of(inputs),
            address=None,
            heartbeat=None,
            python="python",
            folder=APP,
            environment=environment(self._layout(settings).seat(service, slot), inputs),
            inputs=inputs,
        )

    def route(self, name: str, settings: Settings, placements: Mapping[str, Placement]) -> Service:
        """By a route of the Gateway API; a singleton by the number of its pods."""
        service, layout = settings.services[name], self._layout(settings)
        alone = service.kind == "singleton"
        names = {slot: layout.seat(name, slot).name for slot in SLOTS}
        kept = {"kept": KEPT} if service.kind == "sticky-http" else {}
        router = {**layout.reach, "route": name, "rule": RULE, "backends": names, **kept, "settle": SETTLE}
        return Service(
            name=name,
            kind=service.kind,
            after=service.after,
            placements=placements,
            probes=tuple(looks(layout, settings, alone=alone)),
            router=None if alone else Backend("gateway", router),
            meter=None if alone else meter(layout, name, settings),
            handover=Backend("scale", scale(layout, name, placements)) if alone else None,
            capacity=None if alone else Backend("pods", counted(layout, name, service)),
            front=None if alone else service.url,
            metrics=tuple(
                metric.contract(called, sorted(placements), self._site.project) for called, metric in service.metrics.items()
            ),
        )

    def driving(self, settings: Settings) -> Driving:
        """Remembered in the cluster, unless the settings say otherwise: who may drive may do so from anywhere, and a Job too."""
        layout, place = self._layout(settings), settings.kubernetes
        if place is None or place.journal != "cluster":
            return Driving()
        journal = Backend("cluster", {**layout.reach, "stack": layout.stack})
        if place.driver is None:
            return Driving(journal)
        return Driving(journal, Backend("job", {**layout.reach, "image": place.driver.image, "account": place.driver.account}))

    def declare(self, settings: Settings, slots: Slots, serving: str) -> "pulumi.Output[str]":
        """Declare images, pods, addresses, budgets and routes as resources of their own."""
        import pulumi  # noqa: PLC0415 - a check of the settings needs no Pulumi

        from infra.targets.kubernetes.declaring import Declaration, Present  # noqa: PLC0415 - dito
        from infra.targets.kubernetes.imaging import Images, Workshop  # noqa: PLC0415 - dito

        layout, there = self._layout(settings), placed(self._seen, self._site.stack)
        for sentence in _unasked(settings):
            pulumi.log.warn(sentence)
        home = home_of(self._site.project, self._site.stack)
        workshop = Workshop(self._site.project, home, engine_of(settings.docker.host, os.environ), self._content)
        # Where somebody allowed a change of what has traffic, that is what is to come.
        kept = frozenset[str]() if settings.allow_live else self.standing().busy
        images = Images(layout, settings, workshop, there)
        at_work = {(each.service, each.slot) for each in there if each.inputs.get("kind") == "singleton" and each.replicas}
        declaration = Declaration(
            layout, images, Present(serving, kept, at_work, held(self._seen, self._site.stack)), told=_by_envoy(settings)
        )
        for name, companion in settings.companions.items():
            declaration.companion(name, companion_inputs(companion, self.made(settings, companion, companion.runtime)))
        for slot, services in slots.items():
            for name, inputs in services.items():
                declaration.program(name, slot, inputs, settings.services.get(name))
        for name in in_order(settings.services):
            declaration.way(name, settings.services[name])
            if (folder := self._manifests(settings, settings.services[name])) is not None:
                declaration.beside(name, folder.beside(layout.namespace))
        return declaration.born().apply(lambda born: self._home(layout, born))

    def _home(self, layout: Layout, born: Born) -> str:
        """When the stack was born, where this cluster says so too.

        Raises:
            pulumi.RunError: the stack lives elsewhere.
        """
        import pulumi  # noqa: PLC0415 - see above

        # A preview of what is not there yet is told an identity that nothing will have.
        if pulumi.runtime.is_dry_run():
            return born.text
        with self._ask(layout.context) as cluster:
            why = astray(born, layout, cluster.get(CONFIGS, layout.namespace, layout.birth))
        if why is not None:
            raise pulumi.RunError(why)
        return born.text

    def _layout(self, settings: Settings) -> Layout:
        place = settings.kubernetes
        if place is None:
            raise ValueError("settings of a cluster say where in it")
        return Layout(self._site.stack, place.namespace, place.context, place.gateway)


def _artefact(inputs: Inputs) -> str:
    """Digest of what runs; of an image that was built elsewhere its own, where its name says it."""
    if "image" not in inputs:
        return Recipe.of(inputs).content
    name, _, found = str(inputs["image"]).partition("@")
    return found or digest(name.encode())


def _by_envoy(settings: Settings) -> bool:
    place = settings.kubernetes
    return place is not None and place.metrics is not None and place.metrics.kind == "envoy"


def _unasked(settings: Settings) -> Sequence[str]:
    """One sentence for each service that has checks which nobody asks."""
    found = {name: unasked(service.health) for name, service in settings.services.items()}
    return [
        f"in a cluster nobody asks {', '.join(type(each).__name__.lower() for each in left)} of {name} as it is written"
        for name, left in found.items()
        if left
    ]


def _plain(number: float) -> float:
    return int(number) if float(number).is_integer() else number


__all__ = ["Kubernetes"]
