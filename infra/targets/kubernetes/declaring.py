"""The resources of a stack in a cluster, as Pulumi is told of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.core.v1 import Service as ClusterService
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.yaml.v2 import ConfigGroup

from infra.config.settings import Service
from infra.contract.document import Json
from infra.release import Inputs
from infra.targets.kubernetes.imaging import Images
from infra.targets.kubernetes.layout import PORT, SLOTS, Layout, Seat
from infra.targets.kubernetes.objects import birth, budget, deployment, scaler, service
from infra.targets.kubernetes.routing import ROUTES, Way
from infra.targets.kubernetes.standing import Born

EVERYTHING = ["*"]
COUNT = ["spec.replicas"]
"""Set once: from then on by what scales it, or hands work over."""
LEAST = ["spec.minReplicas"]
CONTENT = [
    "spec.selector",
    "spec.strategy",
    "spec.minReadySeconds",
    "spec.progressDeadlineSeconds",
    "spec.revisionHistoryLimit",
    "spec.template",
]
"""All of a Deployment that its pods are made by, but for their number."""
PLACE = ["metadata.namespace"]
"""Of everything: in another namespace it would be made anew, and removed where users reach it."""
WEIGHTS = ["spec.rules"]
"""The rules of a route are one value, with one owner: once it is made, the router."""


@dataclass(frozen=True, slots=True)
class Present:
    """What is so at the moment, and must stay so."""

    serving: str
    """The slot that what is new begins with."""
    kept: Collection[str]
    """Slots whose pods stay as they are, whatever would be declared anew of them; their number may change."""
    at_work: Collection[tuple[str, str | None]]
    """Singletons that are at work, each with its slot."""
    held: Collection[str] = ()
    """Autoscalers whose least number is a rollout's for now."""


class Declaration:
    """Collects what is declared."""

    def __init__(self, layout: Layout, images: Images, present: Present, *, told: bool) -> None:
        """``told``: requests say which slot they are for."""
        self._layout = layout
        self._images = images
        self._now = present
        self._told = told
        self._all: list[pulumi.Resource] = []
        # Never another cluster: with its own guess the provider would delete in the one and make anew in the other.
        self._cluster = Provider("cluster", context=layout.context, cluster_identifier=layout.birth)
        self._birth = ConfigMap("birth", **birth(layout, present.serving), opts=self._options(EVERYTHING))

    def program(self, name: str, slot: str, inputs: Inputs, settings: Service | None) -> None:
        """The pods of a service in a slot; no settings: it was in a release that is put back, and is no longer written."""
        seat = self._layout.seat(name, slot)
        if inputs["kind"] == "singleton":
            self._pods(seat, inputs, int(self._works(name, slot)), owned=False)
            return
        scale, replicas = (None, 1) if settings is None else (settings.autoscale, _replicas(settings, inputs))
        self._pods(seat, inputs, replicas, owned=scale is None)
        self._keep(PodDisruptionBudget(f"budget of {_title(seat)}", **budget(seat), opts=self._options()))
        if scale is not None:
            given = scaler(seat, replicas, scale)
            ignored = LEAST if seat.name in self._now.held else ()
            self._keep(HorizontalPodAutoscaler(f"scaler of {_title(seat)}", **given, opts=self._options(ignored)))

    def _works(self, name: str, slot: str) -> bool:
        """Whether a singleton is at work in a slot: one that is in the other is handed over, and never begun beside."""
        slots = [where for each, where in self._now.at_work if each == name]
        return slot in slots if slots else slot == self._now.serving

    def companion(self, name: str, inputs: Inputs) -> None:
        """A program beside the slots."""
        seat = self._layout.seat(name, None)
        self._pods(seat, inputs, 1, owned=True)
        if inputs.get("port") is not None:
            self._address(seat, inputs["port"])

    def way(self, name: str, settings: Service) -> None:
        """How traffic finds the slots: an address for each, also for one that has no pods, and a route over both."""
        if settings.port is None:
            return
        target = PORT if settings.manifests is None else settings.port
        addresses = [self._address(self._layout.seat(name, slot), settings.port, target) for slot in SLOTS]
        if settings.kind != "singleton":
            version, kind = ROUTES
            options = pulumi.ResourceOptions.merge(self._options(WEIGHTS), pulumi.ResourceOptions(depends_on=addresses))
            given = Way(self._layout, name, settings, self._now.serving, self._told).route()
            self._keep(CustomResource(f"route of {name}", api_version=version, kind=kind, **given, opts=options))

    def beside(self, name: str, objects: Sequence[Mapping[str, Json]]) -> None:
        """What a folder of YAML has beside its Deployment: once, for both slots."""
        if objects:
            options = pulumi.ResourceOptions(provider=self._cluster)
            self._keep(ConfigGroup(f"manifests of {name}", objs=objects, skip_await=True, opts=options))

    def born(self) -> pulumi.Output[Born]:
        """The first thing of the stack; known once everything is declared and made."""
        everything = pulumi.Output.all(*(each.urn for each in self._all))
        return pulumi.Output.all(self._birth.metadata, everything).apply(lambda known: _born(known[0]))

    def _pods(self, seat: Seat, inputs: Inputs, replicas: int, *, owned: bool) -> None:
        """``owned``: the number of pods is ours to change."""
        ignored = [] if owned else COUNT
        if seat.slot in self._now.kept:
            ignored = CONTENT if owned else EVERYTHING
        given = deployment(seat, inputs, self._images.of(seat.service, inputs), replicas)
        self._keep(Deployment(f"pods of {_title(seat)}", **given, opts=self._options(ignored)))

    def _address(self, seat: Seat, port: int, target: Json = PORT) -> pulumi.Resource:
        options = self._options(EVERYTHING if seat.slot in self._now.kept else [])
        return self._keep(ClusterService(f"address of {_title(seat)}", **service(seat, port, target), opts=options))

    def _keep(self, made: pulumi.Resource) -> pulumi.Resource:
        self._all.append(made)
        return made

    def _options(self, ignored: Sequence[str] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=self._cluster, ignore_changes=[*PLACE, *ignored])


def _replicas(settings: Service, inputs: Inputs) -> int:
    """What the settings say; where they say nothing, a folder of YAML may."""
    told = None if "replicas" in settings.model_fields_set else inputs.get("manifests", {}).get("replicas")
    return settings.replicas if told is None else int(told)


def _title(seat: Seat) -> str:
    return seat.service if seat.slot is None else f"{seat.service} on {seat.slot}"


def _born(metadata: Mapping[str, str] | None) -> Born:
    known = metadata or {}
    return Born(known.get("namespace", ""), known.get("uid", ""), known.get("creation_timestamp", ""))
