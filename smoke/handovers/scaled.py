"""What the API server says of a singleton's slots: who is at work, and who may still be. Pure.

A pod that was deleted is at work until it is gone: its process has been told to end, and has as long as it needs. So is one whose
node does not answer: nobody knows what became of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from infra.contract import Json
from smoke.cluster import SLOT_LABEL, VERSION_LABEL
from smoke.foreign import shortened

_ENDED = frozenset({"Failed", "Succeeded"})
_LATE = timedelta(seconds=10)
"""Time by which clocks may differ, and a kubelet may take to say that a pod is gone."""


@dataclass(frozen=True, slots=True)
class Body:
    """A pod that has not ended."""

    name: str
    slot: str
    node: str | None
    deleted: str | None
    """By when it is to be gone, in the API server's words; None: nobody deleted it."""
    version: str | None
    ready: bool
    started: bool
    """Its program has begun, by the word of its kubelet."""
    why: str
    """What it says of itself, where it is not ready."""

    @classmethod
    def of(cls, document: Json) -> Self | None:
        """Read it; None for a pod that has ended."""
        metadata, status = document["metadata"], document.get("status") or {}
        if status.get("phase") in _ENDED:
            return None
        labels, conditions = metadata.get("labels") or {}, status.get("conditions") or ()
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return cls(
            name=str(metadata["name"]),
            slot=str(labels.get(SLOT_LABEL, "")),
            node=document["spec"].get("nodeName"),
            deleted=metadata.get("deletionTimestamp"),
            version=labels.get(VERSION_LABEL),
            ready=ready and not metadata.get("deletionTimestamp"),
            started=any(each.get("started") for each in status.get("containerStatuses") or ()),
            why=_why(status),
        )

    def overdue(self, wall: float) -> bool:
        """Whether it should have been gone for a while by that time, in seconds since 1970: its node does not answer."""
        if self.deleted is None:
            return False
        return datetime.fromisoformat(self.deleted) + _LATE < datetime.fromtimestamp(wall).astimezone()


@dataclass(frozen=True, slots=True)
class Scaled:
    """One slot of a singleton."""

    slot: str
    name: str
    """Of its Deployment."""
    there: bool
    replicas: int
    """What is declared."""
    edition: str
    """Of the Deployment as it was read: whoever changes it gives it another."""
    version: str | None
    """What its pods are placed as."""
    settled: bool
    """Its controllers know that there is to be no pod, and make none any more."""
    bodies: tuple[Body, ...]

    @property
    def may_work(self) -> bool:
        """Whether a process of it may be at work, or come to be by itself."""
        return self.replicas > 0 or not self.settled or bool(self.bodies)

    def wanting(self) -> str | None:
        """What speaks against it that its one pod works; None: nothing."""
        if len(self.bodies) > 1:
            return f"it has {len(self.bodies)} pods: {', '.join(each.name for each in self.bodies)}"
        for each in self.bodies:
            if each.version != self.version:
                return f"pod {each.name} is of version {each.version or 'none'}, not {self.version or 'none'}"
            return None if each.ready else f"pod {each.name} is not ready{each.why}"
        return "it has no pod yet"


def scaled(
    names: Mapping[str, str], deployments: Collection[Json], sets: Collection[Json], pods: Collection[Json]
) -> Mapping[str, Scaled]:
    """By slot: how it stands. They must have been read in this order: what is settled in the first stays so in the others.

    Args:
        names: of the Deployments, by slot.
        deployments: of the service.
        sets: the replica sets of all of them.
        pods: of all of them.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: they are none.
    """
    by_name = {str(each["metadata"]["name"]): each for each in deployments}
    bodies = [each for each in map(Body.of, pods) if each is not None]
    found = {}
    for slot, name in names.items():
        own = [each for each in sets if (each["metadata"].get("labels") or {}).get(SLOT_LABEL) == slot]
        found[slot] = _slot(slot, name, by_name.get(name), own, tuple(each for each in bodies if each.slot == slot))
    return found


def _slot(slot: str, name: str, document: Json | None, sets: Collection[Json], bodies: tuple[Body, ...]) -> Scaled:
    # A replica set that is to have pods, or has not seen that it is to have none, may be about to make one.
    settled = all(_seen(each) and not each["spec"].get("replicas", 1) and not _count(each) for each in sets)
    if document is None:
        return Scaled(slot, name, there=False, replicas=0, edition="", version=None, settled=settled, bodies=bodies)
    return Scaled(
        slot,
        name,
        there=True,
        replicas=int(document["spec"].get("replicas", 1)),
        edition=str(document["metadata"]["resourceVersion"]),
        version=(document["spec"]["template"]["metadata"].get("labels") or {}).get(VERSION_LABEL),
        settled=settled and _seen(document),
        bodies=bodies,
    )


def _seen(document: Json) -> bool:
    """Whether its controller has acted on what is declared now."""
    status = document.get("status") or {}
    return int(status.get("observedGeneration", 0)) >= int(document["metadata"].get("generation", 0))


def _count(document: Json) -> int:
    return int((document.get("status") or {}).get("replicas", 0))


def _why(status: Mapping[str, Json]) -> str:
    """Why a pod is not ready, as far as one phrase says it."""
    waiting = [(each.get("state") or {}).get("waiting") for each in status.get("containerStatuses") or ()]
    named = {each["type"]: each for each in status.get("conditions") or () if each["status"] != "True"}
    found = [*filter(None, waiting), *(named[kind] for kind in ("PodScheduled", "Ready") if kind in named)]
    if not found:
        return ""
    said = shortened(str(found[0].get("message", "")))
    return f": {found[0].get('reason')}" + (f": {said}" if said else "")
