"""Images of a small service, built as Pulumi's provider builds them, and containers that were made from them."""

import asyncio
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from docker_host import DockerHost

from infra.content import file_digest, tree_digest
from infra.contract import Contract, Placement, Service
from infra.images import Build, Origin, Recipe, arguments, assemble, base_of, dockerfile_digest

LOCK = """six==1.17.0 \\
    --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274
"""
WEB = """
import http.server, os, signal, sys
import six

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

def end(*_):
    print("bye")
    sys.exit(0)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    print("hello", os.environ.get("GREETING"))
    http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
RUDE = """
FROM python:3.12-slim-bookworm
WORKDIR /app
COPY . /app
"""
STUBBORN = """
import signal, sys, time
if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.write("no end of")
    sys.stdout.flush()
    time.sleep(600)
"""


@dataclass
class Workshop:
    """A folder with services, and an engine that has their images."""

    host: DockerHost
    folder: Path
    stack: str = field(default_factory=lambda: f"i{secrets.token_hex(3)}")

    @property
    def home(self) -> Path:
        """The stack's folder."""
        return self.folder / ".crossfade" / self.stack

    def service(self, files: Mapping[str, str], dockerfile: str = "") -> Origin:
        """A service with these files, and with a Dockerfile of its own where one is given."""
        place = self.folder / f"service-{secrets.token_hex(3)}"
        place.mkdir()
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8")
        lock, own = place.with_suffix(".lock"), place.with_suffix(".Dockerfile")
        lock.write_text(LOCK, encoding="utf-8")
        if dockerfile:
            own.write_text(dockerfile, encoding="utf-8")
        return Origin(place, lock, own if dockerfile else None)

    def recipe(self, origin: Origin, runtime: str) -> Recipe:
        """Its recipe on a runtime."""
        parts = tree_digest(origin.source), file_digest(origin.lock), dockerfile_digest(origin.dockerfile)
        return Recipe(runtime, *parts, base_of(runtime))

    def build(self, origin: Origin, runtime: str, environ: Mapping[str, str] | None = None, home: str = "") -> str:
        """Build its image, where a shell says where packages are without anything that was built before; returns its name."""
        recipe = self.recipe(origin, runtime)
        place = assemble(self.home / "contexts", recipe, origin)
        build = Build(self.stack, home or str(self.home), "api", recipe)
        given = _told(build, str(place), environ or {})
        passed, words = (
            {},
            [
                "buildx",
                "build",
                *(["--no-cache"] if environ else []),
                "--load",
                "--progress",
                "plain",
                "--file",
                given["dockerfile"]["location"],
            ],
        )
        for name, option in {"tags": "--tag", "build_args": "--build-arg", "labels": "--label"}.items():
            values = given[name] if name == "tags" else [f"{key}={value}" for key, value in given[name].items()]
            words += [word for value in values for word in (option, value)]
        for name, value in given["secrets"].items():
            passed[f"SECRET_{name.upper()}"] = value
            words += ["--secret", f"id={name},env=SECRET_{name.upper()}"]
        os.environ.update(passed)
        try:
            self.host.docker(*words, given["context"]["location"], limit=300)
        finally:
            for name in passed:
                del os.environ[name]
        return build.reference

    def run(self, image: str, slot: str, *command: str, options: Sequence[str] = (), user: str = "10001:10001") -> str:
        """Start a container of the service in a slot; returns its name."""
        name = f"crossfade-{self.stack}-api--{slot}"
        given = ["--env", "PORT=8080", "--env", "GREETING=two\nlines", "--label", f"crossfade.stack={self.stack}", *options]
        self.host.docker("run", "--detach", "--init", "--user", user, "--name", name, *given, image, *command)
        return name

    def contract(self, **runtimes: str) -> Contract:
        """The contract of a stack whose slots have these runtimes, each in its container."""
        placements = {slot: self._placement(slot, runtime) for slot, runtime in runtimes.items()}
        service = Service("api", "http", (), placements, (), None, None, None, None)
        return Contract(self.stack, "docker", "blue", "once", (service,), {}, {}, dict.fromkeys(runtimes, "r"))

    def _placement(self, slot: str, runtime: str) -> Placement:
        name, daemon = f"crossfade-{self.stack}-api--{slot}", self.host.docker_host
        where = {"container": name, "daemon": daemon}
        return Placement("api", slot, runtime, "sha256:0", "v", None, None, "python", "/app", {}, {}, **where)

    def containers(self) -> list[str]:
        """Every container of the engine, running or not."""
        return sorted(self.host.docker("ps", "--all", "--quiet").stdout.split())

    def close(self) -> None:
        """Leave no container behind."""
        found = self.host.docker("ps", "--all", "--quiet", "--filter", f"label=crossfade.stack={self.stack}").stdout.split()
        if found:
            self.host.docker("rm", "--force", "--volumes", *found)


def _told(build: Build, context: str, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - values of arguments
    """The arguments of the resource, with what outputs hold in their place."""

    async def known(value: Any) -> Any:  # noqa: ANN401 - dito
        if isinstance(value, pulumi.Output):
            return await value.future()
        return {name: await known(each) for name, each in value.items()} if isinstance(value, dict) else value

    async def told() -> Any:  # noqa: ANN401 - dito
        return await known(arguments(build, context, environ))

    return asyncio.run(told())
