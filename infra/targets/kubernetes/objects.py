"""The things of a stack as documents of the cluster's API, each whole. Pure."""

import json
from collections.abc import Mapping

from infra.config.kubernetes import Autoscale
from infra.contract.document import Json
from infra.release import Inputs, version_of
from infra.targets.kubernetes.layout import IMAGE, INPUTS, PORT, VERSION, Layout, Seat
from infra.targets.kubernetes.placing import pod

SKIP: Mapping[str, str] = {"pulumi.com/skipAwait": "true"}
"""Pulumi waits for nothing: whether it is well is for the probes, which say in seconds what it would say in minutes."""
DEADLINE = 600
"""Seconds after which the cluster itself calls a Deployment stuck."""
_KEPT = 2
"""Earlier versions of a Deployment that the cluster keeps."""


def deployment(seat: Seat, inputs: Inputs, image: Json, replicas: int) -> Mapping[str, Json]:
    """The pods of a service in a slot, or of a companion. A singleton's are never two, not even while one is replaced."""
    alone = inputs["kind"] == "singleton"
    own = dict(inputs.get("manifests", {}).get("more", {}))
    rolling = own.pop("strategy", None) or {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return {
        "metadata": {
            **seat.metadata,
            "labels": {**seat.labels, VERSION: version_of(inputs)},
            "annotations": {**SKIP, INPUTS: json.dumps(inputs, sort_keys=True), IMAGE: image},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": seat.selector},
            "strategy": {"type": "Recreate"} if alone else rolling,
            "minReadySeconds": 0,
            "progressDeadlineSeconds": DEADLINE,
            "revisionHistoryLimit": _KEPT,
            **own,
            "template": pod(seat, inputs, image),
        },
    }


def service(seat: Seat, port: int, target: Json = PORT) -> Mapping[str, Json]:
    """The one address of its pods; ``target`` is their port, by its number or its name."""
    return {
        "metadata": {**seat.metadata, "annotations": SKIP},
        "spec": {
            "type": "ClusterIP",
            "selector": seat.selector,
            "ports": [{"name": PORT, "port": port, "targetPort": target, "protocol": "TCP"}],
        },
    }


def budget(seat: Seat) -> Mapping[str, Json]:
    """That nodes are emptied one pod at a time; one that is not well anyway is in nobody's way."""
    return {
        "metadata": seat.metadata,
        "spec": {
            "selector": {"matchLabels": seat.selector},
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def scaler(seat: Seat, least: int, scale: Autoscale) -> Mapping[str, Json]:
    """More pods while those that there are use more than they should of what they ask for."""
    target = {"type": "Utilization", "averageUtilization": scale.cpu}
    return {
        "metadata": seat.metadata,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": seat.name},
            "minReplicas": least,
            "maxReplicas": scale.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def birth(layout: Layout, start: str) -> Mapping[str, Json]:
    """What says which slot served first. When it was made, the stack was born."""
    metadata = {"name": layout.birth, "namespace": layout.namespace, "labels": layout.labels}
    return {"metadata": metadata, "data": {"start": start}}
