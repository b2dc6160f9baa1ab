"""What the document of a Deployment says of a slot: pure."""

from dataclasses import dataclass
from typing import Self

from infra.contract import Json
from smoke.cluster import IMAGE_NOTE, SLOT_LABEL, VERSION_LABEL
from smoke.probes.podstates import Trouble, condition, cut


@dataclass(frozen=True, slots=True)
class Deployed:
    """A Deployment, as far as it is looked at."""

    name: str
    slot: str
    version: str | None
    """What its pods are placed as."""
    image: str | None
    """What its pods are made from, where that is not what it was placed with: somebody set it since."""
    wanted: int
    ready: int
    updated: int
    """Pods as they are declared now."""
    pods: int
    """With those that are still as they were declared before."""
    seen: bool
    """Whether its controller has seen what is declared now."""
    came: bool
    """Whether all pods as they are declared now were there once: what is missing since then was scaled or replaced."""
    deadline: float
    """Seconds that pods have to come, by its own word."""
    trouble: Trouble | None
    """Why there are no pods, or no more of them."""

    @classmethod
    def of(cls, document: Json) -> Self:
        """Read it.

        Raises:
            LookupError, TypeError, ValueError, AttributeError: it is no Deployment.
        """
        metadata, spec, status = document["metadata"], document["spec"], document.get("status") or {}
        template = spec["template"]["metadata"].get("labels") or {}
        return cls(
            name=str(metadata["name"]),
            slot=str((metadata.get("labels") or {}).get(SLOT_LABEL, "")),
            version=template.get(VERSION_LABEL),
            image=_set_since(document),
            wanted=int(spec.get("replicas", 1)),
            ready=int(status.get("readyReplicas", 0)),
            updated=int(status.get("updatedReplicas", 0)),
            pods=int(status.get("replicas", 0)),
            seen=int(status.get("observedGeneration", 0)) >= int(metadata.get("generation", 0)),
            came=condition(document, "Progressing").get("reason") == "NewReplicaSetAvailable",
            deadline=float(spec.get("progressDeadlineSeconds", 600)),
            trouble=_undone(document),
        )

    @property
    def rolling(self) -> bool:
        """Whether pods are there that are declared otherwise by now."""
        return self.updated < self.pods

    @property
    def whole(self) -> bool:
        """Whether every pod that is wanted is there, ready, and as it is declared now."""
        return self.seen and not self.rolling and min(self.ready, self.updated) >= self.wanted


def _set_since(document: Json) -> str | None:
    # By the digest: a registry's name may be changed by a rule of the cluster's, for a mirror.
    digest = str((document["metadata"].get("annotations") or {}).get(IMAGE_NOTE, "")).partition("@")[2]
    images = [str(each.get("image")) for each in document["spec"]["template"].get("spec", {}).get("containers") or ()]
    return images[0] if digest and images and not any(each.endswith(f"@{digest}") for each in images) else None


def _undone(document: Json) -> Trouble | None:
    refused, progress = condition(document, "ReplicaFailure"), condition(document, "Progressing")
    if document["spec"].get("paused"):
        return Trouble("it is paused: kubectl rollout resume", told=True)
    if refused.get("status") == "True":  # a quota, an admission policy, a service account that is not there
        return Trouble(f"pods cannot be made: {cut(str(refused.get('message', '')))}", told=True)
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Trouble(f"its pods did not come within {document['spec'].get('progressDeadlineSeconds', 600)} s")
    return None
