"""The pods of one slot and their Deployment, by the word of the API server: all there, ready, and as they were declared.

Nothing is asked of the application: its kubelet does that, by the probes of the pod. What is wrong is said as soon as the API
server knows it, in the words of whoever found it: the scheduler, the kubelet, the registry, the container's own log.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra.contract import Json, Placement
from smoke.cluster import DEPLOYMENT, EVENT, POD, SERVICE_LABEL, STACK_LABEL, Cluster, Reach
from smoke.model import Answer
from smoke.probes.clustered import telling
from smoke.probes.deployed import Deployed
from smoke.probes.podstates import Log, Pod, Trouble, last_words, warning
from smoke.probes.settings import Setting, settings, text_or_none
from smoke.probes.sight import Question, Sight, failed
from smoke.redaction import redacted
from smoke.refusal import Refused, Unreached
from smoke.seams import Probe
from smoke.settings import is_flag, is_text

_CALLS = 3
"""Requests of one look, at most: they share its time."""
_LINES = 20
"""Of a log that are read."""
_TEXT = Setting("a text", is_text)


def pods(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    standby = Setting("true or false", is_flag, default=False)
    own = {"context": text_or_none(), "namespace": _TEXT, "stack": _TEXT, "standby": standby}
    known = settings("pods", given, own)
    cluster = Cluster(Reach(known["context"], known["namespace"]), known["timeout"] / _CALLS)
    return Question("pods", Pods(cluster, known["namespace"], known["stack"], standby=known["standby"]).look)


@dataclass(slots=True)
class Memory:
    """What was seen of one slot so far."""

    restarts: dict[str, int] = field(default_factory=dict)
    """By pod that is there."""
    restarted: int = 0
    """Of all that were."""
    lacks: float | None = None
    """Since when pods are missing, in monotonic seconds; None: none is."""
    starts: bool = False
    """It had been scaled to 0, and was not whole since."""
    told: tuple[Json, str] = (None, "")
    """The log that was last read, and what it said."""

    def note(self, pods: Sequence[Pod]) -> None:
        """Count restarts. A pod that is gone takes none with it, and one that comes in its place brings none."""
        for pod in pods:
            self.restarted += max(0, pod.restarts - self.restarts.get(pod.uid, 0))
        self.restarts = {pod.uid: pod.restarts for pod in pods}

    def lacking(self) -> float:
        """Seconds for which pods have been missing."""
        now = time.monotonic()
        self.lacks = now if self.lacks is None else self.lacks
        return now - self.lacks


@dataclass(frozen=True, slots=True)
class Scene:
    """What one look has of a service."""

    placement: Placement
    deployed: Deployed
    pods: Sequence[Pod]
    """Of the slot."""
    working: str | None
    """Another slot that is at work, or may still be."""

    @property
    def answering(self) -> list[str | None]:
        """Versions of the pods that take traffic."""
        return [pod.version for pod in self.pods if pod.ready]

    @property
    def ours(self) -> list[Pod]:
        """The pods that are what was asked for."""
        return [pod for pod in self.pods if pod.version == self.placement.version]


class Pods:
    """Looks at the pods of a stack's slots.

    ``standby``: it is a singleton, whose slot is scaled to 0 unless it is at work. It is then well as long as another slot works:
    before the hand-over there is nothing to be proven. That returns only when its pod is ready, and goes back when it fails.
    """

    def __init__(self, cluster: Cluster, namespace: str, stack: str, *, standby: bool) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._stack = stack
        self._standby = standby
        self._memories: dict[tuple[str, str], Memory] = {}

    def look(self, placement: Placement) -> Sight:
        """Look once."""
        scene = self._scene(placement)
        memory = self._memories.setdefault((placement.service, placement.slot), Memory())
        memory.note(scene.ours)
        sight = self._sight(scene, memory)
        return replace(
            sight,
            # A container that was started again is another process of the release. A pod that somebody deleted, or a node lost,
            # and that another came for, is not: nothing crashed. Who takes over from a dead driver begins with what the pods
            # that are there now say, and so tells a restart that there was none where such a pod had restarts before.
            instance=f"restarts {memory.restarted}",
            numbers={"ready": scene.deployed.ready, "wanted": scene.deployed.wanted, "restarts": memory.restarted},
        )

    # What there is

    def _scene(self, placement: Placement) -> Scene:
        labels = {STACK_LABEL: self._stack, SERVICE_LABEL: placement.service}
        with telling("deployments or pods"):
            # All slots: who is to take over is well only while another works.
            deployments = [Deployed.of(each) for each in self._cluster.list(DEPLOYMENT, labels)]
            pods = [Pod.of(each) for each in self._cluster.list(POD, labels)]
        return self._of_slot(placement, deployments, pods)

    def _of_slot(self, placement: Placement, deployments: Sequence[Deployed], pods: Sequence[Pod]) -> Scene:
        own = [each for each in deployments if each.slot == placement.slot]
        if len(own) != 1:
            many = f": {', '.join(each.name for each in own)}" if own else ""
            where = f"{STACK_LABEL}={self._stack}, {SERVICE_LABEL}={placement.service} and slot {placement.slot}"
            raise failed(f"namespace {self._namespace} has {len(own) or 'no'} Deployments with {where}{many}: pulumi up")
        others = [each.slot for each in deployments if each.slot != placement.slot and each.wanted > 0]
        others += [each.slot for each in pods if each.slot != placement.slot and not each.ended]
        return Scene(placement, own[0], [each for each in pods if each.slot == placement.slot], others[0] if others else None)

    # What it means

    def _sight(self, scene: Scene, memory: Memory) -> Sight:
        deployed = scene.deployed
        if deployed.version != scene.placement.version:
            return _another(scene)
        if deployed.image is not None:  # its label is still that of the release
            raise failed(f"{deployed.name} was placed with another image than {deployed.image}", impostor=bool(scene.answering))
        if deployed.wanted == 0:
            memory.starts, memory.lacks = True, None
            return self._nothing(scene)
        if deployed.whole:
            memory.starts, memory.lacks = False, None
            return _whole(scene)
        trouble, pod = _trouble(scene)
        words = f"{deployed.ready} of {deployed.wanted} pods are ready: {pod.name if pod else deployed.name}: {trouble.words}"
        if not trouble.wrong and self._comes(scene, memory):
            return Sight(Answer.OK, words, deployed.version)
        return Sight(Answer.FAILED, words + self._more(pod, trouble, memory), deployed.version if scene.ours else None)

    def _nothing(self, scene: Scene) -> Sight:
        deployed = scene.deployed
        if not self._standby:
            return Sight(Answer.FAILED, f"it is scaled to 0: kubectl scale deployment {deployed.name} --replicas=...")
        if scene.working is None:
            return Sight(Answer.FAILED, f"nobody is at work: {deployed.name} is scaled to 0, and no other slot works")
        return Sight(Answer.OK, f"scaled to 0: it starts at the hand-over; {scene.working} is at work", deployed.version)

    def _comes(self, scene: Scene, memory: Memory) -> bool:
        """Whether what is missing is on its way, and what is there serves: an autoscaler asked for more, or a node is emptied.

        What was declared has been whole before. Of a singleton that begins to work, nothing else is there meanwhile.
        """
        deployed, begins = scene.deployed, self._standby and memory.starts
        lacking = memory.lacking()
        known = deployed.came and not deployed.rolling and (deployed.seen or begins)
        return known and (deployed.ready > 0 or begins) and lacking <= deployed.deadline

    # What else is known of it

    def _more(self, pod: Pod | None, trouble: Trouble, memory: Memory) -> str:
        """What the log or the events of a pod say."""
        if pod is None or trouble.told:
            return ""
        if trouble.log is None:
            return self._warned(pod)
        try:
            return self._said(pod, trouble.log, memory)
        except (Unreached, Refused) as error:
            return f"; its log cannot be read: {error}"

    def _said(self, pod: Pod, log: Log, memory: Memory) -> str:
        """The end of a log, which is read once for each time that a container ended."""
        asked = (pod.uid, pod.restarts, log)
        if memory.told[0] != asked:
            words = last_words(redacted(self._cluster.log(pod.name, log.container, lines=_LINES, previous=log.previous)))
            memory.told = (asked, f"; it said: {words}" if words else "; it said nothing")
        return memory.told[1]

    def _warned(self, pod: Pod) -> str:
        try:
            words = warning(self._cluster.list(EVENT, fields={"involvedObject.uid": pod.uid}))
        except (Unreached, Refused, AttributeError):  # what is known without them is enough
            return ""
        return f"; {words}" if words else ""


def _another(scene: Scene) -> Sight:
    """Somebody declared the slot otherwise; if such a pod takes traffic already, it is an impostor."""
    deployed, wanted = scene.deployed, scene.placement.version
    detail = f"{deployed.name} holds {deployed.version or 'no version'}, {wanted} was asked"
    other = next((each for each in scene.answering if each and each != wanted), None)
    if other is None:
        raise failed(detail)
    raise failed(detail, other, impostor=True)


def _whole(scene: Scene) -> Sight:
    """All is there; but whoever has the labels takes traffic too."""
    deployed, wanted = scene.deployed, scene.placement.version
    strays = [pod for pod in scene.pods if pod.ready and pod.version != wanted]
    if strays:
        other = next((pod.version for pod in strays if pod.version), None)
        what = f"pod {strays[0].name} has the labels of the slot, and its own version"
        return Sight(Answer.FAILED, what, other, other is not None)
    restarts = sum(pod.restarts for pod in scene.ours)
    more = f", with {restarts} restarts so far" if restarts else ""
    return Sight(Answer.OK, f"{deployed.ready} of {deployed.wanted} pods are ready{more}", deployed.version)


def _trouble(scene: Scene) -> tuple[Trouble, Pod | None]:
    """Why the slot is not whole: what is to be mended before what may come by itself; and the pod that it is about."""
    late = scene.deployed.trouble
    there = [(pod.trouble, pod) for pod in scene.ours if pod.counts and pod.trouble is not None]
    wrong = [each for each in there if each[0].wrong]
    if wrong:
        return wrong[0]
    if late is not None and (late.told or not there):
        return late, None
    if late is not None:
        trouble, pod = there[0]
        return replace(trouble, words=f"{trouble.words}; {late.words}", wrong=True), pod
    return there[0] if there else _missing(scene)


def _missing(scene: Scene) -> tuple[Trouble, Pod | None]:
    """Why the slot is not whole, though nothing is known of the pods that count."""
    deployed = scene.deployed
    gone = [(pod.trouble, pod) for pod in scene.ours if pod.trouble is not None]
    if not deployed.seen:
        return Trouble("its controller has not seen what is declared now", wrong=False), None
    if deployed.rolling:
        return Trouble(f"{deployed.pods - deployed.updated} pods of what was there before are still to go", wrong=False), None
    return gone[-1] if gone else (Trouble("its pods are being made", wrong=False), None)
