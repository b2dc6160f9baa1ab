"""Names and labels of a stack in a cluster. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

SLOTS = ("blue", "green")
RULE = "crossfade"
"""Name of our rule in a route; whatever other rules it has are somebody else's."""
KEPT = {slot: f"{RULE}-{slot}" for slot in SLOTS}
"""Name of the rule of each slot for browsers that are kept on it, where a route is sticky."""
WHOLE = 100
"""Weights in our rule add up to it."""
STACK, SERVICE, SLOT = "crossfade/stack", "crossfade/service", "crossfade/slot"
MANAGED, OURS = "app.kubernetes.io/managed-by", "crossfade"
NAME, VERSION = "app.kubernetes.io/name", "app.kubernetes.io/version"
INPUTS, IMAGE = "crossfade/inputs", "crossfade/image"
"""Annotations of a Deployment: what it was placed from, as JSON; the image that was made from that."""
USER = 10001
"""User and group in a pod: those that our images have. A number, so that the kubelet can see that it is not root."""
INSIDE = PurePosixPath("/crossfade")
"""Where a pod has what it writes."""
DATA, BEAT = INSIDE / "data", INSIDE / "beat" / "beat.json"
PORT = "http"
"""Name of a program's port."""
_STACK = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LONGEST = 63 - len("crossfade-")


@dataclass(frozen=True, slots=True)
class Layout:
    """One stack in one namespace."""

    stack: str
    namespace: str
    context: str | None
    """The context of the kubeconfig; None: the current one."""
    gateway: str | None
    """Name of the Gateway, or ``namespace/name``; None: no service needs one."""

    @property
    def nameable(self) -> bool:
        """Whether the stack's name may be part of names and labels in a cluster."""
        return _STACK.fullmatch(self.stack) is not None and len(self.stack) <= _LONGEST

    @property
    def birth(self) -> str:
        """Name of the ConfigMap that says which slot served first."""
        return f"crossfade-{self.stack}"

    def seat(self, service: str, slot: str | None) -> "Seat":
        """The place of a service in a slot; a companion has no slot."""
        return Seat(self, service, slot)

    @property
    def labels(self) -> Mapping[str, str]:
        """What tells the stack's things from others'."""
        return {MANAGED: OURS, STACK: self.stack}

    @property
    def door(self) -> tuple[str, str]:
        """Namespace and name of the Gateway."""
        namespace, _, name = (self.gateway or "").rpartition("/")
        return namespace or self.namespace, name

    @property
    def reach(self) -> Mapping[str, str]:
        """How whoever drives a rollout gets to the cluster: settings that every backend has."""
        return {**({} if self.context is None else {"context": self.context}), "namespace": self.namespace}


@dataclass(frozen=True, slots=True)
class Seat:
    """Where pods of one kind have their place."""

    layout: Layout
    service: str
    """Or a companion."""
    slot: str | None
    """None: a companion's."""

    @property
    def name(self) -> str:
        """Name of everything that is there."""
        return self.service if self.slot is None else f"{self.service}-{self.slot}"

    @property
    def selector(self) -> Mapping[str, str]:
        """Labels that its pods are found by. A Deployment cannot change them."""
        return {STACK: self.layout.stack, SERVICE: self.service, **({} if self.slot is None else {SLOT: self.slot})}

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of everything that is there."""
        return {**self.layout.labels, **self.selector, NAME: self.service}

    @property
    def metadata(self) -> Mapping[str, object]:
        """Of everything that is there."""
        return {"name": self.name, "namespace": self.layout.namespace, "labels": self.labels}


def is_ours(metadata: Mapping[str, object], stack: str) -> bool:
    """Whether a thing in the cluster was made for this stack."""
    labels = metadata.get("labels")
    return isinstance(labels, Mapping) and labels.get(STACK) == stack and labels.get(MANAGED) == OURS
