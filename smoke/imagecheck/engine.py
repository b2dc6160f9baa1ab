"""The engine that a slot's containers run in, by the docker command: looks at what is there, and runs what is thrown away again.

A container of ours has the label ``crossfade.check`` with the process that made it, and no network. It is removed whatever
happens; where that process was killed, by the next that checks.
"""

import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from infra.contract import Json
from smoke.clock import SystemClock
from smoke.docker import Docker, last
from smoke.foreign import shortened
from smoke.imagecheck.findings import SECONDS, Ending, Insight, insight_of
from smoke.process import Ended
from smoke.seams import Clock

LABEL = "crossfade.check"
_IMPORTS = 300.0
"""Seconds for all imports of an image."""
_READY, _SETTLED = 30.0, 3.0
"""Seconds that a container has to become healthy; that one without a health check must run."""
_SPARE = 60.0
"""Seconds that the docker command may take on top, to start a container and to hear of its end."""
_PAUSE = 0.2
_ENGINES_OWN = 125
"""Exit code of a docker command that did not come to run anything."""
INSIDE = Path(__file__).with_name("inside.py")
"""What a Python is asked of itself: a script that it runs."""


class Silent(Exception):
    """An image's Python did not answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine, by its docker command."""

    docker: Docker
    clock: Clock = field(default_factory=SystemClock)

    def inspect(self, kind: str, name: str) -> Mapping[str, Json]:
        """What the engine says of a container, or an image.

        Raises:
            DeployError: it does not answer, or has none of that name.
        """
        [found] = json.loads(self.docker.asked("inspect", "--type", kind, name))
        return dict(found)

    def insight(self, container: Mapping[str, Json]) -> Insight:
        """What the Python says that a container was made with.

        Raises:
            Silent: it does not answer as it should.
            DeployError: the engine does not.
        """
        code = INSIDE.read_text(encoding="utf-8")
        with self._thrown_away() as name, _like(container) as (options, environment):
            words = ["run", "--rm", *self._named(name), *options, "--entrypoint", "python", container["Image"], "-c", code]
            said = self.docker.run(*words, limit=_IMPORTS, environment=environment)
        if said.status == _ENGINES_OWN:
            raise self.docker.failed(said)
        if said.status:
            raise Silent(shortened(last(said.err) or f"exit code {said.status}"))
        if said.status is None:
            raise Silent(f"no answer within {_IMPORTS:g} s")
        try:
            return insight_of(json.loads(last(said.out)))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Silent(f"it says what it was not asked: {shortened(last(said.out))}") from error

    def ending(self, container: Mapping[str, Json]) -> Ending:
        """How one ends that is started as the container was, once it runs and is asked to.

        Raises:
            DeployError: the engine does not answer.
        """
        config = container["Config"]
        words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
        # First in, last out: what it waits for has ended once the container is gone.
        with ThreadPoolExecutor(1) as threads, self._thrown_away() as name, _like(container) as (options, environment):
            health = ["--health-interval", "1s"] if has_check(container) else []
            first = ["--entrypoint", words[0]] if words else []
            own = [*_limits(container), *health, *first]
            created = ["create", *self._named(name), *options, *own, container["Image"], *words[1:]]
            self.docker.asked(*created, environment=environment)
            # Attached, not by its log: the engine ends a line there that the program did not end.
            running = threads.submit(self.docker.run, "start", "--attach", name, limit=_READY + SECONDS + _SPARE)
            asked = self._ready(name, running)
            begun = self.clock.now()
            if asked:
                self.docker.run("kill", "--signal", config.get("StopSignal") or "SIGTERM", name)
            in_time = bool(wait([running], SECONDS).done)
            seconds = self.clock.now() - begun
            if not in_time:
                self.docker.run("kill", name)
            return self._ended(running.result(), seconds, asked=asked, in_time=in_time)

    def sweep(self) -> None:
        """Remove what a process left behind that was killed while it checked."""
        listed = self.docker.asked(
            "ps", "--all", "--filter", f"label={LABEL}", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
        )
        for line in listed.splitlines():
            container, _, maker = line.partition(" ")
            if not (maker.isdigit() and _alive(int(maker))):
                self._remove(container)

    def _ready(self, name: str, running: Future[Ended]) -> bool:
        """Whether it runs, once it is healthy or has had its time to become so."""
        begun = self.clock.now()
        while not running.done() and self.clock.now() - begun < _READY:
            health = (self.inspect("container", name)["State"].get("Health") or {}).get("Status")
            settled = health is None and self.clock.now() - begun >= _SETTLED
            if health == "healthy" or settled:
                break
            self.clock.sleep(_PAUSE)
        return not running.done()

    def _ended(self, said: Ended, seconds: float, *, asked: bool, in_time: bool) -> Ending:
        if said.status == _ENGINES_OWN:
            raise self.docker.failed(said)
        texts = [text for text in (said.out, said.err) if text]
        return Ending(
            asked=asked,
            status=said.status if in_time else None,
            seconds=seconds,
            lines=sum(len(text.splitlines()) for text in texts),
            last=tuple(shortened(last(text)) for text in texts),
            whole=all(text.endswith("\n") for text in texts),
        )

    @contextmanager
    def _thrown_away(self) -> Iterator[str]:
        """A name for a container, which is there no more after the context."""
        name = f"crossfade-check-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            yield name
        finally:
            self._remove(name)

    def _remove(self, container: str) -> None:
        # What does not answer now is found by the next who checks.
        self.docker.run("rm", "--force", "--volumes", container)

    def _named(self, name: str) -> list[str]:
        return ["--name", name, "--label", f"{LABEL}={os.getpid()}"]


@contextmanager
def _like(container: Mapping[str, Json]) -> Iterator[tuple[list[str], Mapping[str, str]]]:
    """Options that make a container like another, and variables that docker must see for them.

    It has the other's user, folder and environment; but it is alone, and what the other shares is its own and empty.
    """
    config = container["Config"]
    variables = [each.partition("=") for each in config.get("Env") or ()]
    several = {name: value for name, _, value in variables if "\n" in value}
    with tempfile.TemporaryDirectory(prefix="crossfade-check-") as folder:
        # A file, not words of a command: other users of this machine see those.
        file = Path(folder, "environment")
        file.touch(0o600)
        file.write_text("".join(f"{name}={value}\n" for name, _, value in variables if name not in several), encoding="utf-8")
        options = ["--network", "none", "--env-file", str(file), "--security-opt", "no-new-privileges:true"]
        options += [word for name in several for word in ("--env", name)]  # a file has no room for more than a line
        options += ["--user", config["User"]] if config.get("User") else []
        options += ["--workdir", config["WorkingDir"]] if config.get("WorkingDir") else []
        for mount in container.get("Mounts") or ():
            options += ["--tmpfs", f"{mount['Destination']}:mode=1777"]
        yield options, {**os.environ, **several}


def _limits(container: Mapping[str, Json]) -> Iterator[str]:
    """Options for what it may use, and how it is started; it keeps no log."""
    host = container["HostConfig"]
    yield from ("--log-driver", "none")
    if host.get("Init"):
        yield "--init"
    if host.get("Memory"):
        yield from ("--memory", str(host["Memory"]))
    if host.get("NanoCpus"):
        yield from ("--cpus", f"{host['NanoCpus'] / 1e9:g}")


def has_check(container: Mapping[str, Json]) -> bool:
    """Whether a container has a health check."""
    test = (container["Config"].get("Healthcheck") or {}).get("Test") or []
    return bool(test) and test != ["NONE"]


def _alive(pid: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
