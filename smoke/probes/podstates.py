"""What the documents of pods say, in words: pure.

A pod has something wrong with it where waiting does not help: it is to be mended. It waits for something where that may come
by itself: a node, an image on its way, the time that a process needs to start.
What must not be here: what follows for a slot; that is ``pods``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from infra.contract import Json
from smoke.cluster import SLOT_LABEL, VERSION_LABEL

_COMES = frozenset({"", "ContainerCreating", "PodInitializing"})
"""What a container may wait for that comes by itself."""
_CRASHES = "CrashLoopBackOff"
_IMAGES = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable"}
)
_ENDED = frozenset({"Failed", "Succeeded"})
_HEAD, _TAIL = 70, 130
"""Characters of a message that are shown: its beginning says what was tried, its end why that failed. Of a log it is the end."""


@dataclass(frozen=True, slots=True)
class Log:
    """Where it is written why a container ended."""

    container: str
    previous: bool
    """Whether the container has been started again since."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod is not ready."""

    words: str
    wrong: bool = True
    """Whether it is to be mended; False: it may come by itself."""
    log: Log | None = None
    """What says more; None: the pod's events do, where there are any."""
    told: bool = False
    """Whether the words say it all."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod."""

    name: str
    uid: str
    slot: str
    version: str | None
    """What it was placed as; None where it was not placed by us."""
    ended: bool
    """None of its containers will run again."""
    leaving: bool
    """It was deleted, and may still run."""
    ready: bool
    restarts: int
    """Of all its containers."""
    trouble: Trouble | None
    """Why it is not ready; None: it is."""

    @classmethod
    def of(cls, document: Json) -> Self:
        """Read it.

        Raises:
            LookupError, TypeError, ValueError, AttributeError: it is no pod.
        """
        metadata, status = document["metadata"], document.get("status") or {}
        labels = metadata.get("labels") or {}
        leaving = bool(metadata.get("deletionTimestamp"))
        ready = condition(document, "Ready").get("status") == "True" and not leaving
        return cls(
            name=str(metadata["name"]),
            uid=str(metadata.get("uid", "")),
            slot=str(labels.get(SLOT_LABEL, "")),
            version=labels.get(VERSION_LABEL),
            ended=status.get("phase") in _ENDED,
            leaving=leaving,
            ready=ready,
            restarts=sum(int(each.get("restartCount", 0)) for each, _ in _containers(document)),
            trouble=None if ready else _trouble(document),
        )

    @property
    def counts(self) -> bool:
        """Whether it is one of those that are wanted."""
        return not self.ended and not self.leaving


def cut(message: str) -> str:
    """A message on one line, without its middle where it is long."""
    line = " ".join(message.split())
    return line if len(line) <= _HEAD + _TAIL else f"{line[:_HEAD]} ... {line[-_TAIL:]}"


def last_words(log: str) -> str:
    """The end of a log, on one line; it has been redacted before: half a secret has no form to be known by."""
    lines = [" ".join(line.split()) for line in log.splitlines() if line.strip()]
    said = " | ".join(lines[-3:])
    return said if len(said) <= _TAIL else f"... {said[-_TAIL:]}"


def warning(events: list[Json]) -> str:
    """The newest warning among these events of one pod; empty where there is none."""
    warnings = [each for each in events if each.get("type") == "Warning"]
    if not warnings:
        return ""
    newest = max(warnings, key=_when)
    return f"{newest.get('reason')}: {cut(str(newest.get('message', '')))}"


def _when(event: Json) -> str:
    # All times are of the form 2026-11-30T15:43:26Z, and the newer ones greater.
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(each) for each in times if each), "")


# A pod


def _trouble(document: Json) -> Trouble:
    metadata, status = document["metadata"], document.get("status") or {}
    disrupted = condition(document, "DisruptionTarget")
    if disrupted.get("status") == "True":
        said = cut(str(disrupted.get("message", "")))
        return Trouble(f"is taken away ({disrupted.get('reason')}): {said}", wrong=False, told=True)
    if status.get("phase") in _ENDED:  # evicted by its node, refused by it, or beyond a deadline
        said = cut(str(status.get("message") or "its containers ended"))
        return Trouble(f"{status.get('reason') or status['phase']}: {said}", wrong=False, told=True)
    if metadata.get("deletionTimestamp"):
        return Trouble("was deleted, and ends", wrong=False, told=True)
    scheduled = condition(document, "PodScheduled")
    if scheduled.get("status") != "True" and not document["spec"].get("nodeName"):
        said = cut(str(scheduled.get("message", "")))
        words = f"{scheduled.get('reason')}: {said}" if said else "waits for a node"
        return Trouble(words, wrong=False, told=bool(said))
    found = [each for status, spec in _containers(document) if (each := _of_container(document, status, spec)) is not None]
    return next((each for each in found if each.wrong), None) or (found[0] if found else _unready(document))


def _of_container(document: Json, status: Json, spec: Json) -> Trouble | None:
    """What is wrong with one of its containers, or waited for; None: nothing."""
    state = status.get("state") or {}
    over, reason = state.get("terminated"), str((state.get("waiting") or {}).get("reason", ""))
    if over is not None and spec.get("init") and over.get("exitCode") == 0:
        return None
    again = status.get("restartCount") and not status.get("ready") and reason in _COMES
    if over is not None or again or reason == _CRASHES:
        return _crashed(status, spec)
    if "waiting" in state:
        return _waits(status, spec)
    return None if status.get("ready") or spec.get("init") else _runs(document, status)


def _waits(status: Json, spec: Json) -> Trouble:
    """Why a container was not started."""
    name, waiting = status["name"], status["state"]["waiting"] or {}
    reason, said = str(waiting.get("reason", "")), cut(str(waiting.get("message", "")))
    if reason in _COMES:
        return Trouble(f"container {name} is being made, or its image is on its way", wrong=False)
    image = spec.get("image", status.get("image"))
    what = f"the image {image} cannot be had" if reason in _IMAGES else f"container {name} cannot be started"
    return Trouble(f"{reason}: {what}: {said}" if said else f"{reason}: {what}", told=bool(said))


def _crashed(status: Json, spec: Json) -> Trouble:
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated")
    now = state.get("terminated")
    over = now or last or {}
    how = f"exit code {over.get('exitCode', 'unknown')}"
    if over.get("reason") == "OOMKilled":
        limit = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
        how = f"OOMKilled: it took more memory than its limit of {limit}" if limit else "OOMKilled: its node had no memory left"
    elif over.get("message"):
        how = f"{how}, {cut(str(over['message']))}"
    restarts = int(status.get("restartCount", 0))
    words = f"container {status['name']} ended" + (f", restarted {_times(restarts)}" if restarts else "") + f": {how}"
    begun = (state.get("waiting") or {}).get("reason") == _CRASHES
    return Trouble(f"{_CRASHES}: {words}" if begun else words, log=Log(str(status["name"]), previous=now is None))


def _runs(document: Json, status: Json) -> Trouble:
    """Why a container that runs is not ready."""
    name = status["name"]
    if status.get("started") is False:
        return Trouble(f"container {name} is starting", wrong=False)
    ready = condition(document, "Ready")
    begun = str(((status.get("state") or {}).get("running") or {}).get("startedAt", ""))
    if str(ready.get("lastTransitionTime", "")) > begun:  # it was ready, since it was started
        return Trouble(f"container {name} runs, and is not ready any more")
    return Trouble(f"container {name} runs, and is not ready yet", wrong=False)


def _unready(document: Json) -> Trouble:
    """Why a pod whose containers are all ready is not ready itself."""
    node = document["spec"].get("nodeName", "unknown")
    if (document.get("status") or {}).get("containerStatuses") is None:
        return Trouble(f"waits for its node {node} to begin", wrong=False)
    ready = condition(document, "Ready")
    if ready.get("reason") == "ReadinessGatesNotReady":
        return Trouble(f"{ready['reason']}: {cut(str(ready.get('message', '')))}", wrong=False, told=True)
    return Trouble(f"its node {node} does not answer: kubectl describe node {node}")


def _containers(document: Json) -> Iterator[tuple[Json, Mapping[str, Json]]]:
    """What each container's status says, with what is declared of it; those that run before the others first."""
    status, spec = document.get("status") or {}, document.get("spec") or {}
    for kind, init in (("initContainer", True), ("container", False)):
        declared = {each["name"]: each for each in spec.get(f"{kind}s") or ()}
        for each in status.get(f"{kind}Statuses") or ():
            known = declared.get(each["name"], {})
            # One that is to run on beside the others is no step before them.
            yield each, {**known, "init": init and known.get("restartPolicy") != "Always"}


def condition(document: Json, kind: str) -> Mapping[str, Json]:
    """What it says under that name, or nothing."""
    conditions = (document.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == kind), {})


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
