"""The target ``docker``: the same services in containers. Images by runtime, a network of their own, Envoy in front.

Here belongs how services are placed in an engine of this machine. What the proxy is told, how weights are written and counts are
read, fences and the watchdog are as on the target ``local``. Everything that is no container lives in one folder beside the
project, and goes with it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from infra.config import Document, Fault, Settings
from infra.config.plan import objectives
from infra.config.rules import in_order
from infra.config.settings import Program
from infra.config.settings import Service as ServiceSettings
from infra.content import Content
from infra.contract import Backend, Placement, Service
from infra.images import Recipe, base_of, dockerfile_digest
from infra.release import Inputs, Slots, Standing, version_of
from infra.targets.docker.ground import faults
from infra.targets.docker.layout import APP, Layout, derived_subnet, engine_of
from infra.targets.docker.placing import environment
from infra.targets.local import Local, companion_inputs, made_from
from infra.targets.local.home import SLOTS, home_of, program_name
from infra.targets.local.watchdog import watchdog_spec
from infra.targets.target import Driving

if TYPE_CHECKING:
    import pulumi

    from infra.targets.target import Site


class Docker:
    """One stack in the engine of this machine."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._home = home_of(site.project, site.stack)
        self._content = Content()
        self._local = Local(site)
        """What does not depend on where processes live."""

    def faults(self, settings: Settings, document: Document) -> Sequence[Fault]:
        """What the engine lacks, missing folders, locks and Dockerfiles, ports that somebody else has."""
        return faults(self._site.project, self._layout(settings), settings, document)

    def made(self, settings: Settings, program: Program, runtime: str) -> Inputs:
        """Digests of the folder, the lock and the Dockerfile, the base image; what it may use, and where its health is asked."""
        own = None if program.dockerfile is None else self._site.project / program.dockerfile
        limits = {"memory": program.memory, "cpus": program.cpus}
        return {
            **made_from(self._content, self._site.project, program, runtime),
            "dockerfile": dockerfile_digest(own),
            "base": settings.docker.bases.get(runtime, base_of(runtime)),
            "health": _health(program),
            # Pulumi keeps no nothing: what is not there must not be in here at all.
            **{name: limit for name, limit in limits.items() if limit is not None},
        }

    def standing(self) -> Standing:
        """What the stack's folder says."""
        return self._home.standing()

    def place(self, settings: Settings, service: str, slot: str, inputs: Inputs) -> Placement:
        """A container with an address of its own."""
        layout, port = self._layout(settings), inputs.get("port")
        program = program_name(service, slot)
        return Placement(
            service=service,
            slot=slot,
            runtime=inputs["runtime"],
            artefact=Recipe.of(inputs).content,
            version=version_of(inputs),
            address=None if port is None else f"{layout.address(port, slot)}:{port}",
            heartbeat=layout.heartbeat(program),
            python="python",
            folder=APP,
            environment=environment(service, slot, inputs),
            inputs=inputs,
            container=layout.container(program),
            daemon=layout.daemon,
        )

    def route(self, name: str, settings: Settings, placements: Mapping[str, Placement]) -> Service:
        """As on this machine alone: behind Envoy, by a weighted route; a singleton by a fence."""
        found, layout = self._local.route(name, settings, placements), self._layout(settings)
        if found.handover is None:
            return found
        programs = {slot: program_name(name, slot) for slot in SLOTS}
        theirs = {
            "heartbeats": {slot: layout.heartbeat(program) for slot, program in programs.items()},
            "containers": {slot: layout.container(program) for slot, program in programs.items()},
            "daemon": layout.daemon,
        }
        return replace(found, handover=Backend("file", {**found.handover.settings, **theirs}))

    def driving(self, settings: Settings) -> Driving:
        """From this machine, and remembered beside the state of Pulumi."""
        del settings
        return Driving()

    def declare(self, settings: Settings, slots: Slots, serving: str) -> "pulumi.Output[str]":
        """Declare images, network, volumes, containers, routes and the proxy as resources of their own."""
        from infra.targets.docker.declaring import Declaration, Sources  # noqa: PLC0415 - a check of the settings needs no Pulumi

        project, stack = self._site.project.absolute(), self._site.stack
        sources = Sources(self._site.project, self._content)
        # Where somebody allowed a change of what has traffic, that is what is to come.
        kept = frozenset[str]() if settings.allow_live else self.standing().busy
        declaration = Declaration(self._layout(settings), settings, sources, serving, kept)
        declaration.watchdog(watchdog_spec(self._home, project, stack))
        for name, companion in settings.companions.items():
            declaration.program(name, None, companion_inputs(companion, self.made(settings, companion, companion.runtime)))
        for slot, services in slots.items():
            for name, inputs in services.items():
                declaration.program(name, slot, inputs)
        for name in in_order(settings.services):
            declaration.way(name, settings.services[name].kind)
        return declaration.proxy(objectives(settings))

    def _layout(self, settings: Settings) -> Layout:
        given = settings.docker
        subnet = IPv4Network(given.subnet) if given.subnet else derived_subnet(self._home)
        daemon, owner = engine_of(given.host, os.environ), (os.getuid(), os.getgid())
        return Layout(self._site.stack, self._home, daemon, subnet, owner)


def _health(program: Program) -> str:
    """Where the image's own health check asks; empty: a connection will do, or a heartbeat."""
    checks = program.health if isinstance(program, ServiceSettings) else ()
    return next((str(check.path) for check in checks if check.kind in {"http", "streamlit"}), "")
