"""What must hold between settings, and the one way from a document to valid settings."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from pydantic import ValidationError

from infra.config.document import Document, Keys
from infra.config.faults import Fault, FaultsError, from_validation, lines_of
from infra.config.settings import Service, Settings

Rule = Callable[[Settings, Document], Iterator[Fault]]
WHOLE: Final = 100


def validate(document: Document) -> Settings:
    """The settings that a document holds.

    Raises:
        FaultsError: they are broken; it has every fault that can be told at once.
    """
    try:
        settings = Settings.model_validate(document.values)
    except ValidationError as error:
        raise FaultsError(from_validation(error, Settings, document)) from error
    faults = [fault for rule in RULES for fault in rule(settings, document)]
    if faults:
        raise FaultsError(faults)
    return settings


def in_order(services: Mapping[str, Service]) -> list[str]:
    """Names of the services, providers before consumers; singletons have no say in that.

    Raises:
        ValueError: they wait for each other in a circle; the text is the circle.
    """
    done: list[str] = []

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            raise ValueError(" after ".join((*way[way.index(name) :], name)))
        if name not in done:
            for provider in services[name].after:
                visit(provider, (*way, name))
            done.append(name)

    for name in services:
        visit(name, ())
    return done


def _start(settings: Settings, document: Document) -> Iterator[Fault]:
    if settings.start not in settings.slots:
        known = ", ".join(settings.slots)
        yield Fault(
            f"start is {settings.start}, and there is no such slot",
            document.where(("start",)),
            f"the slots are {known}",
            lines_of({"crossfade:start": next(iter(settings.slots))}),
        )


def _after(settings: Settings, document: Document) -> Iterator[Fault]:
    unknown = False
    for name, service in settings.services.items():
        for index, provider in enumerate(service.after):
            if provider not in settings.services:
                unknown = True
                others = [each for each in settings.services if each != name]
                keys: Keys = ("services", name, "after", index)
                cause = f"the services are {', '.join(settings.services)}"
                yield Fault(f"there is no service {provider}", document.where(keys), cause, lines_of({"after": others[:1]}))
    if unknown:
        return
    try:
        in_order(settings.services)
    except ValueError as error:
        first = str(error).partition(" ")[0]
        keys = ("services", first, "after")
        cause = "each would wait for the other to have its traffic first"
        yield Fault(f"services wait for each other: {error}", document.where(keys), cause, lines_of({first: {"after": []}}))


def _ports(settings: Settings, document: Document) -> Iterator[Fault]:
    taken: dict[int, str] = {}
    programs = {("services", name): each.port for name, each in settings.services.items()}
    programs |= {("companions", name): each.port for name, each in settings.companions.items()}
    for (group, name), port in programs.items():
        if port is None:
            continue
        for used in ports_of(port, slotted=group == "services"):
            if used in taken:
                free = max(number for number in programs.values() if number) + 1
                cause = f"{taken[used]} listens on {used} already"
                yield Fault(
                    f"{name} wants port {used} too", document.where((group, name, "port")), cause, lines_of({"port": free})
                )
                break
        taken |= dict.fromkeys(ports_of(port, slotted=group == "services"), name)


def ports_of(port: int, *, slotted: bool) -> tuple[int, ...]:
    """Every port that a program with this one listens on: the front's, blue's and green's."""
    return (port, port + 10_000, port + 20_000) if slotted else (port,)


def _reachable(settings: Settings, document: Document) -> Iterator[Fault]:
    for name, service in settings.services.items():
        if service.kind != "singleton" and service.port is None:
            keys: Keys = ("services", name, "port")
            yield Fault(
                f"{name} has no port", document.where(keys), f"users reach a {service.kind} by one", lines_of({"port": 8080})
            )
        for index, check in enumerate(service.health):
            if service.port is None and check.kind in {"http", "tcp", "websocket", "streamlit"}:
                keys = ("services", name, "health", index)
                cause = f"{check.kind} asks a port, and {name} has none"
                yield Fault(f"{name} cannot be asked", document.where(keys), cause, lines_of({"port": 8080}))


def _health(settings: Settings, document: Document) -> Iterator[Fault]:
    for name, service in settings.services.items():
        keys: Keys = ("services", name, "health")
        if not service.health:
            check = {"heartbeat": "5s"} if service.kind == "singleton" else {"http": "/health/"}
            cause = "without one nobody can see whether it is well, and no data is never a pass"
            yield Fault(f"{name} has no health check", document.where(keys), cause, lines_of({"health": [check]}))
        beats = any(check.kind == "heartbeat" for check in service.health)
        if service.kind == "singleton" and service.health and not beats:
            cause = "who works is read from the heartbeat: without it a hand-over cannot be seen to be done"
            yield Fault(f"{name} has no heartbeat", document.where(keys), cause, lines_of({"health": [{"heartbeat": "5s"}]}))


def _steps(settings: Settings, document: Document) -> Iterator[Fault]:
    shares = [step.share for step in settings.plan.steps]
    for index, (before, share) in enumerate(pairwise(shares), start=1):
        if share <= before:
            better = lines_of({"steps": sorted({*shares, WHOLE})})
            cause = "each step gives the candidate more than the one before"
            yield Fault(f"a step goes from {before} to {share} %", document.where(("plan", "steps", index)), cause, better)
    if shares[-1] != WHOLE:
        better = lines_of({"steps": sorted({*shares, WHOLE})})
        cause = "a rollout that never gives the candidate all the traffic never ends"
        yield Fault(f"the last step is {shares[-1]} %", document.where(("plan", "steps")), cause, better)


def _named(settings: Settings, document: Document) -> Iterator[Fault]:
    named: list[tuple[Keys, str]] = [(("plan", "traffic", name), name) for name in settings.plan.traffic]
    named += [(("slots", slot, "services", name), name) for slot, each in settings.slots.items() for name in each.services]
    for keys, name in named:
        if name not in settings.services:
            yield Fault(
                f"there is no service {name}",
                document.where(keys),
                f"the services are {', '.join(settings.services)}",
                f"rename {name}, or take it out",
            )
        elif keys[0] == "plan" and settings.services[name].kind == "singleton":
            yield Fault(f"{name} takes no traffic", document.where(keys), "it is a singleton", f"take {name} out")


def _names(settings: Settings, document: Document) -> Iterator[Fault]:
    for name in settings.companions:
        if name in settings.services:
            cause = "a companion and a service would share a folder and a log"
            yield Fault(f"{name} is there twice", document.where(("companions", name)), cause, f"rename the companion {name}")


RULES: tuple[Rule, ...] = (_start, _names, _after, _reachable, _ports, _health, _steps, _named)
"""Every rule; each finds its faults whatever the others find."""
