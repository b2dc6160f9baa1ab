"""What the real SDK registers when a stack in a cluster is declared; the engine is the SDK's own stand-in."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.stack import run_pulumi_func

from infra.config import Document, Settings, validate
from infra.release import guarded, wanted
from infra.targets.kubernetes import Kubernetes
from infra.targets.kubernetes.standing import Seen
from infra.targets.target import Site

STACK = "staging"
UID = "0123456789abcdef"
"""Of the stack's first thing."""
CHECK: Mapping[str, Any] = {"http": {"path": "/health/"}}
API: Mapping[str, Any] = {
    "kind": "http",
    "source": "src",
    "lock": "lock-{runtime}.txt",
    "image": "registry.example.com/api:{runtime}",
    "command": "serve --bind {host}:{port}",
    "port": 8080,
    "url": "https://api.example.com/",
    "env": {"LOG_LEVEL": "info"},
    "memory": "512m",
    "cpus": 0.5,
    "health": [CHECK],
}
AGENT: Mapping[str, Any] = {
    "kind": "singleton",
    "source": "src",
    "lock": "lock-{runtime}.txt",
    "image": "registry.example.com/agent:{runtime}",
    "command": "work",
    "after": ["api"],
    "health": [{"heartbeat": {"max_age": "5s"}}],
}
VALUES: Mapping[str, Any] = {
    "target": "kubernetes",
    "slots": {"blue": {"runtime": "py39"}, "green": {"runtime": "py312"}},
    "kubernetes": {
        "namespace": "trading",
        "gateway": "gateways/public",
        "metrics": {"kind": "traefik", "url": "http://gateway.example.com:9100/metrics"},
    },
    "services": {"api": API, "agent": AGENT},
}


@dataclass(frozen=True, slots=True)
class Registered:
    """One resource as the engine is told of it."""

    type: str
    inputs: Mapping[str, Any]
    ignored: tuple[str, ...]
    """Paths that stay as they are once it is there."""
    needs: frozenset[str]
    """Names of what it is made after."""
    retained: bool
    """Whether it stays where it is when it is no longer declared."""


class _Engine(mocks.MockMonitor):
    """Keeps the requests, of which the SDK's own stand-in tells a part alone."""

    def __init__(self) -> None:
        super().__init__(_Answers())
        self.seen: dict[str, Registered] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - the SDK's name and types
        answer = super().RegisterResource(request)
        if request.custom:
            inputs = pulumi.runtime.rpc.deserialize_properties(request.object)
            needs = frozenset(each.rpartition("::")[2] for each in request.dependencies)
            self.seen[request.name] = Registered(
                request.type, inputs, tuple(request.ignoreChanges), needs, request.retainOnDelete
            )
        return answer


class _Answers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        known = dict(args.inputs)
        if args.typ == "kubernetes:core/v1:ConfigMap":
            born = {"creationTimestamp": "2026-11-30T15:00:00Z", "uid": UID}
            known["metadata"] = {**known["metadata"], **born}
        if args.typ == "docker-build:index:Image":
            known["digest"] = "sha256:" + 64 * "a"
        return f"id of {args.name}", known

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(args.token)


class _Cluster:
    """One that is asked for the stack's first thing alone."""

    def __init__(self, uid: str) -> None:
        self._uid = uid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    def get(self, *_: object) -> Mapping[str, Any]:
        return {"metadata": {"uid": self._uid}}


def settings_of(values: Mapping[str, Any] = VALUES) -> Settings:
    """Valid settings."""
    return validate(Document(f"Pulumi.{STACK}.yaml", values))


@dataclass(frozen=True, slots=True)
class Told:
    """What the engine was told."""

    resources: Mapping[str, Registered]
    born: str

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """The inputs of a resource."""
        return self.resources[name].inputs


def api_with(**change: object) -> Mapping[str, Any]:
    """The settings, with these of the service changed."""
    return {**VALUES, "services": {**VALUES["services"], "api": {**API, **change}}}


def declared(project: Path, values: Mapping[str, Any] = VALUES, seen: Seen | None = None, uid: str = UID) -> Told:
    """What is registered for these settings, in a cluster that has this already."""
    document = Document(f"Pulumi.{STACK}.yaml", values)
    given = settings_of(values)
    cluster: Any = _Cluster(uid)
    place = Kubernetes(Site(STACK, project), lambda _: cluster, seen)
    standing = place.standing()
    slots = guarded(wanted(given, place.made), standing, given, document)
    return ran(lambda: place.declare(given, slots, standing.serving or given.start))


def ran(act: Callable[[], "pulumi.Output[str]"]) -> Told:
    """What is registered while ``act`` runs, and what comes of it."""
    with _engine() as engine:
        known: list[str] = []

        async def run() -> None:
            await run_pulumi_func(lambda: act().apply(known.append))

        asyncio.get_event_loop().run_until_complete(run())
        return Told(engine.seen, known[0])


@contextmanager
def _engine() -> Iterator[_Engine]:
    engine, loop = _Engine(), asyncio.new_event_loop()
    loops = [loop]

    def with_loop() -> None:
        # Else the SDK gives its threads loops that nobody closes.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    loop.set_default_executor(ThreadPoolExecutor(max_workers=4, initializer=with_loop))
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(_Answers(), project="crossfade", stack=STACK, preview=False, monitor=engine)
        yield engine
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        for each in loops:
            each.close()


def seen_of(
    told: Told,
    weights: Mapping[str, int] | None = None,
    counts: Mapping[str, int] | None = None,
    without: frozenset[str] | set[str] = frozenset(),
) -> Seen:
    """What a cluster has that was given this; with other weights, other numbers of pods, and without some Deployments."""
    pods = [json.loads(json.dumps(each.inputs)) for each in told.resources.values() if each.type.endswith(":Deployment")]
    routes = [json.loads(json.dumps(each.inputs)) for each in told.resources.values() if each.type.endswith(":HTTPRoute")]
    for each in pods:
        each["spec"]["replicas"] = (counts or {}).get(each["metadata"]["name"], each["spec"]["replicas"])
    for each in routes:
        for share in each["spec"]["rules"][0]["backendRefs"]:
            slot = share["name"].rpartition("-")[2]
            share["weight"] = (weights or {}).get(slot, share["weight"])
    kept = [each for each in pods if each["metadata"]["name"] not in without]
    return Seen(kept, routes, json.loads(json.dumps(told.resources["birth"].inputs)))
