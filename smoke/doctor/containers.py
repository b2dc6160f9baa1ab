"""What a stack in containers needs beside its settings: an engine, and what builds and declares them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from smoke.doctor.check import Check, Outcome
from smoke.doctor.machine import Machine
from smoke.doctor.wanted import Wanted

API = "1.41"
"""The oldest interface of an engine that will do: docker 20.10."""
PLUGINS: Mapping[str, str] = {"docker": "5.2.0", "docker-build": "0.0.22"}
"""Pulumi's providers, in the versions that the Python packages ask for."""
INSIDE = frozenset({"uv", "envoy"})
"""What a stack in containers needs no copy of on this machine: it comes in its images."""
TOLD = ("there is no docker command", "no engine answers", "the engine at", "docker cannot build", "Pulumi has no plugin")
"""How ``infra`` begins what it says of the same; said once, it is said here."""
SOCKET = "unix:///var/run/docker.sock"
_OURS = "make docker"


def engine_of(settings: str, shell: Mapping[str, str]) -> str | None:
    """Address of the engine that a settings file asks for; None where its target is another.

    Read as text: a doctor needs no library, and what is wrong with the file is said elsewhere.
    """
    text = "\n".join(line for line in settings.splitlines() if not line.lstrip().startswith("#"))
    if not re.search(r"""^ *["']?crossfade:target["']?: *["']?docker\b""", text, re.MULTILINE):
        return None
    named = re.search(r"""\bhost["']?: *["']?(unix://[^\s"',}]+)""", text)
    return named[1] if named else shell.get("DOCKER_HOST") or SOCKET


def _docker(machine: Machine, daemon: str) -> Iterator[Check]:
    """The command; and by it, the engine."""
    wanted = Wanted("docker", "20.10", "apt-get install docker-ce-cli, or Debian's docker.io")
    program = machine.which("docker")
    if program is None:
        yield wanted.asked(machine, None)
        return
    said = machine.run([str(program), "-H", daemon, "version", "--format", "{{json .}}"])
    known = _known(said.out)
    yield wanted.of(_text(known, "Client"), str(program))
    server = known.get("Server")
    if not server:
        fix = f"systemctl start docker\nor see who may use it: docker -H {daemon} info"
        found = f"none answers at {daemon}: {said.last if said.err else 'it does not say what it is'}"
        yield Check("engine", Outcome.MISSING, found, f"API {API} or newer", fix)
        return
    newer = Wanted("engine", API, "apt-get install docker-ce, or name another engine in crossfade:docker: {host: ...}")
    yield newer.of(str(server.get("ApiVersion")), f"docker {server.get('Version')} at {daemon}")


def _buildx(machine: Machine, daemon: str) -> Iterator[Check]:
    del daemon
    program = machine.which("docker")
    if program is None:
        return
    said = machine.run([str(program), "buildx", "version"])
    if said.code:
        fix = f"apt-get install docker-buildx-plugin\nor, in this project: {_OURS}"
        yield Check("buildx", Outcome.MISSING, "docker has none that runs", "one, to build images with", fix)
    else:
        yield Check("buildx", Outcome.OK, said.out.strip())


def _plugins(machine: Machine, daemon: str) -> Iterator[Check]:
    del daemon
    for name, version in PLUGINS.items():
        yield plugin(machine, name, version, "containers and images are")


def plugin(machine: Machine, name: str, version: str, what: str) -> Check:
    """A provider of Pulumi's, where it looks for them: among its plugins, or on PATH."""
    home = Path(machine.environ.get("PULUMI_HOME") or Path(machine.environ.get("HOME") or Path.home()) / ".pulumi")
    program, wanted = f"pulumi-resource-{name}", f"{version}, by which {what} declared"
    found = machine.which(program, home / "plugins" / f"resource-{name}-v{version}") or machine.which(program)
    if found is None:
        # What this project makes is for its containers.
        own = f"\nor, in this project: {_OURS}" if name in PLUGINS else ""
        return Check(
            f"plugin {name}", Outcome.MISSING, "not found", wanted, f"pulumi plugin install resource {name} {version}{own}"
        )
    if machine.size(found.with_name("provider.py")) is not None:
        return Check(f"plugin {name}", Outcome.NOTE, f"{found} is the stand-in of Crossfade's own tests", wanted)
    return Check(f"plugin {name}", Outcome.OK, str(found), wanted)


def _known(text: str) -> Mapping[str, Any]:
    try:
        known = json.loads(text)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _text(known: Mapping[str, Any], part: str) -> str:
    return str((known.get(part) or {}).get("Version"))


CONTAINERS: Mapping[str, Callable[[Machine, str], Iterator[Check]]] = {
    "docker": _docker,
    "buildx": _buildx,
    "plugins": _plugins,
}
"""What a stack needs whose target is ``docker``, of the engine at an address ``unix:///...``."""
