"""The route document of the local data plane: written once by ``infra``, and from then on by ``smoke`` alone.

It is an Envoy ``RouteConfiguration`` inside a file-based discovery response. Both sides need its shape: ``infra`` to create it
and to see which slots have traffic, ``smoke`` to write weights and to find them in what the proxy says it serves.
"""

from collections.abc import Mapping

from infra.contract.document import Json

_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
TOTAL = 100
"""Weights of a service add up to this."""


class RouteError(ValueError):
    """The document is not a route document of this shape, or the weights are not percentages of one whole."""


def cluster(service: str, slot: str) -> str:
    """Name of the proxy's cluster for one slot of a service; its counters carry it."""
    return f"{service}--{slot}"


def affinity_cookie(service: str) -> str:
    """Name of the cookie that keeps a browser on its slot, for ``sticky-http``."""
    return f"crossfade-{service}"


def route_document(service: str, weights: Mapping[str, int], *, version: str, sticky: bool = False) -> Json:
    """The discovery response that gives each slot of a service its percentage of requests.

    Args:
        service: name of the service; also the name of the route configuration.
        weights: percent by slot, 100 in all.
        version: what the proxy reports as ``version_info`` once it serves this document.
        sticky: keep a browser that has a cookie on the slot it names, as long as that slot has weight.

    Raises:
        RouteError: the weights are not whole percentages that add up to 100.
    """
    check_weights(weights)
    routes = [_weighted(service, weights, sticky=sticky)]
    if sticky:
        routes[:0] = [_pinned(service, slot) for slot in sorted(weights) if weights[slot]]
    return {
        "version_info": version,
        "resources": [
            {
                "@type": _TYPE,
                "name": service,
                "virtual_hosts": [{"name": service, "domains": ["*"], "routes": routes}],
            }
        ],
    }


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
        found = configuration["resources"][0] if "resources" in configuration else configuration
        for route in found["virtual_hosts"][0]["routes"]:
            if "weighted_clusters" in route["route"]:
                clusters = route["route"]["weighted_clusters"]["clusters"]
                # The proxy leaves a zero out of what it reports.
                return {each["name"].rsplit("--", 1)[1]: int(each.get("weight", 0)) for each in clusters}
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise RouteError(f"not a route document: {error!r}") from error
    raise RouteError("not a route document: it has no weighted route")


def _action(destination: Json) -> Json:
    # Retried only where the request cannot have been seen: nothing is ever asked twice of a service.
    retry = {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2}
    return {**destination, "timeout": "0s", "retry_policy": retry, "upgrade_configs": [{"upgrade_type": "websocket"}]}


def _weighted(service: str, weights: Mapping[str, int], *, sticky: bool) -> Json:
    clusters = [_share(service, slot, weights[slot], sticky=sticky) for slot in sorted(weights)]
    return {"match": {"prefix": "/"}, "route": _action({"weighted_clusters": {"clusters": clusters}})}


def _share(service: str, slot: str, weight: int, *, sticky: bool) -> Json:
    share: dict[str, Json] = {"name": cluster(service, slot), "weight": weight}
    if sticky:
        cookie = f"{affinity_cookie(service)}={slot}; Path=/; HttpOnly; SameSite=Lax"
        share["response_headers_to_add"] = [{"header": {"key": "set-cookie", "value": cookie}}]
    return share


def _pinned(service: str, slot: str) -> Json:
    pattern = rf"(^|.*;\s*){affinity_cookie(service)}={slot}(;.*|$)"
    header = {"name": "cookie", "string_match": {"safe_regex": {"regex": pattern}}}
    return {"match": {"prefix": "/", "headers": [header]}, "route": _action({"cluster": cluster(service, slot)})}
