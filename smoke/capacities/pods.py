"""The pods of a service in a cluster: as many as the next share asks for, and never fewer on the live slot than it has.

Where an autoscaler sets their number it would give the candidate its pods only once the requests are there, and take the live
slot's away as they leave: too late for those who come, and for all of them when they come back. So its least number is raised
while a rollout goes on, on both sides, and what it was is written beside it, for whoever ends the rollout. Pulumi leaves a number
alone that has that note. Where there is no autoscaler nothing is changed: who sets the number of pods is asked for more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Self

from infra.contract import Json
from infra.contract.pods import HELD
from smoke.cluster import DEPLOYMENT, SCALER, SERVICE_LABEL, SLOT_LABEL, STACK_LABEL, Cluster, Reach
from smoke.errors import CapacityError
from smoke.refusal import Refused, Unreached
from smoke.seams import Clock
from smoke.settings import check, is_flag, is_text

_ANSWER = 2.0
"""Seconds that the API server has for one answer: whoever drives has traffic to look after."""
_EVERY = 1.0
"""Seconds for which an answer holds."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """An autoscaler of one slot."""

    name: str
    least: int
    most: int
    usual: int | None
    """The least number that it had before a rollout raised it; None: none has."""
    edition: str
    """As it was read: whoever changes it gives it another."""

    @classmethod
    def of(cls, document: Json) -> Self:
        """Read it."""
        metadata, spec = document["metadata"], document["spec"]
        usual = (metadata.get("annotations") or {}).get(HELD)
        return cls(
            name=str(metadata["name"]),
            least=int(spec.get("minReplicas", 1)),
            most=int(spec["maxReplicas"]),
            usual=None if usual is None else int(usual),
            edition=str(metadata["resourceVersion"]),
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One slot."""

    name: str
    """Of its Deployment."""
    wanted: int
    ready: int
    scaler: Scaler | None

    @property
    def held(self) -> int:
        """Pods that it is to have, and that nobody takes away."""
        return self.wanted if self.scaler is None else max(self.wanted, self.scaler.least)


class PodCapacity:
    """Holds and raises the number of pods of one service's slots."""

    def __init__(self, settings: Mapping[str, Json], clock: Clock) -> None:
        hint = (
            "it has: namespace, stack, service (texts), autoscale (true where autoscalers set the number of pods); "
            "where it is not the current one, context (of the kubeconfig)"
        )
        needed = {"namespace": is_text, "stack": is_text, "service": is_text}
        check("capacity pods", settings, needed, {"context": is_text, "autoscale": is_flag}, hint)
        self._scaled = settings.get("autoscale", False)
        self._service = settings["service"]
        self._labels = {STACK_LABEL: settings["stack"], SERVICE_LABEL: settings["service"]}
        self._cluster = Cluster(Reach(settings.get("context"), settings["namespace"]), _ANSWER)
        self._clock = clock
        self._told: tuple[tuple[str, str, int], float, str | None] | None = None

    def hold(self, live: str, candidate: str, share: int) -> str | None:
        """Keep what the live slot has, and ask for what the candidate needs."""
        asked, now = (live, candidate, share), self._clock.now()
        if self._told is None or self._told[0] != asked or now - self._told[1] >= _EVERY:
            self._told = asked, now, self._held(*asked)
        return self._told[2]

    def free(self) -> None:
        """Give every autoscaler its own least number back."""
        self._told = None
        for side in self._sides().values():
            if side.scaler is not None and side.scaler.usual is not None:
                self._set(side.scaler, side.scaler.usual, None)

    def _held(self, live: str, candidate: str, share: int) -> str | None:
        sides = self._sides()
        if lacking := sorted({live, candidate} - sides.keys()):
            return f"{' and '.join(lacking)} has no Deployment: pulumi up"
        whole, other = sides[live].held, sides[candidate]
        self._raise(sides[live], whole)
        needed = max(1, ceil(whole * share / 100))
        if other.scaler is not None and other.scaler.most < needed:
            return f"{share} % ask for {needed} pods, and {other.name} may have {other.scaler.most}: autoscale.max"
        self._raise(other, needed)
        if other.scaler is None and other.wanted < needed:
            more = f"kubectl scale deployment {other.name} --replicas={needed}"
            return f"{share} % ask for {needed} pods, and {other.name} is to have {other.wanted}: {more}"
        return None if other.ready >= needed else f"{other.ready} of {needed} pods that {share} % ask for are ready"

    def _raise(self, side: Side, least: int) -> None:
        """Nothing is lowered here: what was needed once may be needed again."""
        scaler = side.scaler
        if scaler is not None and scaler.least < least:
            self._set(scaler, least, str(scaler.least if scaler.usual is None else scaler.usual))

    def _set(self, scaler: Scaler, least: int, usual: str | None) -> None:
        metadata = {"resourceVersion": scaler.edition, "annotations": {HELD: usual}}
        try:
            self._cluster.patch(SCALER, scaler.name, {"metadata": metadata, "spec": {"minReplicas": least}}, bare=True)
        except (Refused, Unreached) as error:
            raise self._error(f"the autoscaler {scaler.name} is not set to {least} pods at least", error) from error

    def _sides(self) -> Mapping[str, Side]:
        try:
            deployments = self._cluster.list(DEPLOYMENT, self._labels)
            scalers = {str(each["metadata"]["labels"][SLOT_LABEL]): Scaler.of(each) for each in self._scalers()}
            return {slot: _side(each, scalers.get(slot)) for each in deployments if (slot := _slot(each))}
        except (Refused, Unreached) as error:
            raise self._error("its pods cannot be counted", error) from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._error("its pods cannot be counted", f"what the API server answers is none: {error!r}") from error

    def _scalers(self) -> list[Json]:
        return self._cluster.list(SCALER, self._labels) if self._scaled else []

    def _error(self, what: str, cause: object) -> CapacityError:
        return CapacityError(f"{self._service}: {what}", where=f"namespace {self._cluster.reach.namespace}", cause=str(cause))


def _slot(document: Json) -> str:
    return str((document["metadata"].get("labels") or {}).get(SLOT_LABEL, ""))


def _side(document: Json, scaler: Scaler | None) -> Side:
    spec, status = document["spec"], document.get("status") or {}
    return Side(str(document["metadata"]["name"]), int(spec.get("replicas", 1)), int(status.get("readyReplicas", 0)), scaler)
