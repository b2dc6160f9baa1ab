"""What a stack is, by what the cluster has of it. Pure."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.contract.document import Json
from infra.contract.pods import HELD
from infra.release import Standing
from infra.targets.kubernetes.layout import IMAGE, INPUTS, KEPT, RULE, SERVICE, SLOT, SLOTS, Layout, is_ours

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the cluster had when it was asked: everything in the namespace, others' things too."""

    deployments: Sequence[Document] = ()
    routes: Sequence[Document] = ()
    birth: Document | None = None
    """The ConfigMap of the stack."""
    scalers: Sequence[Document] = ()
    """Looked at where a service is to have one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What a Deployment says of itself."""

    service: str
    slot: str | None
    """None: a companion."""
    inputs: Mapping[str, Json]
    image: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Born:
    """The first thing of the stack, by Pulumi's word: it never changes."""

    namespace: str
    uid: str
    time: str

    @property
    def text(self) -> str:
        """What no other stack has."""
        return f"{self.time}-{self.uid[:8]}"


def astray(born: Born, layout: Layout, found: Document | None) -> str | None:
    """Why the stack is not where the settings say, by what is there of its first thing; None: it is."""
    if born.namespace != layout.namespace:
        hint = "put it back; or, to move, destroy the stack first"
        return f"the stack lives in namespace {born.namespace}, and the settings say {layout.namespace}: {hint}"
    if ((found or {}).get("metadata") or {}).get("uid") == born.uid:
        return None
    where = f"namespace {layout.namespace} of this cluster"
    why = f"the stack lives in another cluster, or its ConfigMap {layout.birth} was removed or made anew by hand"
    return f"{where} is not where the stack was born: {why}. Look at kubernetes.context; or: pulumi up --refresh"


def placed(seen: Seen, stack: str) -> Sequence[Placed]:
    """Every slot of every service of the stack, and its companions; what says nothing that can be read is left out."""
    return [each for document in seen.deployments if (each := _placed(document, stack)) is not None]


def standing(seen: Seen, stack: str) -> Standing:
    """What is placed, and which slots have traffic or a singleton at work."""
    there = placed(seen, stack)
    slots: dict[str, dict[str, Mapping[str, Json]]] = {}
    for each in there:
        if each.slot is not None:
            slots.setdefault(each.slot, {})[each.service] = each.inputs
    routes = [route for route in seen.routes if is_ours(route.get("metadata") or {}, stack)]
    weights = [_weights(route, RULE) for route in routes]
    read = [each for each in weights if each is not None]
    total = {slot: sum(each.get(slot, 0) for each in read) for slot in SLOTS}
    at_work = {each.slot for each in there if each.slot is not None and each.inputs.get("kind") == "singleton" and each.replicas}
    kept = {slot for route in routes for slot in SLOTS if (_weights(route, KEPT[slot]) or {}).get(slot)}
    busy = frozenset({slot for slot in SLOTS if total[slot]} | kept | at_work)
    data = (seen.birth or {}).get("data") or {}
    start = data.get("start") if is_ours((seen.birth or {}).get("metadata") or {}, stack) else None
    return Standing(
        slots,
        # Where a route says nothing that can be believed nobody can say: nothing may be touched.
        busy if len(read) == len(weights) else frozenset(SLOTS),
        start if start in SLOTS else None,
        _serving(total, at_work),
    )


def held(seen: Seen, stack: str) -> frozenset[str]:
    """Names of the autoscalers whose least number a rollout raised: it is lowered by whoever ends that."""
    ours = [each.get("metadata") or {} for each in seen.scalers]
    return frozenset(str(each.get("name")) for each in ours if is_ours(each, stack) and HELD in (each.get("annotations") or {}))


def _serving(total: Mapping[str, int], at_work: Collection[str]) -> str | None:
    """The slot with the most traffic; where there is none, the one that singletons work in."""
    if any(total.values()):
        return max(total, key=lambda slot: total[slot])
    return next(iter(at_work)) if len(at_work) == 1 else None


def _placed(document: Document, stack: str) -> Placed | None:
    metadata = document.get("metadata") or {}
    if not is_ours(metadata, stack):
        return None
    labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
    try:
        inputs = json.loads(notes[INPUTS])
        service, slot = labels[SERVICE], labels.get(SLOT)
        replicas = int((document.get("spec") or {}).get("replicas") or 0)
    except (LookupError, ValueError, TypeError):
        return None
    if not isinstance(inputs, dict) or slot not in {*SLOTS, None}:
        return None
    return Placed(service, slot, inputs, str(notes.get(IMAGE) or ""), replicas)


def _weights(route: Document, named: str) -> Mapping[str, int] | None:
    """The weight of each slot in the rule of that name, as it is written; None: there is none that can be read."""
    try:
        (rule,) = [each for each in route["spec"]["rules"] if each.get("name") == named]
        name = route["metadata"]["name"]
        # A weight that is left out is 1.
        found = {each["name"]: int(each.get("weight", 1)) for each in rule["backendRefs"]}
    except (LookupError, ValueError, TypeError, AttributeError):
        return None
    wanted = _by_slot(name, found)
    return wanted if len(wanted) == len(SLOTS) else None


def _by_slot(service: str, found: Mapping[str, int]) -> Mapping[str, int]:
    slots: Iterable[tuple[str, str]] = ((slot, f"{service}-{slot}") for slot in SLOTS)
    return {slot: found[name] for slot, name in slots if name in found}
