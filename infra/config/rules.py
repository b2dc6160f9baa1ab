"""What must hold between settings, and the one way from a document to valid settings."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from pydantic import ValidationError

from infra.config.document import Document, Keys, Repeated
from infra.config.faults import Fault, FaultsError, paste
from infra.config.hour_rules import hour_faults
from infra.config.kubernetes_rules import cluster_faults
from infra.config.metric_rules import metric_faults
from infra.config.plan import steps_document
from infra.config.ports import ports_of, spare_port
from infra.config.reading import faults_in
from infra.config.settings import Service, Settings

Rule = Callable[[Settings, Document], Iterator[Fault]]
WHOLE: Final = 100
_BY_PORT = frozenset({"http", "tcp", "websocket", "streamlit"})


def settings_in(document: Document) -> Settings:
    """The settings that a document holds, each of them as it should be; what must hold between them is not asked.

    Raises:
        FaultsError: one is not.
    """
    faults = [_repeated(document, each) for each in document.repeated]
    try:
        settings = Settings.model_validate(document.values)
    except ValidationError as error:
        raise FaultsError([*faults, *faults_in(error, Settings, document)]) from error
    if faults:
        raise FaultsError(faults)
    return settings


def broken_rules(settings: Settings, document: Document) -> Sequence[Fault]:
    """What does not hold between settings; each rule finds its faults whatever the others find."""
    return [fault for rule in RULES for fault in rule(settings, document)]


def validate(document: Document) -> Settings:
    """The settings that a document holds.

    Raises:
        FaultsError: they are broken; it has every fault that can be told at once.
    """
    settings = settings_in(document)
    faults = broken_rules(settings, document)
    if faults:
        raise FaultsError(faults)
    return settings


def in_order(services: Mapping[str, Service]) -> list[str]:
    """Names of the services, providers before consumers; singletons have no say in that.

    Raises:
        ValueError: they wait for each other in a circle; the text is the circle.
    """
    done: dict[str, None] = {}
    for name in services:
        way = [name]
        while way:
            waits_for = next((each for each in services[way[-1]].after if each not in done), None)
            if waits_for is None:
                done[way.pop()] = None
            elif waits_for in way:
                raise ValueError(" after ".join((*way[way.index(waits_for) :], waits_for)))
            else:
                way.append(waits_for)
    return list(done)


def _repeated(document: Document, each: Repeated) -> Fault:
    where, cause = f"{document.name}:{each.again} {each.key}", f"line {each.first} has it too; which of them counts?"
    return Fault(f"{each.key} is there twice", where, cause, f"take line {each.first} or line {each.again} out")


def _after(settings: Settings, document: Document) -> Iterator[Fault]:
    unknown = [
        (name, index, provider)
        for name, service in settings.services.items()
        for index, provider in enumerate(service.after)
        if provider not in settings.services
    ]
    for name, index, provider in unknown:
        others = [each for each in settings.services if each not in {name, *settings.services[name].after}]
        near = difflib.get_close_matches(provider, others, n=1)
        better = [wanted for each in settings.services[name].after for wanted in (near if each == provider else [each])]
        keys: Keys = ("services", name, "after", index)
        cause = f"the services are {', '.join(settings.services)}"
        yield Fault(f"there is no service {provider}", document.where(keys), cause, paste(document, keys[:-1], better))
    if not unknown:
        yield from _circle(settings, document)


def _circle(settings: Settings, document: Document) -> Iterator[Fault]:
    try:
        in_order(settings.services)
    except ValueError as error:
        name, provider, *_ = str(error).split(" after ")
        keys: Keys = ("services", name, "after")
        better = [each for each in settings.services[name].after if each != provider]
        cause = "each would wait for the other to have its traffic first"
        yield Fault(f"services wait for each other: {error}", document.where(keys), cause, paste(document, keys, better))


def _ports(settings: Settings, document: Document) -> Iterator[Fault]:
    if settings.target == "kubernetes":  # every pod has an address of its own
        return
    taken: dict[int, str] = {}
    programs = {("services", name): each.port for name, each in settings.services.items()}
    programs |= {("companions", name): each.port for name, each in settings.companions.items()}
    for (group, name), port in programs.items():
        slotted = group == "services"
        wanted = () if port is None else ports_of(port, slotted=slotted)
        for used in [each for each in wanted if each in taken][:1]:
            keys = (group, name, "port")
            better = spare_port(document.values, slotted=slotted)
            cause = f"{taken[used]} listens on {used} already"
            yield Fault(f"{name} wants port {used} too", document.where(keys), cause, paste(document, keys, better))
        taken |= dict.fromkeys(wanted, name)


def _reachable(settings: Settings, document: Document) -> Iterator[Fault]:
    for name, service in settings.services.items():
        if service.port is not None:
            continue
        keys: Keys = ("services", name, "port")
        hint = paste(document, keys, spare_port(document.values))
        asking = [check.kind for check in service.health if check.kind in _BY_PORT]
        if service.kind != "singleton":
            yield Fault(f"{name} has no port", document.where(keys), f"users reach a {service.kind} by one", hint)
        elif asking:
            yield Fault(f"{name} cannot be asked", document.where(keys), f"{asking[0]} asks a port, and {name} has none", hint)


def _sticky(settings: Settings, document: Document) -> Iterator[Fault]:
    for name, service in settings.services.items():
        if service.kind != "sticky-http" and "affinity" in service.model_fields_set:
            where = document.where(("services", name, "affinity"))
            cause = f"it is {service.kind}, and browsers stay on a slot of a sticky-http service alone"
            yield Fault(f"{name} has no use for affinity", where, cause, "take affinity out")


def _docker_alone(settings: Settings, document: Document) -> Iterator[Fault]:
    if settings.target != "local":
        return
    groups = (("services", settings.services), ("companions", settings.companions))
    found: list[Keys] = [("docker",)] if "docker" in settings.model_fields_set else []
    found += [
        (group, name, key)
        for group, programs in groups
        for name, program in programs.items()
        for key in ("dockerfile", "memory", "cpus")
        if key in program.model_fields_set
    ]
    for keys in found:
        cause = f"the target is {settings.target}, which has processes and no containers"
        hint = f"take it out, or take the target docker:\n{paste(document, ('target',), 'docker')}"
        yield Fault(f"{keys[-1]} is for containers", document.where(keys), cause, hint)


def _health(settings: Settings, document: Document) -> Iterator[Fault]:
    for name, service in settings.services.items():
        keys: Keys = ("services", name, "health")
        if service.manifests is not None:  # they say it
            continue
        if not service.health:
            check = {"heartbeat": "5s"} if service.kind == "singleton" else {"http": "/health/"}
            cause = "without one nobody can see whether it is well, and no data is never a pass"
            yield Fault(f"{name} has no health check", document.where(keys), cause, paste(document, keys, [check]))
        beats = any(check.kind == "heartbeat" for check in service.health)
        if service.kind == "singleton" and service.health and not beats:
            cause = "who works is read from the heartbeat: without it a hand-over cannot be seen to be done"
            better = [*document.at(keys), {"heartbeat": "5s"}]
            yield Fault(f"{name} has no heartbeat", document.where(keys), cause, paste(document, keys, better))


def _steps(settings: Settings, document: Document) -> Iterator[Fault]:
    keys: Keys = ("plan", "steps")
    shares = [step.share for step in settings.plan.steps]
    better = _ascending(shares, document.at(keys) or shares)
    for index, (before, share) in enumerate(pairwise(shares), start=1):
        if share <= before:
            cause = "each step gives the candidate more than the one before"
            where = document.where((*keys, index))
            yield Fault(f"a step goes from {before} to {share} %", where, cause, paste(document, keys, better))
    if shares[-1] != WHOLE:
        cause = "a rollout that never gives the candidate all the traffic never ends"
        yield Fault(f"the last step is {shares[-1]} %", document.where(keys), cause, paste(document, keys, better))


def _ascending(shares: Iterable[int], written: Iterable[Any]) -> list[Any]:
    """The steps as they were written, in order, up to the whole."""
    steps = dict(sorted({WHOLE: WHOLE, **dict(zip(shares, written, strict=True))}.items()))
    return list(steps.values())


def _limits(settings: Settings, document: Document) -> Iterator[Fault]:
    endless: dict[Keys, tuple[int, float, float]] = {}
    for index, (step, whole) in enumerate(zip(settings.plan.steps, steps_document(settings), strict=False)):
        keys: Keys = ("plan", "limit") if step.limit is None else ("plan", "steps", index, "limit")
        if whole["limit"] <= whole["bake"] and whole["bake"] > endless.get(keys, (0, 0.0, 0.0))[2]:
            endless[keys] = step.share, whole["limit"], whole["bake"]
    for keys, (share, limit, bake) in endless.items():
        cause = f"it ends after {limit:g} s, and must be watched for {bake:g} s before it can pass"
        hint = paste(document, keys, f"{2 * bake:g}s")
        yield Fault(f"the step at {share} % can never pass", document.where(keys), cause, hint)


def _named(settings: Settings, document: Document) -> Iterator[Fault]:
    named: list[tuple[Keys, str]] = [(("plan", "traffic", name), name) for name in settings.plan.traffic]
    named += [(("slots", slot, "services", name), name) for slot, each in settings.slots.items() for name in each.services]
    for keys, name in named:
        where = document.where(keys)
        if name not in settings.services:
            near = difflib.get_close_matches(name, settings.services, n=1)
            hint = f"call it {near[0]}, or take it out" if near else f"take {name} out"
            yield Fault(f"there is no service {name}", where, f"the services are {', '.join(settings.services)}", hint)
        elif keys[0] == "plan" and settings.services[name].kind == "singleton":
            yield Fault(f"{name} takes no traffic", where, "it is a singleton", f"take {name} out")


def _names(settings: Settings, document: Document) -> Iterator[Fault]:
    for name in settings.companions:
        if name in settings.services:
            cause = "a companion and a service would share a folder and a log"
            yield Fault(f"{name} is there twice", document.where(("companions", name)), cause, f"rename the companion {name}")


def _checks(settings: Settings, document: Document) -> Iterator[Fault]:
    """Gates about services, and waivers of gates, that are not there."""
    named: list[tuple[Keys, str, Iterable[str], str]] = [
        (("checks", name, "service"), each.service, settings.services, "service")
        for name, each in settings.checks.items()
        if each.service is not None
    ]
    named += [(("waivers", index, "check"), each.check, settings.checks, "check") for index, each in enumerate(settings.waivers)]
    asked = {each.phase for each in settings.checks.values()}
    named += [(("requires", index), phase, sorted(asked), "gate of phase") for index, phase in enumerate(settings.requires)]
    for keys, name, known, kind in named:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = paste(document, keys, near[0]) if near else "take it out"
            yield Fault(f"there is no {kind} {name}", document.where(keys), f"there are {', '.join(known) or 'none'}", hint)


RULES: tuple[Rule, ...] = (
    _checks,
    _names,
    _after,
    _reachable,
    _ports,
    _sticky,
    _docker_alone,
    cluster_faults,
    _health,
    metric_faults,
    _steps,
    _limits,
    hour_faults,
    _named,
)
"""Every rule; each finds its faults whatever the others find."""
