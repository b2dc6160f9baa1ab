"""What each slot shall hold, and the guard of the slot that has traffic. Pure.

The inputs of a service in a slot are everything that is needed to place it again, and nothing that depends on the slot: two slots
with the same inputs hold the same release.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.config import Fault, FaultsError, Settings
from infra.config.document import Document, Keys
from infra.config.settings import Program
from infra.contract import Json, fingerprint

Inputs = Mapping[str, Json]
Slots = Mapping[str, Mapping[str, Inputs]]
"""By slot, by service."""

CONTENT = ("source", "lock")
"""Inputs that are digests: a slot with traffic keeps its own, and the other gets the new."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a target says of a stack as it is, before anything is declared."""

    placed: Slots
    busy: frozenset[str]
    """Slots that have traffic, or a singleton at work."""
    start: str | None = None
    """The slot that served first; None where the stack is not there yet."""
    serving: str | None = None
    """The slot with the most traffic; None where none has any."""


Digests = Callable[[Program, str], tuple[str, str]]
"""Digests of a program's source and lock for a runtime."""


def inputs_of(name: str, settings: Settings, slot: str, digests: Digests) -> Inputs:
    """The inputs of one service in one slot."""
    service, place = settings.services[name], settings.slots[slot]  # type: ignore[index]
    own = place.services[name].env if name in place.services else {}
    source, lock = digests(service, place.runtime)
    return {
        "kind": service.kind,
        "runtime": place.runtime,
        "source": source,
        "lock": lock,
        "command": list(service.command),
        "env": {**service.env, **place.env, **own},
        # Pulumi keeps no nothing: what is not there must not be in here at all.
        **({} if service.port is None else {"port": service.port}),
    }


def version_of(inputs: Inputs) -> str:
    """The identity that whatever is placed by these inputs must show."""
    return f"{inputs['runtime']}-{fingerprint(inputs)[:12]}"


def releases(slots: Slots) -> Mapping[str, str]:
    """Fingerprint of what each slot holds; a slot that holds nothing is absent."""
    return {slot: fingerprint(services) for slot, services in slots.items() if services}


def wanted(settings: Settings, digests: Digests) -> Slots:
    """What the settings ask for, slot by slot: what is recorded, where it is, else what is written."""
    recorded = settings.recorded or {}
    return {
        slot: dict(recorded[slot])
        if slot in recorded
        else {name: inputs_of(name, settings, slot, digests) for name in settings.services}
        for slot in sorted({*settings.slots, *recorded})
    }


def guarded(asked: Slots, standing: Standing, settings: Settings, document: Document) -> Slots:
    """What is asked for, with every slot that has traffic left as it is.

    Raises:
        FaultsError: something other than content would change in a slot that has traffic.
    """
    if settings.allow_live:
        return asked
    faults: list[Fault] = []
    slots = dict(asked)
    for slot in sorted(standing.busy & standing.placed.keys()):
        kept = dict(asked.get(slot, {}))
        for name, placed in standing.placed[slot].items():
            changed = _changed(placed, kept.get(name))
            if changed and not set(changed) <= set(CONTENT):
                faults.append(_fault(slot, name, changed, settings, document))
            kept[name] = placed
        slots[slot] = kept
    if standing.start is not None and standing.start != settings.start:
        faults.append(_moved_start(standing.start, settings, document))
    if faults:
        raise FaultsError(faults)
    return slots


def _changed(placed: Inputs, asked: Inputs | None) -> list[str]:
    """Names of the inputs that differ; ``service`` when it is gone."""
    if asked is None:
        return ["service"]
    return [key for key in sorted({*placed, *asked}) if placed.get(key) != asked.get(key)]


def _fault(slot: str, name: str, changed: list[str], settings: Settings, document: Document) -> Fault:
    other = next(each for each in ("blue", "green") if each != slot)
    keys: Keys = ("slots", slot) if slot in settings.slots else ("slots",)
    if changed == ["service"]:
        hint = f"put {name} back, or take traffic away from it first: crossfade promote --stack STACK --to {other}"
    else:
        hint = f"edit crossfade:slots.{other} instead, then: pulumi up, crossfade promote"
        keys = _key(slot, name, changed, settings) or keys
    return Fault(
        f"slot {slot} has traffic, and this would change {name} there ({', '.join(changed)})",
        document.where(keys),
        "a slot that has traffic is not touched: what is new goes to the other one, and is promoted",
        f"{hint}\nor, knowing that requests may be lost: pulumi up --config crossfade:allow-live=true",
    )


def _key(slot: str, name: str, changed: list[str], settings: Settings) -> Keys:
    """The key whose edit is refused."""
    place = settings.slots.get(slot)  # type: ignore[call-overload]
    if place is None:
        return ()
    if "runtime" in changed:
        return ("slots", slot, "runtime")
    if "env" in changed:
        return (
            ("slots", slot, "services", name, "env")
            if name in place.services
            else ("slots", slot, "env")
            if place.env
            else ("services", name, "env")
        )
    return ("services", name, next(each for each in changed if each not in CONTENT)) if name in settings.services else ()


def _moved_start(start: str, settings: Settings, document: Document) -> Fault:
    return Fault(
        f"start is {settings.start}, and the stack was begun with {start}",
        document.where(("start",)),
        "start says which slot serves first; from then on traffic moves by promotion alone",
        f"crossfade:start: {start}",
    )
