"""What a stack in a cluster needs beside its settings: a way there, rights in its namespace, a gateway and its counters."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

from smoke.doctor.check import Check, Outcome
from smoke.doctor.containers import CONTAINERS, PLUGINS, SOCKET, plugin
from smoke.doctor.machine import Machine
from smoke.doctor.wanted import Wanted
from smoke.foreign import shortened
from smoke.kubeconfig import NoWay, opened, troubles

if TYPE_CHECKING:
    import httpx2

OLDEST = "1.30"
"""The oldest Kubernetes that will do."""
PROVIDER = "4.25.0"
"""Of pulumi-kubernetes, and of the plugin that belongs to it."""
OUTSIDE = frozenset({"uv", "envoy", "supervisor"})
"""What a stack in a cluster needs no copy of on this machine."""
GATEWAYS = "gateway.networking.k8s.io"
RIGHTS: Mapping[tuple[str, str], Sequence[str]] = {
    (GATEWAYS, "httproutes"): ("get", "patch"),
    ("apps", "deployments"): ("list", "patch"),
    ("autoscaling", "horizontalpodautoscalers"): ("list", "patch"),
    ("apps", "replicasets"): ("list",),
    ("", "pods"): ("list",),
    ("", "pods/log"): ("get",),
    ("", "pods/proxy"): ("get",),
    ("", "events"): ("list",),
    ("", "configmaps"): ("get", "list", "create", "patch"),
    ("coordination.k8s.io", "leases"): ("get", "create", "patch"),
    ("batch", "jobs"): ("create",),
}
"""What a rollout needs, by group and resource: the role ``crossfade-rollout`` of deploy/rbac.yaml."""
COUNTERS: Mapping[str, str] = {"traefik": "traefik_service_requests_total", "envoy": "envoy_cluster_upstream_rq"}
"""By kind of gateway, the metric that a rollout is judged by."""
TOLD = (
    *("the kubeconfig leads to no cluster", "the cluster is too old", "the cluster has no Gateway API", "there is no Gateway"),
    *("the cluster does not", "there is no docker command", "no engine answers", "the engine at", "docker cannot build"),
    "Pulumi has no plugin",
)
"""How ``infra`` begins what it says of the same, whatever the settings; said once, it is said here."""
_LIMIT = 5.0
"""Seconds that a server may take to go on with an answer."""
_MOST = 200_000
"""Lines of metrics that are read."""
_EXTRA = "uv sync --extra kubernetes"
_KINDS = "install them, and a gateway: https://gateway-api.sigs.k8s.io/guides/getting-started/"


@dataclass(frozen=True, slots=True)
class Stake:
    """What a stack has to do with a cluster, by its settings."""

    context: str | None
    namespace: str
    gateway: tuple[str, str] | None
    """Namespace and name; None: it has none."""
    listeners: frozenset[str]
    """Those of the Gateway that are asked for by name."""
    counter: str
    """The metric that is counted by."""
    urls: Sequence[str]
    """Where it is shown."""
    engine: str | None
    """Address of the one that images are built in; None: none is built."""

    @property
    def told(self) -> tuple[str, ...]:
        """How ``infra`` begins what it says of the same."""
        context = (f"the cluster of context {self.context} does not",) if self.context else ()
        return (*TOLD, *context, *((f"the Gateway {self.gateway[1]} has no listener",) if self.gateway else ()))

    def kubectl(self, *words: str, namespace: str | None = None) -> str:
        """A command for people."""
        context = ["--context", self.context] if self.context else []
        return shlex.join(["kubectl", *context, *(["-n", namespace] if namespace else []), *words])


def stake_of(settings: str, shell: Mapping[str, str]) -> Stake | None:
    """What a settings file asks of a cluster; None where its target is another. What is wrong with the file is said elsewhere."""
    if not re.search(r"""crossfade:target["']?: *["']?kubernetes\b""", settings):
        return None
    import yaml  # noqa: PLC0415 - for the other targets a doctor needs no library

    config = (yaml.safe_load(settings) or {}).get("config") or {}
    if config.get("crossfade:target") != "kubernetes":
        return None
    place, docker = config.get("crossfade:kubernetes") or {}, config.get("crossfade:docker") or {}
    services = list((config.get("crossfade:services") or {}).values())
    programs = [*services, *(config.get("crossfade:companions") or {}).values()]
    namespace, _, name = (place.get("gateway") or "").rpartition("/")
    metrics = place.get("metrics") or {}
    urls = metrics.get("url") or []
    return Stake(
        context=place.get("context"),
        namespace=place["namespace"],
        gateway=(namespace or place["namespace"], name) if name else None,
        listeners=frozenset(each["listener"] for each in services if each.get("listener")),
        counter=COUNTERS[metrics["kind"]] if urls else "",
        urls=[urls] if isinstance(urls, str) else urls,
        engine=None if all(each.get("image") for each in programs) else docker.get("host") or shell.get("DOCKER_HOST") or SOCKET,
    )


def _packages(machine: Machine, stake: Stake) -> Iterator[Check]:
    """The extra ``kubernetes``, and the plugin that Pulumi takes for it."""
    del stake
    yield Wanted("lightkube", "1.0", _EXTRA).installed(machine)
    yield Wanted("pulumi-kubernetes", PROVIDER.rpartition(".")[0], _EXTRA).installed(machine)
    yield plugin(machine, "kubernetes", machine.package("pulumi-kubernetes") or PROVIDER, "what is in a cluster is")


def _images(machine: Machine, stake: Stake) -> Iterator[Check]:
    """What images are built with, where any are."""
    if stake.engine is not None:
        yield from CONTAINERS["docker"](machine, stake.engine)
        yield from CONTAINERS["buildx"](machine, stake.engine)
        yield plugin(machine, "docker-build", PLUGINS["docker-build"], "images are")


# The cluster


def _cluster(machine: Machine, stake: Stake) -> Iterator[Check]:
    """The way there; and where somebody answers, what he has and what we may."""
    if machine.package("lightkube") is None:
        return  # that is told
    try:
        door = opened(stake.context, _LIMIT)
    except NoWay as error:
        fix = "kubectl config get-contexts\nor say where the file is: export KUBECONFIG=..."
        yield Check("kubeconfig", Outcome.MISSING, str(error), "a context that leads to a cluster", fix)
        return
    with door:
        yield Check("kubeconfig", Outcome.OK, f"{stake.context or 'the current context'} leads to {_host(door)}")
        yield from _server(door, stake)


def _host(door: "httpx2.Client") -> str:
    return str(door.base_url.copy_with(userinfo=b"")).rstrip("/")


def _server(door: "httpx2.Client", stake: Stake) -> Iterator[Check]:
    wanted = Wanted("cluster", OLDEST, f"take a cluster of {OLDEST} or newer")
    try:
        status, known = _ask(door, "/version")
    except troubles() as error:
        found = f"it does not answer: {shortened(str(error) or type(error).__name__)}"
        yield Check("cluster", Outcome.MISSING, found, wanted.wanted, stake.kubectl("get", "--raw", "/readyz"))
        return
    if status == HTTPStatus.UNAUTHORIZED:
        found = f"it does not know who we are: {known.get('message')}"
        yield Check("cluster", Outcome.MISSING, found, "credentials that it takes", stake.kubectl("auth", "whoami"))
        return
    yield wanted.of(str(known.get("gitVersion")), _host(door))
    yield _rights(door, stake)
    if stake.gateway is not None:
        yield from _gateway(door, stake, *stake.gateway)


def _rights(door: "httpx2.Client", stake: Stake) -> Check:
    wanted = "the role crossfade-rollout of deploy/rbac.yaml"
    lacking = [f"{verb} {resource}{group and '.'}{group}" for group, resource, verb in missing_rights(door, stake.namespace)]
    if not lacking:
        return Check("rights", Outcome.OK, f"all that a rollout needs in namespace {stake.namespace}", wanted)
    me = _me(door)
    bind = ("create", "rolebinding", f"crossfade-rollout:{re.sub(r'[/%]', '-', me)}", "--role", "crossfade-rollout", "--user", me)
    fix = ["ask whoever owns the cluster for:", stake.kubectl("apply", "-f", "deploy/rbac.yaml", namespace=stake.namespace)]
    found = f"in namespace {stake.namespace} we may not: {', '.join(lacking)}"
    return Check("rights", Outcome.MISSING, found, wanted, "\n".join([*fix, stake.kubectl(*bind, namespace=stake.namespace)]))


def missing_rights(door: "httpx2.Client", namespace: str) -> list[tuple[str, str, str]]:
    """Group, resource and verb of each right of a rollout's that we have not in a namespace."""
    every = [(group, resource, verb) for (group, resource), verbs in RIGHTS.items() for verb in verbs]
    return [each for each in every if not _may(door, namespace, *each)]


def _may(door: "httpx2.Client", namespace: str, group: str, resource: str, verb: str) -> bool:
    name, _, part = resource.partition("/")
    asked = {"namespace": namespace, "group": group, "resource": name, "subresource": part, "verb": verb}
    return bool(_review(door, "authorization", "SelfSubjectAccessReview", {"resourceAttributes": asked})["allowed"])


def _me(door: "httpx2.Client") -> str:
    return str(_review(door, "authentication", "SelfSubjectReview", {})["userInfo"]["username"])


def _review(door: "httpx2.Client", group: str, kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the server says of ourselves; it keeps nothing of it."""
    api = f"{group}.k8s.io/v1"
    status, known = _ask(
        door, f"/apis/{api}/{kind.lower()}s", {"apiVersion": api, "kind": kind, **({"spec": spec} if spec else {})}
    )
    if "status" not in known or status >= HTTPStatus.BAD_REQUEST:
        raise ValueError(f"the server says nothing of what we may: {known.get('message') or status}")
    return dict(known["status"])


def _gateway(door: "httpx2.Client", stake: Stake, namespace: str, name: str) -> Iterator[Check]:
    """The kinds of the Gateway API, and the Gateway."""
    _, known = _ask(door, f"/apis/{GATEWAYS}/v1")
    kinds = {str(each.get("name")) for each in known.get("resources") or ()}
    if not {"httproutes", "gateways"} <= kinds:
        yield Check("gateway api", Outcome.MISSING, f"the cluster has no kinds of {GATEWAYS}/v1", "its kinds", _KINDS)
        return
    yield Check("gateway api", Outcome.OK, f"{GATEWAYS}/v1")
    status, known = _ask(door, f"/apis/{GATEWAYS}/v1/namespaces/{namespace}/gateways/{name}")
    yield _listening(stake, namespace, name, known) if status == HTTPStatus.OK else _unseen(stake, namespace, name, status, known)


def _unseen(stake: Stake, namespace: str, name: str, status: int, known: Mapping[str, Any]) -> Check:
    if status == HTTPStatus.NOT_FOUND:
        fix = f"{stake.kubectl('get', 'gateways', '-A')} shows which there are; write namespace/name"
        return Check("gateway", Outcome.MISSING, f"there is no Gateway {namespace}/{name}", "the one of the settings", fix)
    fix = "the ClusterRole crossfade-gateway of deploy/rbac.yaml lets you look; who promotes does without"
    return Check("gateway", Outcome.UNKNOWN, f"{namespace}/{name}: {known.get('message')}", "the one of the settings", fix)


def _listening(stake: Stake, namespace: str, name: str, known: Mapping[str, Any]) -> Check:
    listeners = [str(each["name"]) for each in known["spec"]["listeners"]]
    wanted = ", ".join(sorted(stake.listeners)) or "a listener"
    if lacking := sorted(stake.listeners - {*listeners}):
        found = f"{namespace}/{name} has {', '.join(listeners)}, and not {', '.join(lacking)}"
        return Check("gateway", Outcome.MISSING, found, wanted, f"listener: {listeners[0]}")
    told = {each["type"]: each for each in (known.get("status") or {}).get("conditions") or ()}
    programmed = told.get("Programmed") or {}
    if programmed.get("status") != "True":
        found = f"{namespace}/{name} is not programmed: {programmed.get('message') or 'no controller says so'}"
        return Check("gateway", Outcome.NOTE, found, fix=stake.kubectl("describe", "gateway", name, namespace=namespace))
    return Check("gateway", Outcome.OK, f"{namespace}/{name} with {', '.join(listeners)}", wanted)


def _ask(door: "httpx2.Client", path: str, document: Mapping[str, Any] | None = None) -> tuple[int, Mapping[str, Any]]:
    """Status and document. Raises one of ``troubles()``."""
    answer = door.request("GET" if document is None else "POST", path, json=document)
    known = answer.json()
    if not isinstance(known, dict):
        raise TypeError(f"status {answer.status_code}, and what is no API server's")
    return answer.status_code, known


# Its counters


def _metrics(machine: Machine, stake: Stake) -> Iterator[Check]:
    """Whether each replica of the gateway shows what a rollout is judged by."""
    del machine
    for url in stake.urls:
        yield _shown(stake.counter, url)


def _shown(counter: str, url: str) -> Check:
    import ssl  # noqa: PLC0415 - see below

    import httpx  # noqa: PLC0415 - slow, and nobody else needs it

    kind, verify = counter.partition("_")[0], ssl.create_default_context()
    try:
        # As the meter asks: past proxies, by the system's own authorities.
        with httpx.Client(verify=verify, trust_env=False, timeout=_LIMIT) as client, client.stream("GET", url) as answer:
            answer.raise_for_status()
            names = {re.split(r"[{\s]", line, maxsplit=1)[0] for line in islice(answer.iter_lines(), _MOST)}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check("metrics", Outcome.MISSING, f"{url}: {shortened(str(error))}", counter, f"curl -sS {shlex.quote(url)}")
    if counter in names:
        return Check("metrics", Outcome.OK, f"{url} has {counter}", counter)
    if any(each.startswith(f"{kind}_") for each in names):
        found = f"{url} has no {counter}, or not before the first request"
        fix = "metrics: {prometheus: {addServicesLabels: true}} in Traefik's configuration" if kind == "traefik" else ""
        return Check("metrics", Outcome.NOTE, found, counter, fix)
    return Check("metrics", Outcome.MISSING, f"{url} shows nothing of {kind}'s", counter, f"curl -sS {shlex.quote(url)}")


CLUSTER: Mapping[str, Callable[[Machine, Stake], Iterator[Check]]] = {
    "packages": _packages,
    "images": _images,
    "cluster": _cluster,
    "metrics": _metrics,
}
"""What a stack needs whose target is ``kubernetes``."""
