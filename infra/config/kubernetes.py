"""The settings that a cluster has and a machine has not: where in it, which gateway, and how many pods."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from infra.config.kinds import Model, refusal

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_LONGEST_LABEL, _LONGEST_HOST = 63, 253
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]*")
RUNTIME = "{runtime}"


def _label(value: str) -> str:
    if not re.fullmatch(_LABEL, value) or len(value) > _LONGEST_LABEL:
        better = re.sub(r"[^a-z0-9]+", "-", value.lower())[:_LONGEST_LABEL].strip("-")
        raise refusal(f"a name in a cluster is of a-z, 0-9 and hyphens, {_LONGEST_LABEL} at most", better or None)
    return value


def _gateway(value: str) -> str:
    parts = value.split("/")
    if len(parts) not in {1, 2} or not all(_HOST.fullmatch(part) and "*" not in part for part in parts):
        raise refusal("it is the name of a Gateway, or namespace/name", "gateways/public")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value) or len(value) > _LONGEST_HOST:
        better = (urlsplit(value if "//" in value else f"//{value}").hostname or "").lower()
        raise refusal("a host is a name alone, in small letters: no scheme, no port, no path", better or None)
    return value


def web_address(value: str) -> str:
    """An address of the web without a password in it, and without a slash at its end.

    Raises:
        PydanticCustomError: it is none.
    """
    if "@" in value:
        raise refusal("a password would lie open in the state")
    if not value.startswith(("http://", "https://")):
        raise refusal("it begins with http:// or https://", f"https://{value.partition('://')[2] or value}")
    try:
        whole = bool(urlsplit(value).hostname)
    except ValueError:
        whole = False
    if not whole or " " in value:
        raise refusal("it names no host")
    return value.rstrip("/")


def _several(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    return (value,) if isinstance(value, str) else value


def _image(value: str) -> str:
    if not _IMAGE.fullmatch(value.replace(RUNTIME, "py3")):
        raise refusal("it is the name of an image with its tag or digest; the one thing in braces it may have is {runtime}")
    return value


NameInCluster = Annotated[str, Field(min_length=1), AfterValidator(_label)]
Url = Annotated[str, AfterValidator(web_address)]
Image = Annotated[str, AfterValidator(_image)]


class GatewayMetrics(Model):
    """Where the gateway says what it counted."""

    kind: Literal["traefik", "envoy"] = Field(examples=["traefik"], description="whose names its metrics have")
    url: Annotated[tuple[Url, ...], BeforeValidator(_several)] = Field(
        min_length=1,
        examples=["http://gateway.example.com:9100/metrics"],
        description="its metrics in Prometheus' text format; of several replicas a list, all of them",
    )


class JobSettings(Model):
    """A Job that drives a rollout: `crossfade promote --in-cluster`."""

    image: Image = Field(
        examples=["registry.example.com/crossfade:1"], description="an image with Crossfade in it: deploy/driver.Dockerfile"
    )
    account: NameInCluster = Field(default="crossfade-driver", description="the ServiceAccount with the rights: deploy/rbac.yaml")


class KubernetesSettings(Model):
    """The place in a cluster that a stack lives in."""

    context: str | None = Field(
        default=None,
        min_length=1,
        examples=["production"],
        description="the context of the kubeconfig; without it the current one, or the cluster that a pod is in",
    )
    namespace: NameInCluster = Field(examples=["trading"], description="where everything is made; it must be there")
    gateway: Annotated[str, AfterValidator(_gateway)] | None = Field(
        default=None, examples=["gateways/public"], description="the Gateway that users come through: name, or namespace/name"
    )
    journal: Literal["cluster", "state"] = Field(
        default="cluster",
        description="where rollouts are remembered, and who drives: in the cluster, or beside the state of Pulumi",
    )
    identity: Literal["answers", "labels"] = Field(
        default="answers",
        description="what says which version a pod is: its answers, for which it is asked by way of the cluster's API; "
        "or its labels alone, where that may not reach pods",
    )
    driver: JobSettings | None = Field(
        default=None,
        examples=[{"image": "registry.example.com/crossfade:1"}],
        description="the Job that `crossfade promote --in-cluster` starts",
    )
    metrics: GatewayMetrics | None = Field(
        default=None,
        examples=[{"kind": "traefik", "url": "http://gateway.example.com:9100/metrics"}],
        description="where the gateway says what it counted: a rollout is judged by that",
    )


class Autoscale(Model):
    """More pods under load; ``replicas`` is the least."""

    max: int = Field(ge=2, le=1000, strict=True, examples=[10], description="the most pods that a slot may have")
    cpu: int = Field(
        default=70, ge=1, le=1000, strict=True, examples=[70], description="percent of `cpus` that the pods use on average"
    )


class InCluster(Model):
    """What a service has in a cluster alone."""

    replicas: int = Field(default=2, ge=1, le=1000, strict=True, examples=[2], description="pods in each slot")
    autoscale: Autoscale | None = Field(default=None, examples=[{"max": 10, "cpu": 70}])
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=(), examples=[["api.example.com"]], description="the hosts that users ask for; without them, any"
    )
    listener: str | None = Field(
        default=None, min_length=1, examples=["https"], description="the listener of the Gateway; without it, each that takes it"
    )
    manifests: str | None = Field(
        default=None,
        min_length=1,
        examples=["deploy/api"],
        description="a folder of YAML, or one file, that describes it already: as it is, with the image and labels of a slot",
    )
    url: Url | None = Field(
        default=None, examples=["https://api.example.com"], description="what users reach it by, through the Gateway"
    )


ALONE = ("replicas", "autoscale", "hosts", "listener", "url", "image", "manifests")
"""Settings of a program that mean nothing outside a cluster."""
