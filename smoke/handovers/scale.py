"""A singleton in a cluster: the Deployment of the slot that works has one replica, that of the other has none.

Two drivers may race, and each may die at any moment. What keeps two slots from working at once: before a slot is scaled up, the
other's Deployment is written too, as it was read and with a word of its own; and each write holds only for what was read. Of two
that have read the same, the first to write makes the other's writes fail, whichever slot that wanted, and it looks again.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from infra.contract import Json
from smoke.cluster import DEPLOYMENT, POD, REPLICA_SET, SERVICE_LABEL, STACK_LABEL, Cluster, Reach
from smoke.errors import HandoverError
from smoke.handovers.scaled import Body, Scaled, scaled
from smoke.refusal import Refused, Unreached
from smoke.seams import Clock
from smoke.settings import check, is_seconds, is_text

_PAUSE = 0.2
"""Seconds between two looks at what is waited for."""
_LONGEST_CALL = 10.0
"""Seconds for one answer of the API server, at most."""
_WORD = "crossfade/handover"
"""Annotation that has another value after each claim: a write that changes nothing would not be one."""
_YIELDING = ("pulumi-kubernetes", "kubectl")
"""Field managers that give way: Pulumi made the Deployment, and a person who scaled it by hand is not to block the way back."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one singleton."""

    reach: Reach
    stack: str
    service: str
    deployments: Mapping[str, str]
    """Name by slot; there are no other slots."""
    timeout: float
    """Seconds that a slot has to begin its work, or to end it."""
    patience: float
    """Seconds of them for one whose program has started, until it is ready."""

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        needed = {"namespace": is_text, "stack": is_text, "service": is_text, "deployments": _is_by_slot, "timeout": is_seconds}
        hint = (
            "it has: namespace, stack, service (texts), deployments (a name by slot), timeout (seconds above 0); "
            "where it is not the current one, context (of the kubeconfig); patience (seconds above 0)"
        )
        check("hand-over scale", settings, needed, {"context": is_text, "patience": is_seconds}, hint)
        reach = Reach(settings.get("context"), settings["namespace"])
        limit = settings["timeout"]
        return cls(
            reach,
            settings["stack"],
            settings["service"],
            settings["deployments"],
            limit,
            min(settings.get("patience", limit), limit),
        )


def _is_by_slot(value: Json) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(is_text(each) for pair in value.items() for each in pair)


class ScaleHandover:
    """Hands one singleton over. Killed at any moment, it leaves Deployments that the next call goes on from."""

    def __init__(self, settings: Mapping[str, Json], clock: Clock) -> None:
        self._settings = Settings.of(settings)
        self._cluster = Cluster(self._settings.reach, min(self._settings.timeout, _LONGEST_CALL))
        self._labels = {STACK_LABEL: self._settings.stack, SERVICE_LABEL: self._settings.service}
        self._clock = clock

    def hold(self, slot: str) -> None:
        """Scale ``slot`` to 1, once no pod of the other is left; returns when its one pod is ready, as what it was placed as.

        Raises:
            HandoverError: another slot still works, and nothing was changed; or ``slot`` did not come to work in time, and may.
        """
        self._check(slot)
        deadline = self._clock.now() + self._settings.timeout
        if not self._until(lambda: self._claimed(slot), deadline):
            busy = next((each for each in self._look().values() if each.may_work), None)
            raise self._busy(busy, f"{slot} was not scaled up; nothing was changed") if busy else self._contested(slot)
        started: list[float] = []
        if not self._until(lambda: self._works(slot, started), deadline):
            raise self._idle(slot, self._settings.timeout)

    def release(self, slot: str) -> None:
        """Scale ``slot`` to 0; returns when there is no pod of it any more.

        Raises:
            HandoverError: one may still be at work. It was not deleted by force: that only makes the cluster forget it.
        """
        self._check(slot)
        deadline = self._clock.now() + self._settings.timeout
        if not self._until(lambda: self._released(slot), deadline):
            raise self._busy(self._look()[slot], "")

    def holder(self) -> str | None:
        """The slot that may work: it has a replica, or pods that are not gone yet."""
        working = [each.slot for each in self._look().values() if each.may_work]
        if len(working) > 1:
            what = f"{self._settings.service}: {' and '.join(sorted(working))} may both be at work"
            raise HandoverError(what, hint=f"{self._kubectl('get', 'deployments,pods')} -l {self._selector}")
        return working[0] if working else None

    # To give the work, and to take it

    def _claimed(self, slot: str) -> bool:
        """Whether the slot is the one that is to work; it is made so once nobody works."""
        seen = self._asked()
        mine, others = seen[slot], [each for each in seen.values() if each.slot != slot]
        if not mine.there:
            raise HandoverError(f"{self._settings.service}: there is no Deployment {mine.name}", hint="pulumi up")
        works = next((each.slot for each in others if each.replicas > 0), None)
        if works is not None:
            what = f"{self._settings.service}: {works} still works, so {slot} cannot; nothing was changed"
            raise HandoverError(what, hint=f"take the work from {works} first")
        if any(each.may_work for each in others):
            return False
        if mine.replicas == 1:
            return True
        if mine.replicas == 0 and mine.may_work:
            return False  # or its last pod and the next would be two at work
        word = uuid.uuid4().hex
        return all(self._scaled(each, 0, word) for each in others if each.there) and self._scaled(mine, 1, word)

    def _works(self, slot: str, started: list[float]) -> bool:
        """Whether its one pod works; ``started`` is when its program was first seen to run."""
        mine, now = self._given(slot), self._clock.now()
        if mine.wanting() is None:
            return True
        if not any(each.started for each in mine.bodies):
            started.clear()
        elif not started:
            started.append(now)
        elif now - started[0] > self._settings.patience:  # meanwhile nobody works
            raise self._idle(slot, self._settings.patience)
        return False

    def _given(self, slot: str) -> Scaled:
        """The slot that the work was given to.

        Raises:
            HandoverError: by now somebody gave it to another, or to none.
        """
        seen = self._asked()
        # Not whoever is not settled: the claim itself was a change that the other's controller has yet to see.
        others = [each.slot for each in seen.values() if each.slot != slot and (each.replicas > 0 or each.bodies)]
        if others or seen[slot].replicas == 0:
            given = f"somebody gave the work to {others[0]}" if others else f"somebody scaled {seen[slot].name} to 0"
            raise HandoverError(f"{self._settings.service}: while {slot} was waited for, {given}")
        return seen[slot]

    def _released(self, slot: str) -> bool:
        mine = self._asked()[slot]
        if mine.replicas > 0:
            self._scaled(mine, 0, uuid.uuid4().hex)
            return False  # what is there now is to be seen after it
        return not mine.may_work

    def _scaled(self, slot: Scaled, replicas: int, word: str, *, force: bool = False) -> bool:
        """Whether it was written; not where the Deployment is another by now than the one that was read.

        Raises:
            HandoverError: the API server refuses.
        """
        # Both fields each time: one of ours that is left out would be taken from the object, and no replicas are one replica.
        metadata = {"resourceVersion": slot.edition, "annotations": {_WORD: word}}
        try:
            self._cluster.apply(DEPLOYMENT, slot.name, {"metadata": metadata, "spec": {"replicas": replicas}}, force=force)
        except Refused as error:
            if error.status == HTTPStatus.CONFLICT and not error.owners:
                return False
            if error.owners and not force and all(each.manager.startswith(_YIELDING) for each in error.owners):
                return self._scaled(slot, replicas, word, force=True)
            raise self._refused(f"{slot.name} could not be scaled to {replicas}", error) from error
        return True

    # Who is at work

    def _look(self) -> Mapping[str, Scaled]:
        """How the slots stand, for whoever waits for nothing."""
        try:
            return self._asked()
        except Unreached as error:
            raise self._away(error) from error

    def _asked(self) -> Mapping[str, Scaled]:
        """How the slots stand.

        Raises:
            HandoverError: the API server does not say.
            Unreached: nobody answers for it.
        """
        what = "who is at work cannot be known"
        try:
            deployments, sets, pods = (self._cluster.list(kind, self._labels) for kind in (DEPLOYMENT, REPLICA_SET, POD))
            return scaled(self._settings.deployments, deployments, sets, pods)
        except Refused as error:
            raise self._refused(what, error) from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            cause = f"the API server answers what are no Deployments and pods: {error!r}"
            raise HandoverError(f"{self._settings.service}: {what}", cause=cause) from error

    # What went wrong

    def _refused(self, what: str, error: Refused) -> HandoverError:
        owners = ", ".join(f"{each.manager} owns {each.field}" for each in error.owners)
        names = " and ".join(sorted(self._settings.deployments.values()))
        needed = "a role that may list deployments, replicasets and pods, and patch deployments"
        return HandoverError(
            f"{self._settings.service}: {what}: the API server refuses",
            cause=f"{error}; {owners}" if owners else str(error),
            hint=f"let nobody else set the replicas of {names}" if owners else needed,
        )

    def _away(self, error: Unreached) -> HandoverError:
        what = f"{self._settings.service}: who is at work cannot be known"
        return HandoverError(what, cause=str(error), hint=f"{self._kubectl('get', 'deployments')}   # it must answer")

    def _contested(self, slot: str) -> HandoverError:
        what = f"{self._settings.service}: {slot} could not be scaled up within {self._settings.timeout:g} s"
        return HandoverError(what, cause="somebody else keeps changing its Deployments", hint="crossfade status")

    def _busy(self, slot: Scaled, then: str) -> HandoverError:
        body = next(iter(slot.bodies), None)
        lost = body is not None and body.overdue(self._clock.wall())
        who = f"pod {body.name} is there" if body else f"the controllers of {slot.name} may still make a pod"
        return HandoverError(
            f"{self._settings.service}: {slot.slot} may still be at work: {who} after {self._settings.timeout:g} s",
            cause="; ".join(each for each in (self._late(body, lost=lost), then) if each) or None,
            hint="\n".join([*self._ways(body, lost=lost), "and the same command again"]),
        )

    def _late(self, body: Body | None, *, lost: bool) -> str:
        if body is None:
            return "the cluster's controller manager has not acted yet"
        if lost:
            return f"it was to be gone by {body.deleted}: its node {body.node} does not answer, and the process may go on there"
        return f"it has until {body.deleted} to end" if body.deleted else "nobody has deleted it yet"

    def _ways(self, body: Body | None, *, lost: bool) -> list[str]:
        """What a person can do. To delete a pod by force is none of it: the cluster forgets it, and it goes on working."""
        if body is None:
            return [f"{self._kubectl('get', 'replicasets')} -l {self._selector}"]
        if not lost or body.node is None:
            return [self._kubectl("describe", "pod", body.name)]
        taint = f"kubectl taint node {body.node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
        return [f"kubectl describe node {body.node}", f"{taint}   # only when that machine is off for certain"]

    def _idle(self, slot: str, seconds: float) -> HandoverError:
        mine = self._look()[slot]
        why = mine.wanting() or "it said so too late"
        named = mine.bodies[0].name if mine.bodies else None
        describe = self._kubectl("describe", "pod", named) if named else self._kubectl("describe", "deployment", mine.name)
        what = f"{self._settings.service}: {slot} did not come to work within {seconds:g} s: {why}"
        return HandoverError(what, hint=f"{describe}\nand the same command again, or crossfade abort")

    def _kubectl(self, *words: str) -> str:
        reach = self._settings.reach
        context = ["--context", reach.context] if reach.context else []
        return " ".join(["kubectl", *context, "-n", reach.namespace, *words])

    @property
    def _selector(self) -> str:
        return ",".join(f"{key}={value}" for key, value in self._labels.items())

    # Waiting

    def _check(self, slot: str) -> None:
        known = self._settings.deployments
        if slot not in known:
            raise HandoverError(f"{self._settings.service}: no slot {slot} in {', '.join(sorted(known))}")

    def _until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Whether it comes to hold by then; looked at least once. A server that is away for a while is waited for."""
        while True:
            late = self._clock.now() >= deadline
            try:
                if condition():
                    return True
            except Unreached as error:
                if late or not error.passing:
                    raise self._away(error) from error
            if late:
                return False
            self._clock.sleep(_PAUSE)
