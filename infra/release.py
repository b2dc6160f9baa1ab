"""What each slot shall hold; what has traffic is left as it is. Pure.

The inputs of a service in a slot are everything that is needed to place it again, and nothing that depends on the slot: two slots
with the same inputs hold the same release.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.config import Document, FaultsError, Settings
from infra.config.settings import OneOfSlot, Program
from infra.contract import fingerprint
from infra.guard import Inputs, Slots, moved_start, permit, refusals

__all__ = ["Inputs", "Slots", "Standing", "guarded", "inputs_of", "releases", "version_of", "wanted"]


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


Made = Callable[[Settings, Program, str], Inputs]
"""What a program is made from on a runtime, by the word of the place: digests of its source and lock, and what else there is."""


def inputs_of(name: str, settings: Settings, slot: str, made: Made) -> Inputs:
    """The inputs of one service in one slot."""
    service, place = settings.services[name], settings.slots[slot]  # type: ignore[index]
    own = place.services.get(name, OneOfSlot())
    return {
        "kind": service.kind,
        "runtime": place.runtime,
        **made(settings, service, place.runtime),
        "command": list(own.command or service.command),
        "env": {**service.env, **place.env, **own.env},
        # Pulumi keeps no nothing: what is not there must not be in here at all.
        **({} if service.port is None else {"port": service.port}),
    }


def version_of(inputs: Inputs) -> str:
    """The identity that whatever is placed by these inputs must show."""
    return f"{inputs['runtime']}-{fingerprint(inputs)[:12]}"


def releases(slots: Slots) -> Mapping[str, str]:
    """Fingerprint of what each slot holds; a slot that holds nothing is absent."""
    return {slot: fingerprint(services) for slot, services in slots.items() if services}


def wanted(settings: Settings, made: Made) -> Slots:
    """What the settings ask for, slot by slot: what is recorded, where it is, else what is written."""
    recorded = settings.recorded or {}
    return {
        slot: dict(recorded[slot])
        if slot in recorded
        else {name: inputs_of(name, settings, slot, made) for name in settings.services}
        for slot in sorted({*settings.slots, *recorded})
    }


def guarded(asked: Slots, standing: Standing, settings: Settings, document: Document) -> Slots:
    """What is asked for, with every slot that has traffic left as it is.

    Raises:
        FaultsError: something other than content would change in a slot that has traffic.
    """
    standing_in = {slot: standing.placed[slot] for slot in sorted(standing.busy & standing.placed.keys())}
    if settings.allow_live == permit(asked, standing_in):
        return asked
    faults = [*refusals(standing_in, asked, settings, document)]
    if standing.start is not None and standing.start != settings.start:
        faults.append(moved_start(standing.start, settings, document))
    if faults:
        raise FaultsError(faults)
    return {**asked, **{slot: {**asked.get(slot, {}), **placed} for slot, placed in standing_in.items()}}
