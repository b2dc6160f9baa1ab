"""What is refused, because it would change a slot that has traffic, and what to write instead. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from infra.config import Document, Fault, Settings
from infra.config.document import Keys
from infra.config.faults import lines_of, paste
from infra.contract import Json, fingerprint

Inputs = Mapping[str, Json]
Slots = Mapping[str, Mapping[str, Inputs]]
"""By slot, by service."""

CONTENT = frozenset({"source", "lock", "dockerfile", "base", "image", "health", "manifests"})
"""Inputs that are what an artefact is made from: a slot with traffic keeps its own, and the other gets the new."""
_CAUSE = "a slot that has traffic is not touched: what is new goes to the other one, and is promoted"


@dataclass(frozen=True, slots=True)
class _Change:
    """One input of one service that would change in a slot that has traffic."""

    slot: str
    service: str
    name: str
    placed: Json
    asked: Json

    def new(self) -> Mapping[str, Json]:
        """Variables that are new, or have a new value."""
        return {name: value for name, value in self.asked.items() if self.placed.get(name) != value}

    def gone(self) -> Mapping[str, Json]:
        """Variables that are no longer there."""
        return {name: value for name, value in self.placed.items() if name not in self.asked}


def permit(asked: Slots, busy: Iterable[str]) -> str:
    """The word that allows these inputs, and no others, in the slots that have traffic.

    It names the change and not just the wish: Pulumi writes what is said on its command line into the stack's settings, and a
    word that allows everything would go on doing so.
    """
    return f"live-{fingerprint({slot: asked.get(slot, {}) for slot in sorted(busy)})[:8]}"


def refusals(placed: Slots, asked: Slots, settings: Settings, document: Document) -> Sequence[Fault]:
    """A fault for each key whose edit would change what is placed in the slots that have traffic."""
    way = f"pulumi up --stack {document.stack} --config crossfade:allow-live={permit(asked, placed)}"
    return [
        replace(fault, hint=f"{fault.hint}\nor, knowing that requests may be lost: {way}")
        for slot, services in placed.items()
        for fault in _in_slot(slot, services, asked.get(slot, {}), settings, document)
    ]


def _in_slot(
    slot: str, placed: Mapping[str, Inputs], asked: Mapping[str, Inputs], settings: Settings, document: Document
) -> Sequence[Fault]:
    if not asked:
        return [_no_slot(slot, placed, document)]
    by_key: dict[Keys, list[_Change]] = {}
    for change in _changes(slot, placed, asked):
        by_key.setdefault(_key(change, settings), []).append(change)
    gone = [_gone(slot, name, placed[name], asked, document) for name in placed if name not in asked]
    return [*gone, *(_changed(keys, changes, document) for keys, changes in by_key.items())]


def moved_start(start: str, settings: Settings, document: Document) -> Fault:
    """Another slot is said to serve first than did."""
    return Fault(
        f"start is {settings.start}, and the stack was begun with {start}",
        document.where(("start",)),
        "start says which slot serves first; from then on traffic moves by promotion alone",
        paste(document, ("start",), start),
    )


def _changes(slot: str, placed: Mapping[str, Inputs], asked: Mapping[str, Inputs]) -> Iterator[_Change]:
    for service in sorted(placed.keys() & asked.keys()):
        one, other = placed[service], asked[service]
        for name in sorted({*one, *other} - CONTENT):
            if one.get(name) != other.get(name):
                yield _Change(slot, service, name, one.get(name), other.get(name))


def _key(change: _Change, settings: Settings) -> Keys:
    """The key whose edit it is."""
    place = settings.slots.get(change.slot)  # type: ignore[call-overload]
    own = None if place is None else place.services.get(change.service)
    in_slot: Keys = ("slots", change.slot)
    if place is None or change.name == "runtime":
        return (*in_slot, "runtime")
    if change.name != "env":
        written = own is not None and change.name == "command" and own.command is not None
        return (*in_slot, "services", change.service, "command") if written else ("services", change.service, change.name)
    name = next(iter({**change.new(), **change.gone()}))
    if own is not None and name in own.env:
        return (*in_slot, "services", change.service, "env", name)
    return (*in_slot, "env", name) if name in place.env else ("services", change.service, "env", name)


def _changed(keys: Keys, changes: Sequence[_Change], document: Document) -> Fault:
    slot, name = changes[0].slot, changes[0].name
    services = ", ".join(sorted(change.service for change in changes))
    what = f"slot {slot} has traffic, and this would change {name} of {services} there"
    return Fault(what, document.where(keys), _CAUSE, _instead(keys, changes))


def _instead(keys: Keys, changes: Sequence[_Change]) -> str:
    """What to write, and where."""
    first = changes[0]
    other = "green" if first.slot == "blue" else "blue"
    if first.name not in {"runtime", "env", "command"}:
        return f"put it back: both slots share it\n{lines_of({first.name: first.placed})}"
    if first.name != "env":
        value = first.asked if first.name == "runtime" or isinstance(first.asked, str) else list(first.asked)
        return _under(other, keys, {change.service: {first.name: value} for change in changes})
    hints = []
    if any(change.new() for change in changes):
        hints.append(_under(other, keys, {change.service: {"env": dict(change.new())} for change in changes}))
    if any(change.gone() for change in changes):
        keep = {change.service: {"env": dict(change.gone())} for change in changes}
        hints.append(f"keep what {first.slot} has, under crossfade:slots.{first.slot}:\n{lines_of({'services': keep})}")
    return "\n".join(hints)


def _under(slot: str, keys: Keys, services: Mapping[str, Mapping[str, Json]]) -> str:
    whole = keys[0] == "slots" and keys[2] != "services"  # it was written for every service of the slot
    lines = lines_of(next(iter(services.values())) if whole else {"services": services})
    return f"put it back, and write under crossfade:slots.{slot}:\n{lines}"


def _gone(slot: str, name: str, placed: Inputs, asked: Mapping[str, Inputs], document: Document) -> Fault:
    alike = [
        each for each, inputs in asked.items() if all(inputs.get(key) == placed.get(key) for key in ("kind", "command", "port"))
    ]
    hint = f"give {alike[0]} its name back: {name}" if alike else f"put {name} back under crossfade:services"
    return Fault(
        f"{name} has traffic on slot {slot}, and the settings have no {name} any more",
        document.where(("services", *alike[:1])),
        f"whoever uses {name} would lose it" + (f"; {alike[0]} looks like {name} by another name" if alike else ""),
        hint,
    )


def _no_slot(slot: str, placed: Mapping[str, Inputs], document: Document) -> Fault:
    runtime = next(iter(placed.values()))["runtime"]
    return Fault(
        f"slot {slot} has traffic, and the settings have no {slot} any more",
        document.where(("slots",)),
        "whoever uses it would be left with nothing",
        f"put it back, under crossfade:slots:\n{lines_of({slot: {'runtime': runtime}})}",
    )
