"""The route document of the local data plane: written once by ``infra``, and from then on by ``smoke`` alone.

It is an Envoy ``RouteConfiguration`` inside a file-based discovery response. Both sides need its shape: ``infra`` to create it
and to see which slots have traffic, ``smoke`` to write weights and to find them in what the proxy says it serves.

A slot with weight, or kept, is also reached by name:

- by the header ``x-crossfade-slot`` of a process of this machine, so that the slots of a release find each other. The header is
  taken off: whoever asks a third service says for itself where it belongs;
- where the route is sticky, by the cookie that the answer to a weighted request has set, so that only new sessions are split.

Whoever names another slot, or none, is weighted, and gets the cookie of the slot that answers. Who went by name is counted apart
too (``stat_prefix``), so that the weights can be compared with what came by them. Only requests are routed. A
websocket or a stream that is open stays on its slot until it ends, or the slot's process does: the proxy (1.40) cuts none for an
endpoint that is unhealthy, draining or gone, nor for a cluster that is removed.
"""

from collections.abc import Collection, Mapping

from infra.contract.document import Json

_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
TOTAL = 100
"""Weights of a service add up to this."""
AFFINITY = 8 * 3600
"""Seconds that a browser is kept on its slot where nobody says how long: a day at work."""
SLOT_HEADER = "x-crossfade-slot"
"""Header by which a process asks for the slot that it belongs to itself."""


class RouteError(ValueError):
    """The document is not a route document of this shape, or the weights are not percentages of one whole."""


def cluster(service: str, slot: str) -> str:
    """Name of the proxy's cluster for one slot of a service; its counters carry it."""
    return f"{service}--{slot}"


def affinity_cookie(service: str) -> str:
    """Name of the cookie that keeps a browser on its slot, for ``sticky-http``."""
    return f"crossfade-{service}"


def keeping(service: str, slot: str, seconds: int) -> str:
    """The ``set-cookie`` that keeps a browser on a slot for so many seconds."""
    return f"{affinity_cookie(service)}={slot}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax"


def kept(service: str, slot: str) -> str:
    """What the ``cookie`` header of a browser is that is kept on a slot: a whole expression, in RE2's words."""
    return rf"(^|.*;\s*){affinity_cookie(service)}={slot}(;.*|$)"


def route_document(  # noqa: PLR0913 - one parameter for each thing that it says
    service: str,
    weights: Mapping[str, int],
    *,
    version: str,
    keep: Collection[str] = (),
    sticky: bool = False,
    affinity: int = AFFINITY,
) -> Json:
    """The discovery response that gives each slot of a service its percentage of requests.

    Args:
        service: name of the service; also the name of the route configuration.
        weights: percent by slot, 100 in all.
        version: what the proxy reports as ``version_info`` once it serves this document.
        keep: slots that are reached by name although they have no weight.
        sticky: keep a browser on its slot by a cookie.
        affinity: seconds that it is kept.

    Raises:
        RouteError: the weights are not whole percentages that add up to 100.
    """
    check_weights(weights)
    named = sorted({*keep, *(slot for slot, weight in weights.items() if weight)})
    routes = [_paired(service, slot) for slot in named]
    if sticky:
        routes += [_pinned(service, slot) for slot in named]
    host = {
        "name": service,
        "domains": ["*"],
        "request_headers_to_remove": [SLOT_HEADER],
        "routes": [*routes, _weighted(service, weights, affinity=affinity if sticky else 0)],
    }
    return {"version_info": version, "resources": [{"@type": _TYPE, "name": service, "virtual_hosts": [host]}]}


def check_weights(weights: Mapping[str, int]) -> None:
    """Refuse weights that are not whole percentages, 100 in all.

    Raises:
        RouteError: they are not.
    """
    if not all(0 <= weight <= TOTAL and weight == int(weight) for weight in weights.values()):
        raise RouteError(f"weights are whole percentages, not {dict(weights)}")
    if sum(weights.values()) != TOTAL:
        raise RouteError(f"weights add up to {TOTAL}, not {sum(weights.values())}: {dict(weights)}")


def weights_in(configuration: Json) -> dict[str, int]:
    """Percent by slot in a route configuration, given as a whole discovery response or as the configuration itself.

    Raises:
        RouteError: it has no weighted route of ours.
    """
    try:
        for route in _routes(configuration):
            if "weighted_clusters" in route["route"]:
                clusters = route["route"]["weighted_clusters"]["clusters"]
                # The proxy leaves a zero out of what it reports.
                return {each["name"].rsplit("--", 1)[1]: int(each.get("weight", 0)) for each in clusters}
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RouteError(f"not a route document: {error!r}") from error
    raise RouteError("not a route document: it has no weighted route")


def reached_in(configuration: Json) -> frozenset[str]:
    """Slots that a route document leads to: by weight, or by name alone.

    Raises:
        RouteError: it has no weighted route of ours.
    """
    weighted = {slot for slot, weight in weights_in(configuration).items() if weight}
    try:
        named = {route["route"]["cluster"].rsplit("--", 1)[1] for route in _routes(configuration) if "cluster" in route["route"]}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RouteError(f"not a route document: {error!r}") from error
    return frozenset(weighted | named)


def _routes(configuration: Json) -> list[Json]:
    found = configuration["resources"][0] if "resources" in configuration else configuration
    return list(found["virtual_hosts"][0]["routes"])


def _action(destination: Json) -> Json:
    # Retried only where the request cannot have been seen: nothing is ever asked twice of a service.
    retry = {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2}
    return {**destination, "timeout": "0s", "retry_policy": retry, "upgrade_configs": [{"upgrade_type": "websocket"}]}


def _weighted(service: str, weights: Mapping[str, int], *, affinity: int) -> Json:
    clusters = [_share(service, slot, weights[slot], affinity=affinity) for slot in sorted(weights)]
    return {"match": {"prefix": "/"}, "route": _action({"weighted_clusters": {"clusters": clusters}})}


def _share(service: str, slot: str, weight: int, *, affinity: int) -> Json:
    share: dict[str, Json] = {"name": cluster(service, slot), "weight": weight}
    if affinity:
        share["response_headers_to_add"] = [{"header": {"key": "set-cookie", "value": keeping(service, slot, affinity)}}]
    return share


def _paired(service: str, slot: str) -> Json:
    # The proxy itself says who is internal, and takes the word from everybody else.
    return _named(service, slot, [_is("x-envoy-internal", "true"), _is(SLOT_HEADER, slot)])


def _named(service: str, slot: str, headers: list[Json]) -> Json:
    """The slot for whoever has these headers; its counters ``vhost.<service>.route.<cluster>.*`` are for all such routes."""
    name = cluster(service, slot)
    return {"match": {"prefix": "/", "headers": headers}, "stat_prefix": name, "route": _action({"cluster": name})}


def _is(name: str, value: str) -> Json:
    return {"name": name, "string_match": {"exact": value}}


def _pinned(service: str, slot: str) -> Json:
    header = {"name": "cookie", "string_match": {"safe_regex": {"regex": kept(service, slot)}}}
    return _named(service, slot, [header])
