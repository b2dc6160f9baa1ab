"""What the override sets: the other runtime, and all that a second copy of the same services must have of its own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from smoke.compose.findings import Finding, Kind, findings, fixed, healthy
from smoke.compose.images import ARGUMENT, Dockerfile, argument, dockerfile, named_apart, official, runs_python
from smoke.compose.merging import long_form
from smoke.compose.ports import Move, moved, published, target_of
from smoke.compose.reading import ComposeFile
from smoke.compose.stack import Served, Stack
from smoke.compose.text import Removed, Replaced
from smoke.errors import UsageError

START_PERIOD: Final = "30s"
"""For which a check that fails says nothing: a Python that starts imports first."""
GRACE: Final = "15s"
"""Between the signal to stop and the end, as in a slot."""
_ADD = f"begin it with `ARG {ARGUMENT}=3.9-slim` (the tag that you have) and `FROM python:${{{ARGUMENT}}}`"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    runtime: str
    """Such as ``py312``."""
    project: str
    """The name of theirs."""
    stack: Stack | None = None
    dockerfiles: Mapping[str, str | None] = field(default_factory=dict)
    """The text of each service that is built; None where it could not be read."""

    @property
    def version(self) -> str:
        """``3.12`` for ``py312``."""
        return f"{self.runtime[2]}.{self.runtime[3:]}"

    @property
    def beside(self) -> str:
        """The name of the new project."""
        return f"{self.project}-{self.runtime}"


@dataclass(frozen=True, slots=True)
class Change:
    """A value of theirs, and ours in its place."""

    where: str
    """``services.api.ports``."""
    old: str
    """Empty where they have none."""
    new: str


@dataclass(frozen=True, slots=True)
class Plan:
    """An override, and what to say of it."""

    document: Mapping[str, Any]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    idle: tuple[str, ...]
    """Singletons of the stack: the new side starts without them."""
    builds: bool
    """Whether anything is built with our argument."""

    @property
    def well(self) -> bool:
        """Whether it may be started without a thought."""
        return not any(each.kind.bad for each in self.findings)


@dataclass(slots=True)
class _Drawn:
    """What is known so far."""

    file: ComposeFile
    wish: Wish
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def changed(self, keys: tuple[str, ...], old: object, new: str) -> str:
        self.changes.append(Change(".".join(keys), "" if old is None else str(old), new))
        return new

    def found(self, kind: Kind, what: str, *keys: str | int) -> None:
        self.findings.append(Finding(kind, self.file.where(*keys), what))


def plan(file: ComposeFile, wish: Wish) -> Plan:
    """The override of a file.

    Raises:
        UsageError: a port is none; says the line.
    """
    drawn = _Drawn(file, wish)
    taken = {port for service in file.services.values() for port in published(_ports(service))}
    services = {name: _service(drawn, name, service, taken) for name, service in file.services.items()}
    networks = {name: {"name": each} for name, each in _networks(drawn)}
    parts = {"services": {name: each for name, each in services.items() if each}, "networks": networks}
    idle = () if wish.stack is None else tuple(name for name in services if wish.stack.kind(name) == "singleton")
    _remind(drawn, idle)
    builds = any(change.where.endswith(ARGUMENT) for change in drawn.changes)
    found = sorted([*findings(file), *drawn.findings], key=lambda each: list(Kind).index(each.kind))
    document = {"name": wish.beside, **{key: each for key, each in parts.items() if each}}
    return Plan(document, tuple(drawn.changes), tuple(found), idle, builds)


def _remind(drawn: _Drawn, idle: tuple[str, ...]) -> None:
    """What two sides mean for what works by itself."""
    stack = drawn.wish.stack
    for name in idle:
        drawn.found(Kind.NOTE, "a singleton: the new side starts without it, for two would work at once", "services", name)
    if stack is None:
        drawn.found(Kind.NOTE, "what works by itself (orders, mails, jobs) works twice while both are up; --stack leaves it out")
    elif not stack.images:
        drawn.found(Kind.NOTE, f"the stack {stack.name} has no images, for its target is not docker: it says kinds alone")


def project_of(file: ComposeFile, folder: str, told: str | None) -> str:
    """The name that Compose gives to their project: by the environment, by the file, or by its folder."""
    own = str(file.values.get("name") or "")
    name = told or (own if "$" not in own else "") or folder
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-") or "compose"


def dockerfile_of(service: Mapping[str, Any]) -> tuple[str, str] | None:
    """Context and Dockerfile of a service that is built from a folder; None for any other, and where a variable says which."""
    build = long_form("build", service.get("build"))
    context, name = str(build.get("context") or "."), str(build.get("dockerfile") or "Dockerfile")
    remote = "://" in context or context.startswith(("git@", "github.com/"))
    return None if not service.get("build") or remote or "$" in context + name else (context, name)


def _service(drawn: _Drawn, name: str, service: Mapping[str, Any], taken: set[int]) -> dict[str, Any]:
    runtime = _runtime(drawn, name, service)
    ours = dict(runtime)
    if own := service.get("container_name"):
        ours["container_name"] = drawn.changed(("services", name, "container_name"), own, f"{own}-{drawn.wish.runtime}")
    moves = _moves(drawn.file, name, service, taken)
    for each in moves:
        if each.old:
            drawn.changed(("services", name, "ports"), each.old, each.new or "a free port")
    if any(each.old for each in moves):
        ours["ports"] = Replaced(each.entry for each in moves)
    return ours | (_ending(service) if runtime else {})


def _ending(service: Mapping[str, Any]) -> dict[str, Any]:
    """How it begins and ends, where they do not say."""
    ours: dict[str, Any] = {}
    if healthy(service) and "start_period" not in service["healthcheck"]:
        ours["healthcheck"] = {"start_period": START_PERIOD}
    defaults = {"stop_signal": "SIGTERM", "stop_grace_period": GRACE}
    return ours | {key: value for key, value in defaults.items() if service.get(key) is None}


def _runtime(drawn: _Drawn, name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """What puts it on the other runtime; nothing for what is not Python's."""
    stack, image = drawn.wish.stack, str(service.get("image") or "")
    if stack and stack.images and name in stack.services:
        return _of_stack(drawn, stack, name, service)
    if service.get("build"):
        return _built(drawn, name, service)
    new = official(image, drawn.wish.version)
    if new is not None:
        return {"image": drawn.changed(("services", name, "image"), image, new)}
    if (stack and name in stack.services) or any(runs_python(service.get(key)) for key in ("command", "entrypoint")):
        what = f"it keeps the image {image or '(none is named)'}: nothing says what that is called on {drawn.wish.runtime}"
        drawn.found(Kind.STAYS, what, "services", name, "image")
    return {}


def _of_stack(drawn: _Drawn, stack: Stack, name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    old = service.get("image") or ("its build" if service.get("build") else None)
    ours: dict[str, Any] = {"image": drawn.changed(("services", name, "image"), old, stack.image(name, drawn.wish.runtime))}
    if service.get("build"):
        # Else what they build would be given the name of the stack's image.
        ours["build"] = Removed()
    if not stack.registry:
        # A name that this machine alone knows may not be asked of a public registry: anybody may have taken it there.
        ours["pull_policy"] = "never"
    if not service.get("command") and not service.get("entrypoint"):
        # Their own image said what to run; the stack's does not.
        ours |= _started(stack.services[name], service)
    return ours


def _started(served: Served, service: Mapping[str, Any]) -> dict[str, Any]:
    """The stack's own command, listening where their file expects it."""
    targets = [each for each in map(target_of, _ports(service)) if each]
    given = {"HOST": "0.0.0.0", "PORT": targets[0] if targets else served.port}  # noqa: S104 - in the container
    theirs = long_form("environment", service.get("environment"))
    ours: dict[str, Any] = {"command": served.command.replace("$", "$$")}
    if served.port and (added := {name: each for name, each in given.items() if name not in theirs}):
        ours["environment"] = added
    return ours


def _built(drawn: _Drawn, name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    build = long_form("build", service["build"])
    theirs = long_form("args", build.get("args")).get(ARGUMENT)
    text = build.get("dockerfile_inline") or drawn.wish.dockerfiles.get(name)
    facts = None if text is None else dockerfile(str(text))
    if facts is not None and not facts.python and theirs is None:
        return {}
    _doubt(drawn, name, facts)
    old = theirs or (facts.default if facts else "")
    value = drawn.changed(("services", name, "build", "args", ARGUMENT), old, argument(str(old), drawn.wish.version))
    ours: dict[str, Any] = {"build": {"args": {ARGUMENT: value}}}
    if image := service.get("image"):
        # Else the new build would take the name of the old one, which the old side starts from.
        ours["image"] = drawn.changed(("services", name, "image"), image, named_apart(image, drawn.wish.runtime))
    return ours


def _doubt(drawn: _Drawn, name: str, facts: Dockerfile | None) -> None:
    if facts is None:
        what = f"its Dockerfile could not be read: whether it takes {ARGUMENT} is not known"
    elif not facts.takes:
        what = f"its Dockerfile has no {ARGUMENT}: both sides would be the same; {_ADD}"
    else:
        return
    drawn.found(Kind.STAYS, what, "services", name, "build")


def _moves(file: ComposeFile, name: str, service: Mapping[str, Any], taken: set[int]) -> list[Move]:
    try:
        return moved(_ports(service), taken)
    except ValueError as error:
        what, index = error.args
        raise UsageError(what, file.where("services", name, "ports", index)) from None


def _ports(service: Mapping[str, Any]) -> list[Any]:
    ports: list[Any] = service.get("ports") or []
    return ports


def _networks(drawn: _Drawn) -> Iterator[tuple[str, str]]:
    """Those that would be one for both by their fixed name."""
    for name, network in drawn.file.resources("networks").items():
        if not network.get("external") and (own := fixed(name, network)):
            yield name, drawn.changed(("networks", name, "name"), own, f"{own}-{drawn.wish.runtime}")
