"""The documents of the proxy in front: bootstrap, clusters, listeners. Pure; the route document is the contract's."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Self

from infra.contract.document import Json
from infra.contract.route import cluster
from infra.targets.local.home import SLOTS, Home
from infra.targets.local.machine import slot_port

GRID_RATIO = 1.05
"""Width of a latency bucket; the margin that latency is compared with."""
IDLE = "1.5s"
"""Idle connections are closed by us, before a common server (gunicorn 2 s, uvicorn 5 s) closes one under a request."""
LOOPBACK = "127.0.0.1/32"
_ENVOY = "type.googleapis.com/envoy"
_MANY = 1_000_000
"""No limit of the proxy's own: a queue belongs into the service, where it can be seen."""


@dataclass(frozen=True, slots=True)
class Front:
    """One service as the proxy has it."""

    service: str
    port: int
    listen: str
    slots: Mapping[str, str]
    """``ip:port`` of each slot, whether somebody listens there or not."""
    inner: str = ""
    """Address of another network of this machine that it listens on as well; empty: none."""
    internal: str = LOOPBACK
    """Who may ask for a slot by name: processes of this machine or network, and not what they pass on for somebody else."""

    def to_json(self) -> Mapping[str, Json]:
        """The form that a resource carries."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> Self:
        """Read it back; numbers went through a form that has no whole ones."""
        return cls(**{**document, "port": int(document["port"])})


def front_here(service: str, port: int, listen: str) -> Front:
    """The front of a service whose slots are processes of this machine."""
    return Front(service, port, listen, {slot: f"127.0.0.1:{slot_port(port, slot)}" for slot in SLOTS})


def grid(edges: Iterable[float]) -> list[float]:
    """Edges of the latency histogram in milliseconds: from 1 to 60,000 by 5 %, and the objectives' own."""
    steps = [round(GRID_RATIO**power, 4) for power in range(226)]
    return sorted({*steps, *edges})


def bootstrap(home: Home, edges: Iterable[float]) -> Json:
    """What the proxy is started with. It holds nothing that changes, so that it is never started anew."""
    watch = {"watched_directory": {"path": str(home.folder / "envoy")}}
    return {
        "node": {"id": home.folder.name, "cluster": "crossfade"},
        "admin": {"address": {"pipe": {"path": str(home.admin), "mode": 0o600}}},
        "stats_flush_on_admin": True,
        "stats_config": {"histogram_bucket_settings": [{"match": {"suffix": "upstream_rq_time"}, "buckets": grid(edges)}]},
        "dynamic_resources": {
            "cds_config": {"path_config_source": {"path": str(home.folder / "envoy" / "clusters.json"), **watch}},
            "lds_config": {"path_config_source": {"path": str(home.folder / "envoy" / "listeners.json"), **watch}},
        },
    }


def clusters(fronts: Iterable[Front]) -> Json:
    """Both slots of every service, whether somebody listens there or not: a slot comes and goes, the proxy stays as it is."""
    return _response("config.cluster.v3.Cluster", [_cluster(front, slot) for front in fronts for slot in SLOTS])


def listeners(home: Home, fronts: Iterable[Front]) -> Json:
    """The door of every service."""
    return _response("config.listener.v3.Listener", [_listener(home, front) for front in fronts])


def _response(kind: str, resources: list[dict[str, Json]]) -> Json:
    return {"resources": [{"@type": f"{_ENVOY}.{kind}", **each} for each in resources]}


def _cluster(front: Front, slot: str) -> dict[str, Json]:
    name = cluster(front.service, slot)
    host, _, port = front.slots[slot].rpartition(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    no_limit = {"max_connections": _MANY, "max_pending_requests": _MANY, "max_requests": _MANY, "max_retries": _MANY}
    return {
        "name": name,
        "connect_timeout": "2s",
        "type": "STATIC",
        "circuit_breakers": {"thresholds": [no_limit]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_ENVOY}.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": IDLE},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def _listener(home: Home, front: Front) -> dict[str, Json]:
    file = home.route(front.service)
    watched = {"path": str(file), "watched_directory": {"path": str(file.parent)}}
    manager = {
        "@type": f"{_ENVOY}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": front.service,
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [_range(each) for each in dict.fromkeys((LOOPBACK, front.internal))]},
        "server_header_transformation": "PASS_THROUGH",
        # A quiet websocket is a healthy one, and how long a request may take is the service's to say.
        "stream_idle_timeout": "0s",
        "rds": {"route_config_name": front.service, "config_source": {"path_config_source": watched}},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_ENVOY}.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    inner = {"socket_address": {"address": front.inner, "port_value": front.port}}
    return {
        "name": front.service,
        "address": {"socket_address": {"address": front.listen, "port_value": front.port}},
        # Freely: the network of containers may come after the proxy, as it does when the machine starts.
        **({"additional_addresses": [{"address": inner}], "freebind": True} if front.inner else {}),
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
    }


def _range(network: str) -> Json:
    address, _, bits = network.partition("/")
    return {"address_prefix": address, "prefix_len": int(bits)}
