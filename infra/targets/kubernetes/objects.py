"""The things of a stack as documents of the cluster's API, each whole. Pure."""

import json
from collections.abc import Mapping, Sequence

from infra.config.kubernetes import Autoscale
from infra.config.settings import Service
from infra.contract.document import Json
from infra.contract.route import SLOT_HEADER
from infra.release import Inputs, version_of
from infra.targets.kubernetes.layout import IMAGE, INPUTS, PORT, RULE, SLOTS, VERSION, WHOLE, Layout, Seat
from infra.targets.kubernetes.placing import pod

SKIP: Mapping[str, str] = {"pulumi.com/skipAwait": "true"}
"""Pulumi waits for nothing: whether it is well is for the probes, which say in seconds what it would say in minutes."""
DEADLINE = 600
"""Seconds after which the cluster itself calls a Deployment stuck."""
_KEPT = 2
"""Earlier versions of a Deployment that the cluster keeps."""
_GATEWAY = "gateway.networking.k8s.io"


def deployment(seat: Seat, inputs: Inputs, image: Json, replicas: int) -> Mapping[str, Json]:
    """The pods of a service in a slot, or of a companion. A singleton's are never two, not even while one is replaced."""
    alone = inputs["kind"] == "singleton"
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
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
            "template": pod(seat, inputs, image),
        },
    }


def service(seat: Seat, port: int) -> Mapping[str, Json]:
    """The one address of its pods."""
    return {
        "metadata": {**seat.metadata, "annotations": SKIP},
        "spec": {
            "type": "ClusterIP",
            "selector": seat.selector,
            "ports": [{"name": PORT, "port": port, "targetPort": PORT, "protocol": "TCP"}],
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


def route(layout: Layout, name: str, settings: Service, serving: str, *, told: bool) -> Mapping[str, Json]:
    """The route of a service, all of it on one slot. Its rules are written once: from then on they are the router's.

    Args:
        layout: the stack.
        name: of the service.
        settings: of the service.
        serving: the slot that gets all requests.
        told: whether a request says which slot it is for. Envoy counts slots apart only where something of theirs differs.
    """
    namespace, gateway = layout.door
    parent = {
        "namespace": namespace,
        "name": gateway,
        **({} if settings.listener is None else {"sectionName": settings.listener}),
    }
    return {
        "metadata": layout.seat(name, None).metadata,
        "spec": {
            "parentRefs": [parent],
            **({"hostnames": list(settings.hosts)} if settings.hosts else {}),
            "rules": [
                {
                    "name": RULE,
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": _shares(layout, name, settings.port, serving, told=told),
                }
            ],
        },
    }


def _shares(layout: Layout, name: str, port: int | None, serving: str, *, told: bool) -> Sequence[Mapping[str, Json]]:
    return [
        {
            "name": layout.seat(name, slot).name,
            "port": port,
            "weight": WHOLE if slot == serving else 0,
            **({"filters": [_telling(slot)]} if told else {}),
        }
        for slot in SLOTS
    ]


def _telling(slot: str) -> Mapping[str, Json]:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": SLOT_HEADER, "value": slot}]}}


def birth(layout: Layout, start: str) -> Mapping[str, Json]:
    """What says which slot served first. When it was made, the stack was born."""
    metadata = {"name": layout.birth, "namespace": layout.namespace, "labels": layout.labels}
    return {"metadata": metadata, "data": {"start": start}}


ROUTES: tuple[str, str] = (f"{_GATEWAY}/v1", "HTTPRoute")
"""Version and kind of a route."""
