"""The version that the pods of a slot show in their answers, which need not be what their labels say.

Each pod is asked once, past the gateway, for the path of its readiness, as long as it is the same run of it. The cluster's API
hands that on: whoever drives is not in the cluster, and has no other way to a single pod.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from infra.contract import VERSION_HEADER, Json, Placement
from smoke.cluster import POD, SERVICE_LABEL, SLOT_LABEL, STACK_LABEL, Cluster, Reach
from smoke.model import Answer
from smoke.probes.clustered import telling
from smoke.probes.podstates import Pod
from smoke.probes.settings import Setting, settings, text_or_none
from smoke.probes.sight import Question, Sight, failed, untold
from smoke.refusal import Refused, Unreached
from smoke.seams import Probe
from smoke.settings import is_text

_TEXT = Setting("a text", is_text)
_AT_ONCE = 3
"""Pods that may share the time of one look; those that are left are asked by the next."""


def shown(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    known = settings("shown", given, {"context": text_or_none(), "namespace": _TEXT, "stack": _TEXT})
    cluster = Cluster(Reach(known["context"], known["namespace"]), known["timeout"] / (_AT_ONCE + 1))
    return Question("version shown", Shown(cluster, known["stack"], known["timeout"] / 2).look)


@dataclass(frozen=True, slots=True)
class Asked:
    """One run of a pod, and what its kubelet asks."""

    pod: Pod
    path: str | None
    """None: it is not asked by HTTP."""
    port: int

    @classmethod
    def of(cls, document: Json) -> Self:
        """Read it.

        Raises:
            LookupError, TypeError, ValueError, AttributeError: it is no pod.
        """
        for each in document["spec"].get("containers") or ():
            asked = (each.get("readinessProbe") or {}).get("httpGet")
            if asked:
                named = {one.get("name"): one["containerPort"] for one in each.get("ports") or ()}
                return cls(Pod.of(document), str(asked.get("path", "/")), int(named.get(asked["port"], asked["port"])))
        return cls(Pod.of(document), None, 0)

    @property
    def run(self) -> tuple[str, int]:
        """What differs once it was started again."""
        return self.pod.uid, self.pod.restarts


class Shown:
    """Remembers what each pod showed."""

    def __init__(self, cluster: Cluster, stack: str, seconds: float) -> None:
        """``seconds`` are for asking, in one look."""
        self._cluster = cluster
        self._stack = stack
        self._seconds = seconds
        self._shown: dict[tuple[str, int], str | None] = {}

    def look(self, placement: Placement) -> Sight:
        """Look once."""
        pods = self._ready(placement)
        if not pods:
            raise failed(f"no pod of {placement.version} is ready")
        self._ask(pods)
        known = [(each, self._shown[each.run]) for each in pods if each.run in self._shown]
        for each, version in known:
            if version not in {None, placement.version}:
                return Sight(Answer.FAILED, f"so says pod {each.pod.name}", version)
        if len(known) < len(pods):
            raise untold(f"{len(known)} of {len(pods)} pods were asked so far")
        silent = sum(version is None for _, version in known)
        more = f"; {silent} show none, and are believed by their labels" if silent else ""
        return Sight(Answer.OK, f"{len(pods)} pods were asked{more}", placement.version)

    def _ready(self, placement: Placement) -> Sequence[Asked]:
        """The pods that take requests as that version. Of those that have another one's label the probe ``pods`` speaks."""
        labels = {STACK_LABEL: self._stack, SERVICE_LABEL: placement.service, SLOT_LABEL: placement.slot}
        with telling("pods"):
            every = [Asked.of(each) for each in self._cluster.list(POD, labels)]
        return [each for each in every if each.pod.ready and each.pod.version == placement.version]

    def _ask(self, pods: Sequence[Asked]) -> None:
        deadline = time.monotonic() + self._seconds
        for each in pods:
            if each.run not in self._shown and time.monotonic() < deadline:
                self._hear(each)

    def _hear(self, each: Asked) -> None:
        if each.path is None:
            self._shown[each.run] = None
            return
        pod = f"pod {each.pod.name}"
        try:
            self._shown[each.run] = self._cluster.header(each.pod.name, each.port, each.path, VERSION_HEADER)
        except (Unreached, Refused) as error:
            status = error.status if isinstance(error, Refused) else None
            if status == HTTPStatus.NOT_FOUND:  # it is gone since
                return
            how = "get pods/proxy, deploy/rbac.yaml" if status == HTTPStatus.FORBIDDEN else "see `kubernetes.identity`"
            raise untold(f"{pod} cannot be asked by way of the cluster's API ({how}): {error}") from error
