"""The Pulumi program: reads the settings, guards what has traffic, declares the rest, and says what it declared."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from infra.config import Document, Fault, FaultsError, Settings, from_values
from infra.config.document import PREFIX
from infra.config.plan import plan_document
from infra.config.rules import in_order
from infra.contract import Contract
from infra.release import Slots, Standing, guarded, releases, wanted
from infra.targets import Site, settled
from infra.targets.target import Target

_TEXTS = frozenset({"target", "start", "allow-live"})
"""Settings that are a text; every other is JSON, as Pulumi hands it over."""
_PASSING = frozenset({"recorded", "allow-live"})
"""Settings of one run, which are no part of what is deployed."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a stack shall be, decided before anything is declared."""

    stack: str
    settings: Settings
    document: Document
    place: Target
    standing: Standing
    asked: Slots
    slots: Slots
    """What is asked for, with what has traffic left as it is."""


def main() -> None:
    """Declare the stack.

    Raises:
        pulumi.RunError: the settings are broken, or would change what has traffic; nothing was declared.
    """
    stack, project = pulumi.get_stack(), Path(pulumi.get_root_directory())
    document = from_values(_values(), str(project / f"Pulumi.{stack}.yaml"))
    try:
        refuse_secrets(document, {name for name in document.values if pulumi.runtime.config.is_config_secret(PREFIX + name)})
        declared = decide(stack, project, document)
    except FaultsError as error:
        raise pulumi.RunError(f"the settings of {stack} were refused\n\n{error}") from error
    for sentence in kept(declared.asked, declared.slots):
        pulumi.log.info(sentence)
    serving = declared.standing.serving or declared.settings.start
    born = declared.place.declare(declared.settings, declared.slots, serving)
    pulumi.export("crossfade", born.apply(lambda when: contract(declared, when).to_json()))


def decide(stack: str, project: Path, document: Document) -> Declared:
    """What the stack shall be. Looks at the place, and changes nothing.

    Raises:
        FaultsError: the settings are broken, or would change what has traffic.
    """
    settings, place = settled(document, Site(stack, project))
    standing = place.standing()
    if standing.start is None and settings.start not in settings.slots:
        hint = f"start: {next(iter(settings.slots))}"
        cause = f"the slots are {', '.join(settings.slots)}"
        what = f"start is {settings.start}, and there is no such slot to begin with"
        raise FaultsError([Fault(what, document.where(("start",)), cause, hint)])
    try:
        asked = wanted(settings, place.made)
    except OSError as error:
        hint = "make it readable, or take it out of the source"
        fault = Fault("a source cannot be read", document.where(("services",)), str(error), hint)
        raise FaultsError([fault]) from error
    return Declared(stack, settings, document, place, standing, asked, guarded(asked, standing, settings, document))


def refuse_secrets(document: Document, secret: Iterable[str]) -> None:
    """Refuse settings that were given as secrets: by now they are plain text, and would go into the state as such.

    Raises:
        FaultsError: there are some.
    """
    cause = "a secret would lie open in the state, and in what the processes are started with"
    hint = "put it into a file, and give its path: TOKEN_FILE: /path/of/a/file"
    faults = [Fault(f"{name} holds a secret", document.where((name,)), cause, hint) for name in sorted(secret)]
    if faults:
        raise FaultsError(faults)


def contract(declared: Declared, born: str) -> Contract:
    """What the stack says of itself."""
    settings, place = declared.settings, declared.place
    services = []
    for name in in_order(settings.services):
        held = {slot: each[name] for slot, each in declared.slots.items() if name in each}
        placements = {slot: place.place(settings, name, slot, inputs) for slot, inputs in held.items()}
        services.append(place.route(name, settings, placements))
    driving = place.driving(settings)
    return Contract(
        stack=declared.stack,
        target=settings.target,
        start=declared.standing.start or settings.start,
        born=born,
        services=tuple(services),
        plan=plan_document(settings),
        config={key: value for key, value in declared.document.values.items() if key not in _PASSING},
        releases=releases(declared.slots),
        journal=driving.journal,
        driver=driving.driver,
    )


def kept(asked: Slots, slots: Slots) -> list[str]:
    """One sentence for each slot whose new content waits, because it has traffic."""
    return [
        f"{slot} has traffic and stays as it is; the new content of {', '.join(names)} goes to the other slot"
        for slot, services in slots.items()
        if (names := [name for name, inputs in services.items() if name in asked.get(slot, {}) and asked[slot][name] != inputs])
    ]


def _values() -> Mapping[str, Any]:
    """Our part of the stack's configuration, as the engine hands it over: also what was said on the command line."""
    found: dict[str, Any] = {}
    for key, text in pulumi.runtime.config.CONFIG.get().items():
        if key.startswith(PREFIX):
            name = key.removeprefix(PREFIX)
            found[name] = text if name in _TEXTS else _parsed(text)
    return found


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever was written
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
