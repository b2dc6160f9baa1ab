"""A service that a folder of YAML describes already: what of it becomes a slot's pods, what is declared once beside them.

What must not be here: what pods are made of where there is no such folder; that is ``placing``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.contract.document import Json
from infra.targets.kubernetes.layout import SLOTS, VERSION, Layout, Seat

_KINDS = frozenset({".yaml", ".yml", ".json"})
_WIDE = frozenset(
    {"Namespace", "Node", "PersistentVolume", "StorageClass", "IngressClass", "GatewayClass", "PriorityClass", "RuntimeClass"}
    | {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "APIService", "ValidatingAdmissionPolicy"}
    | {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
)
"""Kinds that are in no namespace."""
_KEPT = ("minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit")
_TRY = "kubectl apply --dry-run=server -f says more"
GRACE = 30
"""Seconds that a pod has to end where nothing is said, by the cluster's own rule."""


class ManifestsError(Exception):
    """A folder that cannot be taken as it is."""

    def __init__(self, what: str, file: str, cause: str, hint: str) -> None:
        super().__init__(_plainly(f"{what}: {file}: {cause}"))
        # What a file says may have been written to be read otherwise.
        self.what, self.file, self.cause, self.hint = map(_plainly, (what, file, cause, hint))


@dataclass(frozen=True, slots=True)
class Found:
    """One document of a folder."""

    file: str
    body: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What it is."""
        return str(self.body.get("kind"))

    @property
    def name(self) -> str:
        """What it is called."""
        return str((self.body.get("metadata") or {}).get("name"))

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Manifests:
    """A folder of a service, whole."""

    workload: Found
    """Its Deployment."""
    container: str
    """The one whose image is the slot's."""
    others: Sequence[Found]

    @property
    def ready(self) -> bool:
        """Whether its kubelet sees when it may have requests."""
        return bool(self._own.get("readinessProbe"))

    @property
    def ports(self) -> Sequence[int]:
        """Those that the pods say they listen on; none: they do not say."""
        containers = self.workload.body["spec"]["template"]["spec"]["containers"]
        return [int(port["containerPort"]) for each in containers for port in each.get("ports") or ()]

    @property
    def _own(self) -> Mapping[str, Any]:
        containers: Sequence[Mapping[str, Any]] = self.workload.body["spec"]["template"]["spec"]["containers"]
        return next(each for each in containers if each["name"] == self.container)

    def beside(self, namespace: str) -> Sequence[Mapping[str, Json]]:
        """What is declared once, as it is."""
        return [
            {**_plain(each.body), "metadata": {**_plain(each.body["metadata"]), "namespace": namespace}} for each in self.others
        ]

    def recorded(self) -> Mapping[str, Json]:
        """What a slot's pods are made from: all of it but the image."""
        spec = self.workload.body["spec"]
        template = spec["template"]
        own = template.get("metadata") or {}
        return {
            "container": self.container,
            "replicas": int(spec.get("replicas", 1)),
            "labels": _plain(own.get("labels") or {}),
            "annotations": _plain(own.get("annotations") or {}),
            "more": {name: _plain(spec[name]) for name in (*_KEPT, "strategy") if spec.get(name) is not None},
            "pod": _plain(template["spec"]),
        }


def read(folder: Path, service: str, namespace: str) -> Manifests:
    """A folder, or one file, of YAML.

    Raises:
        ManifestsError: it cannot be taken as it is.
    """
    found = [each for file in _files(folder) for each in _documents(file)]
    workload = _workload(found, folder, service)
    try:
        manifests = Manifests(workload, _container(workload, service), [each for each in found if each is not workload])
        recorded, _ = manifests.recorded(), manifests.ports
        template(Seat(Layout("", namespace, None, None), service, SLOTS[0]), recorded, "", "", {})
        for each in found:
            _check(each, workload, recorded["labels"], namespace)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ManifestsError("it is no object of a cluster", workload.file, repr(error), _TRY) from error
    return manifests


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, Any]) -> bool:
    """Whether a Service's selector, or the matchLabels of another, finds pods with these labels."""
    return bool(selector) and all(labels.get(name) == value for name, value in (selector or {}).items())


def template(seat: Seat, recorded: Mapping[str, Json], image: Json, version: str, env: Mapping[str, str]) -> Mapping[str, Json]:
    """The template of a slot's pods: as it is written, with the image, our labels, and the environment of the settings."""
    spec = recorded["pod"]
    containers = [_with(each, image, env) if each["name"] == recorded["container"] else each for each in spec["containers"]]
    labels = {**seat.labels, **recorded["labels"], **seat.selector, VERSION: version}
    notes = {"annotations": recorded["annotations"]} if recorded["annotations"] else {}
    return {"metadata": {"labels": labels, **notes}, "spec": {**spec, "containers": containers}}


def _with(container: Mapping[str, Json], image: Json, env: Mapping[str, str]) -> Mapping[str, Json]:
    kept = [each for each in container.get("env") or () if each["name"] not in env]
    whole = [*kept, *({"name": name, "value": value} for name, value in sorted(env.items()))]
    return {**container, "image": image, **({"env": whole} if whole else {})}


def _plainly(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


# Reading


def _files(folder: Path) -> Sequence[Path]:
    files = [folder] if folder.is_file() else sorted(each for each in folder.glob("*") if each.suffix in _KINDS)
    if not files:
        raise ManifestsError(
            "there is no YAML", str(folder), "no *.yaml, *.yml or *.json is there", "say where it is, from the project's folder"
        )
    return files


def _documents(file: Path) -> Iterator[Found]:
    try:
        bodies = [each for each in yaml.safe_load_all(file.read_text(encoding="utf-8")) if each is not None]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ManifestsError("it cannot be read", str(file), " ".join(str(error).split()), _TRY) from error
    for body in bodies:
        if not isinstance(body, dict) or not body.get("kind") or not isinstance(body.get("metadata"), dict):
            raise ManifestsError(
                "it is no object of a cluster", str(file), "it has no kind, or no metadata", "take it out of the folder"
            )
        if body["kind"] == "Kustomization":
            raise ManifestsError(
                "it is to be built first", str(file), "a Kustomization is no object", "kubectl kustomize FOLDER > all.yaml"
            )
        yield Found(str(file), body)


def _workload(found: Sequence[Found], folder: Path, service: str) -> Found:
    deployments = [each for each in found if each.kind == "Deployment"]
    named = deployments if len(deployments) == 1 else [each for each in deployments if each.name == service]
    if len(named) != 1:
        names = ", ".join(each.name for each in deployments) or "none"
        raise ManifestsError(
            "which Deployment is it?", str(folder), f"its Deployments are {names}", f"let one, or only one, be called {service}"
        )
    return named[0]


def _container(workload: Found, service: str) -> str:
    names = [str(each["name"]) for each in workload.body["spec"]["template"]["spec"]["containers"]]
    if not names:
        raise ManifestsError(f"{workload.title} has no containers", workload.file, "spec.template.spec.containers is empty", _TRY)
    if len(names) > 1 and service not in names:
        cause = f"its containers are {', '.join(names)}"
        raise ManifestsError("which container's image is it?", workload.file, cause, f"let one be called {service}")
    return service if service in names else names[0]


def _check(found: Found, workload: Found, labels: Mapping[str, Any], namespace: str) -> None:
    metadata, spec = found.body["metadata"], found.body.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    if found.kind in _WIDE:
        cause = "it is the whole cluster's, and a stack has a namespace"
        raise ManifestsError(f"{found.title} cannot be in it", found.file, cause, "leave it to whoever owns the cluster")
    if metadata.get("namespace") not in {None, namespace}:
        cause = f"it is of namespace {metadata['namespace']}, and the stack of {namespace}"
        raise ManifestsError(f"{found.title} cannot be in it", found.file, cause, f"take its namespace out, or write {namespace}")
    selector = spec.get("selector")
    if found.kind == "Service" and selects(selector, labels):
        cause = "it would send requests to the pods of both slots, past the weights"
        hint = "take it out: in its place are a Service for each slot, and the route"
        raise ManifestsError(f"{found.title} cannot be in it", found.file, cause, hint)
    if found.kind == "PodDisruptionBudget" and selects((selector or {}).get("matchLabels"), labels):
        cause = "each slot has a budget, and no pod of two can be moved"
        raise ManifestsError(f"{found.title} cannot be in it", found.file, cause, "take it out")
    if found.kind == "HorizontalPodAutoscaler" and (spec.get("scaleTargetRef") or {}).get("name") == workload.name:
        cause = "each slot has its own"
        raise ManifestsError(
            f"{found.title} cannot be in it", found.file, cause, "take it out, and write autoscale in the settings"
        )


def _plain(value: Any) -> Json:  # noqa: ANN401 - whatever YAML has
    """As Pulumi keeps it: no nothing, and 1.0 as 1."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float) else str(value)  # what YAML takes for a date was a text
