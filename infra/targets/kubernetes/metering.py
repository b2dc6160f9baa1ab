"""What the meter ``prometheus-text`` is told, for the gateways whose counters are known here. Pure.

What must not be here: how it counts; that is ``smoke.meters``.
"""

import re
from collections.abc import Mapping, Sequence

from infra.contract import Json

FAILED = r"5\d\d"
"""Codes that are errors, as everywhere."""


def traefik(
    urls: Sequence[str], namespace: str, route: str, backends: Mapping[str, str], kept: Sequence[int] = ()
) -> dict[str, Json]:
    """Traefik 3, whose metrics have the labels of services, as they do by default.

    It has a counter of its own for each Service that a rule leads to. Nothing is there before the first request.

    Args:
        urls: metrics of each replica, as ``http://traefik.example.com:9100/metrics``.
        namespace: of the HTTPRoute and of its Services.
        route: the HTTPRoute.
        backends: the Service of each slot.
        kept: places in the route of rules for browsers that are kept on a slot, from 0 on.
    """
    # In between are the gateway, its entry point, the rule's place, and what stands for its matches; the Service comes last.
    before, within = re.escape(f"httproute-{namespace}-{route}-gw-"), re.escape(f"-svc-{namespace}-")
    after = {slot: rf"{within}{re.escape(service)}-\d+@kubernetesgateway" for slot, service in backends.items()}
    places = "|".join(map(str, kept))
    named = {slot: {"service": rf"{before}.+-({places})(-[0-9a-f]{{8,}})?{each}"} for slot, each in after.items()} if kept else {}
    return {
        "url": list(urls),
        "requests": "traefik_service_requests_total",
        "slots": {slot: {"service": rf"{before}.+{each}"} for slot, each in after.items()},
        **({"named": named} if named else {}),
        "bad": {"code": FAILED},
        "latency": "traefik_service_request_duration_seconds",
    }


def envoy(urls: Sequence[str], namespace: str, route: str, rules: Sequence[int], backends: Mapping[str, int]) -> dict[str, Json]:
    """Envoy Gateway, whose proxies measure in milliseconds.

    It makes one cluster of a whole rule, with no counter for each backend, unless one of the rule's backendRefs has a filter;
    then each has a cluster of its own, called by its place. So each of ours must have one: without it, no slot is counted.

    Args:
        urls: metrics of each proxy, as ``http://10.0.0.7:19001/stats/prometheus``.
        namespace: of the HTTPRoute.
        route: the HTTPRoute.
        rules: places of our rules in the route, from 0 on: that of the weights, and those for browsers that are kept on a slot.
        backends: place of each slot's backendRef in each of them, from 0 on.
    """

    def clusters(those: Sequence[int]) -> dict[str, Json]:
        before, places = re.escape(f"httproute/{namespace}/{route}/rule/"), "|".join(map(str, those))
        return {slot: {"envoy_cluster_name": f"{before}({places})/backend/{place}"} for slot, place in backends.items()}

    return {
        "url": list(urls),
        "requests": "envoy_cluster_upstream_rq",
        "slots": clusters(rules),
        **({"named": clusters(rules[1:])} if rules[1:] else {}),
        "bad": {"envoy_response_code": FAILED},
        "latency": "envoy_cluster_upstream_rq_time",
        "latency_in": "milliseconds",
    }
