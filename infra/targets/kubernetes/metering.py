"""What the meter ``prometheus-text`` is told, for the gateways whose counters are known here. Pure.

What must not be here: how it counts; that is ``smoke.meters``.
"""

import re
from collections.abc import Mapping, Sequence

from infra.contract import Json

FAILED = r"5\d\d"
"""Codes that are errors, as everywhere."""


def traefik(urls: Sequence[str], namespace: str, route: str, backends: Mapping[str, str]) -> dict[str, Json]:
    """Traefik 3, whose metrics have the labels of services, as they do by default.

    It has a counter of its own for each Service that a rule leads to. Nothing is there before the first request.

    Args:
        urls: metrics of each replica, as ``http://traefik.example.com:9100/metrics``.
        namespace: of the HTTPRoute and of its Services.
        route: the HTTPRoute.
        backends: the Service of each slot.
    """
    # In between are the gateway, its entry point and the rule's place, which may change; the Service and its place come last.
    before, within = re.escape(f"httproute-{namespace}-{route}-gw-"), re.escape(f"-svc-{namespace}-")
    return {
        "url": list(urls),
        "requests": "traefik_service_requests_total",
        "slots": {
            slot: {"service": rf"{before}.+{within}{re.escape(service)}-\d+@kubernetesgateway"}
            for slot, service in backends.items()
        },
        "bad": {"code": FAILED},
        "latency": "traefik_service_request_duration_seconds",
    }


def envoy(urls: Sequence[str], namespace: str, route: str, rule: int, backends: Mapping[str, int]) -> dict[str, Json]:
    """Envoy Gateway, whose proxies measure in milliseconds.

    It makes one cluster of a whole rule, with no counter for each backend, unless one of the rule's backendRefs has a filter;
    then each has a cluster of its own, called by its place. So each of ours must have one: without it, no slot is counted.

    Args:
        urls: metrics of each proxy, as ``http://10.0.0.7:19001/stats/prometheus``.
        namespace: of the HTTPRoute.
        route: the HTTPRoute.
        rule: place of our rule in the route, from 0 on.
        backends: place of each slot's backendRef in the rule, from 0 on.
    """
    clusters = {slot: f"httproute/{namespace}/{route}/rule/{rule}/backend/{place}" for slot, place in backends.items()}
    return {
        "url": list(urls),
        "requests": "envoy_cluster_upstream_rq",
        "slots": {slot: {"envoy_cluster_name": re.escape(cluster)} for slot, cluster in clusters.items()},
        "bad": {"envoy_response_code": FAILED},
        "latency": "envoy_cluster_upstream_rq_time",
        "latency_in": "milliseconds",
    }
