"""An HTTPRoute of the Gateway API, as far as weights go: which rule is ours, what it says, and what the gateways say of it. Pure.

A route may have rules of others, and our rule may have backends of others: nothing of these is ever changed. Percentages are of
what comes to our backends; what a backend of others in our rule takes is its owner's affair, and is in no number here.

Where browsers are kept on their slot the route has a rule more for each slot, for those that are kept on it: it leads to that
slot alone while there is a way to it, and else where all others go.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field

from infra.contract import Json
from infra.contract.route import TOTAL

RULE = "crossfade"
"""Name of our rule where nobody says another."""
ACCEPTED = ("Accepted",)
"""The condition by which a gateway takes a route on."""
RESOLVED = (*ACCEPTED, "ResolvedRefs")
"""Those by which it also leads somewhere, in all of its rules: others' too."""


class RuleError(ValueError):
    """The route has no place for our weights, or what it has are no percentages; the text says why."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours in a route."""

    rule: str
    backends: Mapping[str, str]
    """Name of the Service by slot."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Name of the rule by slot for browsers that are kept on it; empty: none are."""


@dataclass(frozen=True, slots=True)
class Word:
    """What the gateways say of a route; all of it empty: they serve it."""

    refused: str = ""
    """What they cannot serve of it, and why."""
    awaited: str = ""
    """What they have not said yet."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a gateway says of a route."""

    gateway: str
    name: str
    status: str
    """``True``, ``False`` or ``Unknown``; empty where it does not say."""
    because: str
    generation: int
    """Of the route that it is said of."""

    def word(self, generation: int) -> Word:
        """As of that generation, or a later one."""
        if not self.status or self.generation < generation:
            return Word(awaited=f"gateway {self.gateway} has not said {self.name} of generation {generation}")
        said = f"gateway {self.gateway} says that {self.name} is {self.status}: {self.because}"
        return {"True": Word(), "False": Word(refused=said)}.get(self.status, Word(awaited=said))


@dataclass(frozen=True, slots=True)
class Route:
    """A route that has a place for our weights."""

    ours: Ours
    document: Json
    identity: Mapping[str, str]
    """Of its metadata, what differs after every change, that of its status too, and where it was made anew."""
    generation: int
    """Counts the changes of what is wanted of it."""
    weights: Mapping[str, int]
    """The numbers as they stand, by slot, of whatever sum."""
    kept: Mapping[str, Mapping[str, int]]
    """Those of each slot's rule for browsers that are kept on it; one that is not there, or is no such rule, is missing here."""
    conditions: tuple[Condition, ...]

    def percents(self) -> Mapping[str, int]:
        """Percent by slot, 100 in all: 9 and 1 are 90 and 10.

        Raises:
            RuleError: they are no whole ones, as 1 and 2 are not.
        """
        total = sum(self.weights.values())
        if not total or any(weight * TOTAL % total for weight in self.weights.values()):
            said = ", ".join(f"{self.ours.backends[slot]} {weight}" for slot, weight in self.weights.items())
            raise RuleError(f"rule {self.ours.rule} has weights that are no whole percentages: {said}")
        return {slot: weight * TOTAL // total for slot, weight in self.weights.items()}

    @property
    def missing(self) -> Collection[str]:
        """Rules that should keep browsers, and do not."""
        return [name for slot, name in self.ours.kept.items() if slot not in self.kept]

    def has(self, percents: Mapping[str, int], keep: Collection[str] = ()) -> bool:
        """Whether it says that, in numbers of whatever sum."""
        kept = (_is(weights, _way(slot, percents, keep)) for slot, weights in self.kept.items())
        return _is(self.weights, percents) and all(kept)

    def rules(self, percents: Mapping[str, int], keep: Collection[str] = ()) -> list[Json]:
        """All of its rules, with these numbers in ours; the route itself stays as it is."""
        rules: list[Json] = deepcopy(self.document["spec"]["rules"])
        ways = {self.ours.rule: percents, **{self.ours.kept[slot]: _way(slot, percents, keep) for slot in self.kept}}
        for name, wanted in ways.items():
            for slot, backend in _backends(name, self.ours, rules, _namespace(self.document)).items():
                backend["weight"] = wanted[slot]
        return rules

    def gives_anew(self, percents: Mapping[str, int]) -> bool:
        """Whether a slot would get traffic that has none."""
        return any(percents[slot] and not weight for slot, weight in self.weights.items())

    def word(self, generation: int, names: Collection[str] = RESOLVED) -> Word:
        """What every gateway says that reported of it, as of that generation, or a later one; of these conditions."""
        if not self.conditions:
            return Word(awaited="no gateway says that it knows the route")
        said = [each.word(generation) for each in self.conditions if each.name in names]
        return Word(
            *("; ".join(filter(None, texts)) for texts in zip(*((each.refused, each.awaited) for each in said), strict=True))
        )


def route_in(document: Json, ours: Ours) -> Route:
    """The route that the API server's document is.

    Raises:
        RuleError: our rule or one of its backends is missing, or there twice; or the document is no route.
    """
    try:
        metadata, rules = document["metadata"], document["spec"].get("rules") or []
        weights = _weights(ours.rule, ours, rules, _namespace(document))
        kept = dict(_kept(ours, rules, _namespace(document)))
        identity = {name: str(metadata[name]) for name in ("uid", "resourceVersion")}
        return Route(ours, document, identity, int(metadata["generation"]), weights, kept, tuple(_conditions(document)))
    except RuleError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise RuleError(f"the API server's answer is no HTTPRoute: {error!r}") from error


def _way(slot: str, percents: Mapping[str, int], keep: Collection[str]) -> Mapping[str, int]:
    """Where browsers go that are kept on a slot."""
    reached = percents[slot] or slot in keep
    return {each: TOTAL if each == slot else 0 for each in percents} if reached else percents


def _is(weights: Mapping[str, int], percents: Mapping[str, int]) -> bool:
    total = sum(weights.values())
    return total > 0 and all(weight * TOTAL == percents[slot] * total for slot, weight in weights.items())


def _weights(name: str, ours: Ours, rules: list[Json], namespace: str) -> Mapping[str, int]:
    return {slot: _weight(each) for slot, each in _backends(name, ours, rules, namespace).items()}


def _kept(ours: Ours, rules: list[Json], namespace: str) -> Iterator[tuple[str, Mapping[str, int]]]:
    # Whoever goes back must not be kept from it by a rule that somebody broke.
    for slot, name in ours.kept.items():
        with suppress(RuleError):
            yield slot, _weights(name, ours, rules, namespace)


def _backends(name: str, ours: Ours, rules: list[Json], namespace: str) -> Mapping[str, Json]:
    """Our backends by slot, where they stand in the rule of that name."""
    named = [rule for rule in rules if rule.get("name") == name]
    if len(named) != 1:
        raise RuleError(f"it has {len(named)} rules {name}" if named else f"it has no rule {name}")
    listed = [each for each in named[0].get("backendRefs") or () if _is_service(each, namespace)]
    found = {slot: [each for each in listed if each["name"] == service] for slot, service in ours.backends.items()}
    if wrong := [f"{ours.backends[slot]} {len(those)} times" for slot, those in found.items() if len(those) != 1]:
        raise RuleError(f"its rule {name} has backend {', '.join(wrong)}, not once")
    return {slot: those[0] for slot, those in found.items()}


def _namespace(document: Json) -> str:
    return str(document["metadata"]["namespace"])


def _is_service(backend: Json, namespace: str) -> bool:
    """Whether it is a Service of the route's own namespace."""
    known = (backend.get("group") or "", backend.get("kind") or "Service", backend.get("namespace") or namespace)
    return known == ("", "Service", namespace)


def _weight(backend: Json) -> int:
    weight = backend.get("weight")
    if weight is not None and int(weight) < 0:
        raise RuleError(f"backend {backend['name']} has weight {weight}")
    return 1 if weight is None else int(weight)


def _conditions(document: Json) -> list[Condition]:
    """What is said by those that are its parents still; a gateway that it left says nothing any more."""
    namespace = _namespace(document)
    parents = {_parent(each, namespace) for each in document["spec"].get("parentRefs") or ()}
    reports = (document.get("status") or {}).get("parents") or ()
    return [_condition(each, name) for each in reports if _parent(each["parentRef"], namespace) in parents for name in RESOLVED]


def _parent(reference: Json, namespace: str) -> tuple[str, str, str]:
    # Whether a listener or a port is in it differs between what is wanted and what is reported.
    return (reference.get("kind") or "Gateway", reference.get("namespace") or namespace, reference["name"])


def _condition(report: Json, name: str) -> Condition:
    found: Json = next((each for each in report.get("conditions") or () if each["type"] == name), {})
    gateway, status = str(report["parentRef"]["name"]), str(found.get("status", ""))
    because = f"{found.get('reason')}: {found.get('message')}"
    return Condition(gateway, name, status, because, int(found.get("observedGeneration") or 0))
