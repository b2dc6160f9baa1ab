"""What the cluster and this machine cannot give that the settings ask for. Looks, and changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from infra.config import Document, Fault, Settings
from infra.config.faults import paste
from infra.targets.kubernetes.cluster import (
    BUDGETS,
    CONFIGS,
    DEPLOYMENTS,
    GATEWAYS,
    ROUTES,
    SCALERS,
    SERVICES,
    AwayError,
    Cluster,
    ContextError,
    Kind,
    RefusedError,
)
from infra.targets.kubernetes.layout import SLOT, SLOTS, Layout, is_ours
from infra.targets.kubernetes.manifests import selects
from infra.targets.kubernetes.standing import Seen

VERBS = ("get", "create", "patch", "delete")
"""What Pulumi does to what it declares."""
OLDEST = (1, 30)
"""The oldest Kubernetes that will do: the kubelet itself waits before it tells a pod to end."""
Labels = Mapping[str, Mapping[str, str]]
"""Of the pods of each service, whatever their slot."""
_CRDS = "https://gateway-api.sigs.k8s.io/guides/getting-started/"


@dataclass(frozen=True, slots=True)
class Look:
    """What came of asking the cluster."""

    faults: Sequence[Fault]
    seen: Seen = field(default_factory=Seen)
    """Nothing, where the faults say that it could not be seen."""


def look(cluster: Cluster, layout: Layout, settings: Settings, document: Document, labels: Labels) -> Look:
    """Ask the cluster, once, for all that has to be known before anything is declared."""
    try:
        return _looked(cluster, layout, settings, document, labels)
    except ContextError as error:
        where = document.where(("kubernetes", "context"))
        hint = "kubectl config get-contexts shows which there are; or say where the file is: export KUBECONFIG=..."
        return Look([Fault("the kubeconfig leads to no cluster", where, str(error), hint)])
    except AwayError as error:
        of = f" of context {layout.context}" if layout.context else ""
        where = document.where(("kubernetes", "context"))
        return Look([Fault(f"the cluster{of} does not answer", where, str(error), f"{_kubectl(layout)} get --raw /readyz")])
    except RefusedError as error:
        where = document.where(("kubernetes", "namespace"))
        unknown = error.status == HTTPStatus.UNAUTHORIZED
        what = "the cluster does not know who we are" if unknown else "we may not look at the cluster"
        hint = f"{_kubectl(layout)} auth whoami" if unknown else f"{_kubectl(layout)} auth can-i --list -n {layout.namespace}"
        return Look([Fault(what, where, str(error), hint)])


def _looked(cluster: Cluster, layout: Layout, settings: Settings, document: Document, labels: Labels) -> Look:
    unfit = _unfit(cluster, layout, document) or [*_rights(cluster, layout, settings, document)]
    if unfit:
        return Look(unfit)
    routed = any(each.kind != "singleton" for each in settings.services.values())
    routes = _routes(cluster, layout)
    if routes is None and routed:
        where = document.where(("kubernetes", "gateway"))
        cause = f"we see no {ROUTES.text}: the kinds of the Gateway API are installed once for a cluster"
        return Look([Fault("the cluster has no Gateway API", where, cause, f"install it, and a gateway: {_CRDS}")])
    things = {kind: cluster.list(kind, layout.namespace) for kind in _kinds(settings) if kind not in {ROUTES, CONFIGS}}
    birth = cluster.get(CONFIGS, layout.namespace, layout.birth)
    things |= {ROUTES: routes or [], CONFIGS: [] if birth is None else [birth]}
    faults = [*_taken(things, layout, settings, document), *(_door(cluster, layout, settings, document) if routed else ())]
    return Look(
        [*faults, *_selecting(things[SERVICES], layout, labels, document)],
        Seen(things[DEPLOYMENTS], routes or [], birth, things.get(SCALERS, ())),
    )


def _unfit(cluster: Cluster, layout: Layout, document: Document) -> Sequence[Fault]:
    """A cluster that will not do, or lacks the namespace."""
    if (version := cluster.version()) < OLDEST:
        where, oldest = document.where(("kubernetes", "context")), ".".join(map(str, OLDEST))
        cause = f"it is {'.'.join(map(str, version))}, and {oldest} is the first whose kubelet lets a pod end in time by itself"
        return [Fault("the cluster is too old", where, cause, f"take a cluster of {oldest} or newer")]
    if cluster.namespace(layout.namespace):
        return []
    where = document.where(("kubernetes", "namespace"))
    hint = f"{_kubectl(layout)} create namespace {layout.namespace}"
    cause = "whoever owns the cluster says which there are: none is made by Crossfade"
    return [Fault(f"there is no namespace {layout.namespace}", where, cause, hint)]


def _routes(cluster: Cluster, layout: Layout) -> Sequence[Mapping[str, Any]] | None:
    """Every route of the namespace; None: the cluster does not know what a route is.

    Asked for also where no service has one: those that had one may still have traffic.
    """
    try:
        return cluster.list(ROUTES, layout.namespace)
    except RefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def _kinds(settings: Settings) -> Sequence[Kind]:
    """Every kind that these settings are made of."""
    services = settings.services.values()
    routed = any(each.kind != "singleton" for each in services)
    scaled = any(each.autoscale is not None for each in services)
    return [DEPLOYMENTS, SERVICES, CONFIGS, *([BUDGETS, ROUTES] if routed else []), *([SCALERS] if scaled else [])]


def _rights(cluster: Cluster, layout: Layout, settings: Settings, document: Document) -> Iterator[Fault]:
    lacking: dict[str, list[str]] = {}
    for kind in _kinds(settings):
        # Without a list, Pulumi's provider waits for ever for what it deleted.
        for verb in (*VERBS, "list"):
            if not cluster.may(verb, kind, layout.namespace):
                lacking.setdefault(kind.text, []).append(verb)
    if lacking:
        cause = "; ".join(f"{', '.join(verbs)} {kind}" for kind, verbs in lacking.items())
        where = document.where(("kubernetes", "namespace"))
        hint = f"ask for a role with them; what you have: {_kubectl(layout)} auth can-i --list -n {layout.namespace}"
        yield Fault(f"we lack rights in namespace {layout.namespace}", where, f"we may not: {cause}", hint)


def _taken(
    things: Mapping[Kind, Sequence[Mapping[str, Any]]], layout: Layout, settings: Settings, document: Document
) -> Iterator[Fault]:
    """Names of the stack's that somebody else's things have."""
    slots = {layout.seat(name, slot).name for name in settings.services for slot in SLOTS}
    names = {
        DEPLOYMENTS: {*slots, *settings.companions},
        SERVICES: {*slots, *settings.companions},
        BUDGETS: slots,
        SCALERS: slots,
        ROUTES: {name for name, each in settings.services.items() if each.kind != "singleton"},
        CONFIGS: {layout.birth},
    }
    for kind, found in things.items():
        for each in found:
            metadata = each.get("metadata") or {}
            name = metadata.get("name")
            if name in names[kind] and not is_ours(metadata, layout.stack):
                command = f"{_kubectl(layout)} delete {kind.text} {name} -n {layout.namespace}"
                hint = f"take another namespace, rename the service, or, where nobody needs it:\n{command}"
                where = document.where(("kubernetes", "namespace"))
                cause = f"it was not made by this stack, in namespace {layout.namespace}"
                yield Fault(f"there is a {kind.text} {name} already", where, cause, hint)


def _selecting(services: Sequence[Mapping[str, Any]], layout: Layout, labels: Labels, document: Document) -> Iterator[Fault]:
    """Addresses of somebody else's that lead to the pods of both slots."""
    for each in services:
        metadata, selector = each.get("metadata") or {}, (each.get("spec") or {}).get("selector") or {}
        for service, own in labels.items():
            if not is_ours(metadata, layout.stack) and SLOT not in selector and selects(selector, own):
                name, where = metadata.get("name"), document.where(("services", service))
                cause = (
                    f"its selector {', '.join(f'{key}={value}' for key, value in selector.items())} finds the pods of both slots"
                )
                hint = f"where nobody needs it: {_kubectl(layout)} delete service {name} -n {layout.namespace}"
                yield Fault(f"the Service {name} would send requests to {service} past the weights", where, cause, hint)


def _door(cluster: Cluster, layout: Layout, settings: Settings, document: Document) -> Iterator[Fault]:
    """The Gateway, the listeners that are asked for, and whether they take routes from here."""
    namespace, name = layout.door
    where = document.where(("kubernetes", "gateway"))
    try:
        gateway = cluster.get(GATEWAYS, namespace, name)
    except RefusedError as error:
        hint = f"ask for the right to get {GATEWAYS.text} in namespace {namespace}"
        yield Fault(f"the Gateway {namespace}/{name} cannot be looked at", where, str(error), hint)
        return
    if gateway is None:
        hint = f"{_kubectl(layout)} get {GATEWAYS.text} -A shows which there are; write namespace/name"
        yield Fault(f"there is no Gateway {namespace}/{name}", where, "its requests are split there", hint)
        return
    listeners = {str(each.get("name")): each for each in (gateway.get("spec") or {}).get("listeners") or ()}
    for service, each in settings.services.items():
        if each.kind != "singleton":
            yield from _listener(layout, listeners, (service, each.listener), document)


def _listener(
    layout: Layout, listeners: Mapping[str, Mapping[str, Any]], asked: tuple[str, str | None], document: Document
) -> Iterator[Fault]:
    """What keeps a service from the Gateway: ``asked`` is its name, and the listener that it wants, None being any."""
    (service, wanted), (namespace, name) = asked, layout.door
    keys = ("services", service, "listener")
    if wanted is not None and wanted not in listeners:
        hint = paste(document, keys, next(iter(listeners), "http"))
        cause = f"its listeners are {', '.join(listeners) or 'none'}"
        yield Fault(f"the Gateway {name} has no listener {wanted}", document.where(keys), cause, hint)
    elif not any(_takes(listeners[each], layout, namespace) for each in ([wanted] if wanted else listeners)):
        where = document.where(("kubernetes", "gateway"))
        cause = f"no listener that {service} may use takes those of other namespaces than {namespace}"
        hint = f"let one take them: allowedRoutes: {{namespaces: {{from: All}}}}, at a listener of {namespace}/{name}"
        yield Fault(f"the Gateway {name} takes no routes from {layout.namespace}", where, cause, hint)


def _takes(listener: Mapping[str, Any], layout: Layout, namespace: str) -> bool:
    """Whether a listener may take routes of our namespace. By labels of namespaces it may; then the route itself says."""
    origin = ((listener.get("allowedRoutes") or {}).get("namespaces") or {}).get("from") or "Same"
    return origin in {"All", "Selector"} or (origin == "Same" and namespace == layout.namespace)


def _kubectl(layout: Layout) -> str:
    return f"kubectl --context {layout.context}" if layout.context else "kubectl"
