"""What this machine lacks to build images, each with the command to run next. Looks, and changes nothing."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.config import Fault

API = "1.41"
"""The oldest interface of an engine that will do: docker 20.10."""
PLUGINS: Mapping[str, str] = {"docker-build": "0.0.22", "docker": "5.2.0"}
"""Pulumi's providers, in the versions that the Python packages ask for."""
_LIMIT = 20.0
"""Seconds that a program has to answer."""
_OURS = "make docker"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program answered; ``code`` is None where there is no such program."""

    code: int | None
    out: str
    err: str = ""

    @property
    def last(self) -> str:
        """The last line that says something."""
        return (self.err.strip() or self.out.strip() or f"exit code {self.code}").splitlines()[-1]


Ask = Callable[[Sequence[str]], Answer]
"""Runs a program to its end."""


def ask(words: Sequence[str]) -> Answer:
    """What a program answers within some seconds."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        return Answer(1, "", f"no answer within {_LIMIT:g} s")
    except OSError as error:
        return Answer(None, "", str(error))
    return Answer(done.returncode, done.stdout, done.stderr)


def faults(where: str, host: str, builder: str, environ: Mapping[str, str] = os.environ, run: Ask = ask) -> Sequence[Fault]:
    """Everything that is missing to build with, and to have containers of it in the engine.

    Args:
        where: the place in the settings to name, ``file:line key``.
        host: address of the engine, ``unix:///...``.
        builder: name of the builder that the settings ask for.
        environ: says where Pulumi's plugins are.
        run: runs a program.
    """
    return [*builder_faults(where, host, builder, run), *plugin_faults(where, PLUGINS, environ)]


def builder_faults(where: str, host: str, builder: str, run: Ask = ask) -> Iterator[Fault]:
    """Client, engine, buildx and builder; what needs another that is missing is not asked."""
    said = run(["docker", "-H", host, "version", "--format", "{{json .}}"])
    if said.code is None:
        hint = f"apt-get install docker-ce-cli\nor, in this project: {_OURS}"
        yield Fault("there is no docker command", where, said.err, hint)
        return
    engine = _engine(where, host, said)
    yield from engine
    buildx = run(["docker", "buildx", "version"])
    if buildx.code:
        hint = f"apt-get install docker-buildx-plugin\nor, in this project: {_OURS}"
        yield Fault("docker cannot build: it has no buildx", where, buildx.last, hint)
    elif not engine:
        found = run(["docker", "-H", host, "buildx", "inspect", builder])
        if found.code:
            hint = "docker buildx ls shows which there are; take one of them, or `default`, as builder in crossfade:docker"
            yield Fault(f"there is no builder {builder}", where, found.last, hint)


def _engine(where: str, host: str, said: Answer) -> list[Fault]:
    try:
        server = json.loads(said.out).get("Server")
    except (ValueError, AttributeError):
        server = None
    if not server:
        hint = f"systemctl start docker\nor see who may use it: docker -H {host} info\nor, in this project: {_OURS}"
        return [Fault(f"no engine answers at {host}", where, said.last if said.err else "it does not say what it is", hint)]
    version = str(server.get("ApiVersion", ""))
    if _numbers(version) >= _numbers(API):
        return []
    cause = f"docker {server.get('Version')} speaks {version or 'nothing that we know'}, {API} (docker 20.10) is the least"
    return [Fault(f"the engine at {host} is too old", where, cause, "apt-get install docker-ce, or name another host")]


def plugin_faults(where: str, plugins: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Iterator[Fault]:
    """Providers of Pulumi's that are missing; ``plugins`` has the version of each."""
    for name, version in plugins.items():
        if not _has_plugin(name, version, environ):
            hint = f"pulumi plugin install resource {name} {version}\nor, in this project: {_OURS}"
            yield Fault(f"Pulumi has no plugin {name} {version}", where, "images and containers are declared by it", hint)


def _has_plugin(name: str, version: str, environ: Mapping[str, str]) -> bool:
    """Whether Pulumi would find it: beside its other plugins, or on PATH."""
    home = Path(environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    program = f"pulumi-resource-{name}"
    beside = home / "plugins" / f"resource-{name}-v{version}" / program
    return beside.is_file() or shutil.which(program, path=environ.get("PATH", os.defpath)) is not None


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
