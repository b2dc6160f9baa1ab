"""The target ``local``: one machine, no root. Environments by uv, processes under a supervisor, Envoy in front.

Here belongs how services are placed on this machine. Everything lives in one folder beside the project, and goes with it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.config import Document, Fault, Settings
from infra.config.plan import objectives
from infra.config.rules import in_order
from infra.config.settings import Companion, Program
from infra.content import Content
from infra.contract import Backend, Placement, Service
from infra.contract.document import Json
from infra.release import Inputs, Slots, Standing, version_of
from infra.targets.local.ground import faults
from infra.targets.local.home import SLOTS, home_of, program_name
from infra.targets.local.machine import slot_port
from infra.targets.local.placing import argv, artefact, environment
from infra.targets.local.proxy import front_here
from infra.targets.local.watchdog import watchdog_spec
from infra.targets.target import Driving

if TYPE_CHECKING:
    import pulumi

    from infra.targets.target import Site

HAND_OVER = 15.0
"""Seconds that a singleton has to let go of its work, or to begin it."""


class Local:
    """One stack on this machine."""

    def __init__(self, site: "Site") -> None:
        self._project, self._stack = site.project, site.stack
        self._home = home_of(site.project, site.stack)
        self._content = Content()

    def faults(self, settings: Settings, document: Document) -> Sequence[Fault]:
        """Missing folders, locks and interpreters, ports that somebody else has, and a path too long for a socket."""
        return faults(self._project, self._home, settings, document)

    def made(self, settings: Settings, program: Program, runtime: str) -> Inputs:
        """Digests of the folder and of the lock for this runtime."""
        del settings
        return made_from(self._content, self._project, program, runtime)

    def standing(self) -> Standing:
        """What the stack's folder says."""
        return self._home.standing()

    def place(self, settings: Settings, service: str, slot: str, inputs: Inputs) -> Placement:
        """A process with a port of its own slot."""
        del settings
        port, home = inputs.get("port"), self._home
        return Placement(
            service=service,
            slot=slot,
            runtime=inputs["runtime"],
            artefact=artefact(inputs),
            version=version_of(inputs),
            address=None if port is None else f"127.0.0.1:{slot_port(port, slot)}",
            heartbeat=str(home.heartbeat(service, slot)),
            python=str(home.environment(inputs["runtime"], inputs["lock"]) / "bin" / "python"),
            folder=str(home.source(inputs["source"])),
            environment=environment(home, service, slot, inputs),
            inputs=inputs,
        )

    def route(self, name: str, settings: Settings, placements: Mapping[str, Placement]) -> Service:
        """Behind Envoy, by a weighted route; a singleton by a fence."""
        service, home = settings.services[name], self._home
        alone = service.kind == "singleton"
        proxy = {"service": name, "admin": str(home.admin)}
        sticky = {"sticky": True, "affinity": int(service.affinity)} if service.kind == "sticky-http" else {}
        router = {**proxy, "file": str(home.route(name)), **sticky}
        return Service(
            name=name,
            kind=service.kind,
            after=service.after,
            placements=placements,
            probes=tuple(_probe(check.model_dump()) for check in service.health),
            router=None if alone else Backend("envoy", router),
            meter=None if alone else Backend("envoy", proxy),
            handover=Backend("file", self._fence(name)) if alone else None,
            front=None if alone else f"http://127.0.0.1:{service.port}",
            metrics=tuple(
                metric.contract(called, sorted(placements), self._project) for called, metric in service.metrics.items()
            ),
        )

    def _fence(self, name: str) -> Mapping[str, Json]:
        heartbeats = {slot: str(self._home.heartbeat(name, slot)) for slot in SLOTS}
        return {"folder": str(self._home.fence(name)), "heartbeats": heartbeats, "timeout": HAND_OVER}

    def driving(self, settings: Settings) -> Driving:
        """From this machine, and remembered beside the state of Pulumi."""
        del settings
        return Driving()

    def declare(self, settings: Settings, slots: Slots, serving: str) -> "pulumi.Output[str]":
        """Declare every process, environment, route and the proxy as resources of their own."""
        from infra.targets.local.declaring import Declaration  # noqa: PLC0415 - a check of the settings needs no Pulumi

        declaration = Declaration(self._home, self._project, self._content, serving)
        declaration.watchdog(watchdog_spec(self._home, self._project.absolute(), self._stack))
        for name, companion in settings.companions.items():
            inputs = companion_inputs(companion, self.made(settings, companion, companion.runtime))
            declaration.program(program_name(name, None), inputs, environment(self._home, name, None, inputs), companion)
        for slot, services in slots.items():
            for name, inputs in services.items():
                placement = self.place(settings, name, slot, inputs)
                declaration.program(program_name(name, slot), inputs, placement.environment, settings.services.get(name))
        for name in in_order(settings.services):
            declaration.way(name, settings.services[name].kind)
        fronts = [
            front_here(name, each.port, each.listen)
            for name, each in settings.services.items()
            if each.kind != "singleton" and each.port is not None
        ]
        return declaration.proxy(fronts, objectives(settings))


def made_from(content: Content, project: Path, program: Program, runtime: str) -> Inputs:
    """Digests of a program's folder, and of its lock for a runtime."""
    return {"source": content.tree(project / program.source), "lock": content.file(project / program.lock_for(runtime))}


def companion_inputs(companion: Companion, made: Inputs) -> Inputs:
    """What a companion is placed from."""
    return {
        "kind": "companion",
        "runtime": companion.runtime,
        **made,
        "command": list(companion.command),
        "env": dict(companion.env),
        **({} if companion.port is None else {"port": companion.port}),
    }


def _probe(settings: dict[str, Json]) -> Backend:
    return Backend(
        settings.pop("kind"), {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
    )


__all__ = ["Local", "argv"]
