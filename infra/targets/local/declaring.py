"""The resources of a stack on this machine, as Pulumi is told of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi

from infra.config.settings import Program
from infra.content import Content
from infra.contract.document import Json, short
from infra.release import Inputs
from infra.targets.local.home import SLOTS, Home
from infra.targets.local.placing import argv, port_of
from infra.targets.local.provider import Provider, ThingResource
from infra.targets.local.proxy import Front
from infra.targets.local.supervision import PATH


class Declaration:
    """Collects what is declared; every program shares the sources and environments that others declared before it."""

    def __init__(self, home: Home, project: Path, content: Content, serving: str) -> None:
        self._home = home
        self._project = project
        self._content = content
        self._serving = serving
        self._shared: dict[str, ThingResource] = {}
        self._last: list[ThingResource] = []
        self._python = ""
        self._ground = self._thing("folder", "folder and supervisor", {"start": serving}, [])

    def program(self, name: str, inputs: Inputs, given: Mapping[str, str], program: Program | None) -> None:
        """A program in its environment, on its own copy of the source."""
        service, slot = _parts(name)
        needs = [self._source(service, inputs, program), self._environment(inputs, program)]
        spec = program_spec(self._home, name, inputs, given)
        self._python = self._python or spec["python"]
        self._last.append(self._thing("program", f"{service} on {slot}" if slot else service, spec, [self._ground, *needs]))

    def watchdog(self, spec: Mapping[str, Any]) -> None:
        """What takes a rollout back that nobody drives. Nothing waits for it."""
        self._thing("program", "watchdog", spec, [self._ground])

    def way(self, service: str, kind: str) -> None:
        """How traffic, or work, finds a slot: a route, or a fence."""
        spec = {"service": service, "start": self._serving}
        if kind == "singleton":
            self._last.append(self._thing("fence", f"fence of {service}", spec, [self._ground]))
        else:
            route = {**spec, "sticky": kind == "sticky-http"}
            self._last.append(self._thing("route", f"route of {service}", route, [self._ground]))

    def proxy(self, fronts: Sequence[Front], objectives: Sequence[float]) -> pulumi.Output[str]:
        """The proxy, once everything behind it is there. Returns when the stack was born."""
        # Started by an interpreter of the stack's own: what traffic hangs on must not need where Crossfade is installed.
        spec = {"fronts": [front.to_json() for front in fronts], "edges": [*objectives], "python": self._python}
        proxy = self._thing("proxy", "proxy in front", spec, [self._ground, *self._last])
        return pulumi.Output.all(proxy.id, *(each.id for each in self._last)).apply(lambda _: self._ground.born)

    def _source(self, service: str, inputs: Inputs, program: Program | None) -> ThingResource:
        digest, here = inputs["source"], None if program is None else self._project / program.source
        origin = str(here) if here is not None and here.is_dir() and self._content.tree(here) == digest else None
        spec = {"digest": digest, "from": origin, "for": service}
        return self._share("source", f"source {short(digest)[:8]}", spec)

    def _environment(self, inputs: Inputs, program: Program | None) -> ThingResource:
        runtime, digest = inputs["runtime"], inputs["lock"]
        here = None if program is None else self._project / program.lock_for(runtime)
        origin = str(here) if here is not None and here.is_file() and self._content.file(here) == digest else None
        spec = {"runtime": runtime, "lock": digest, "from": origin}
        return self._share("environment", f"environment {runtime} {short(digest)[:8]}", spec)

    def _share(self, kind: str, title: str, spec: Mapping[str, Any]) -> ThingResource:
        if title not in self._shared:
            self._shared[title] = self._thing(kind, title, spec, [self._ground])
        return self._shared[title]

    def _thing(self, kind: str, title: str, spec: Mapping[str, Any], needs: Sequence[ThingResource]) -> ThingResource:
        options = pulumi.ResourceOptions(depends_on=list(needs))
        return ThingResource(Provider(kind), title, {**spec, "id": title, "home": str(self._home.folder)}, options)


def program_spec(home: Home, name: str, inputs: Inputs, given: Mapping[str, str]) -> Mapping[str, Any]:
    """The spec of a program. Pure: nothing of the shell that declares is in it, or another one would restart what has traffic."""
    service, slot = _parts(name)
    python = home.environment(inputs["runtime"], inputs["lock"]) / "bin" / "python"
    described: dict[str, Json] = {
        "argv": argv(home, inputs, slot),
        "environment": {"PYTHONUNBUFFERED": "1", **given, "PATH": f"{python.parent}:{PATH}"},
        "folder": str(home.source(inputs["source"])),
    }
    if slot:
        described["inputs"] = inputs
    return {
        "name": name,
        "program": described,
        "python": str(python),
        "port": port_of(inputs, slot),
        "folders": [str(home.data(service))],
    }


def _parts(name: str) -> tuple[str, str | None]:
    """Service and slot of a program; a companion has no slot."""
    service, _, slot = name.rpartition("--")
    return (service, slot) if service and slot in SLOTS else (name, None)
