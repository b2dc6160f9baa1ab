"""What the contract asks of the seams for a service in a cluster: which backend, and what that is told. Pure."""

from collections.abc import Iterator, Mapping

from infra.config import Settings
from infra.config.settings import Service as ServiceSettings
from infra.contract import Backend, Placement
from infra.contract.document import Json
from infra.targets.kubernetes.asking import PATIENCE, STARTING, patience
from infra.targets.kubernetes.layout import KEPT, SLOTS, Layout
from infra.targets.kubernetes.metering import envoy, traefik
from infra.targets.kubernetes.placing import grace

LOOK: Mapping[str, Json] = {"every": 1.0, "timeout": 5.0}
"""Seconds between looks at pods; that the cluster may take to answer."""


def meter(layout: Layout, name: str, settings: Settings) -> Backend | None:
    """What counts its requests."""
    place = settings.kubernetes
    if place is None or place.metrics is None:
        return None
    urls, backends = place.metrics.url, {slot: layout.seat(name, slot).name for slot in SLOTS}
    kept = range(1, 1 + len(KEPT)) if settings.services[name].kind == "sticky-http" else ()
    if place.metrics.kind == "traefik":
        return Backend("prometheus-text", traefik(urls, layout.namespace, name, backends, kept))
    places = {slot: place for place, slot in enumerate(SLOTS)}
    return Backend("prometheus-text", envoy(urls, layout.namespace, name, (0, *kept), places))


def looks(layout: Layout, settings: Settings, *, alone: bool) -> Iterator[Backend]:
    """What looks at its pods, and asks them."""
    looked = {**LOOK, **layout.reach, "stack": layout.stack}
    # Of a singleton the slot that does not work has no pods, and is well.
    yield Backend("pods", {**looked, "standby": alone})
    if not alone and settings.kubernetes is not None and settings.kubernetes.identity == "answers":
        yield Backend("shown", looked)


def scale(layout: Layout, name: str, placements: Mapping[str, Placement]) -> Mapping[str, Json]:
    """What hands a singleton over."""
    # The earlier one has to end, and the later one to start.
    ending = max((grace(each.inputs) for each in placements.values()), default=0)
    return {
        **layout.reach,
        "stack": layout.stack,
        "service": name,
        "deployments": {slot: layout.seat(name, slot).name for slot in SLOTS},
        "timeout": float(ending + STARTING),
        "patience": float(max((patience(each.inputs["health"]) for each in placements.values()), default=PATIENCE)),
    }


def counted(layout: Layout, name: str, service: ServiceSettings) -> Mapping[str, Json]:
    """What sees to it that there are pods for a share."""
    return {**layout.reach, "stack": layout.stack, "service": name, "autoscale": service.autoscale is not None}
