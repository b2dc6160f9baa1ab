"""The settings of a stack, as frozen models: what may be written, its defaults, and an example of each to paste."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from infra.config.checks import CheckSettings, Phase, Row, WaiverSettings
from infra.config.docker import Cpus, DockerSettings, Memory
from infra.config.health import AnyCheck
from infra.config.hours import FreezeSettings, WindowSettings
from infra.config.kinds import (
    Command,
    Count,
    Lock,
    Milliseconds,
    Model,
    Name,
    Port,
    Ratio,
    Runtime,
    Seconds,
    Share,
    Span,
    UrlPath,
    Variables,
)
from infra.config.kubernetes import RUNTIME, Image, InCluster, KubernetesSettings
from infra.config.metrics import MetricSettings
from infra.config.notify import NotifySettings

Slot = Literal["blue", "green"]


class OneOfSlot(Model):
    """What one service has of its own in one slot."""

    command: Command | None = Field(default=None, examples=["python -m service"], description="in the place of the service's")
    env: Variables = Field(default={}, examples=[{"LOG_LEVEL": "debug"}])


class SlotSettings(Model):
    """One of the two places a service runs."""

    runtime: Runtime = Field(examples=["py312"], description="the Python that the slot's services run on, as py312")
    env: Variables = Field(default={}, examples=[{"LOG_LEVEL": "debug"}])
    services: dict[Name, OneOfSlot] = Field(default={}, examples=[{"api": {"env": {"LOG_LEVEL": "debug"}}}])


class Program(Model):
    """Something that is started."""

    source: str = Field(min_length=1, examples=["services/api"], description="the folder with the program")
    lock: Lock = Field(
        examples=["services/api/locks/{runtime}.txt"],
        description="the locked requirements, with hashes; {runtime} stands for the slot's runtime",
    )
    command: Command = Field(
        examples=["python -m service"], description="what is started in the folder; HOST and PORT say where to listen"
    )
    env: Variables = Field(default={}, examples=[{"LOG_LEVEL": "info"}])
    dockerfile: str | None = Field(
        default=None,
        min_length=1,
        examples=["docker/Dockerfile.api"],
        description="what its image is built by, with the build argument PYTHON_VERSION; without it Crossfade's own",
    )
    memory: Memory | None = Field(default=None, examples=["512m"], description="what its container may use at most")
    cpus: Cpus | None = Field(default=None, examples=[1.5], description="processors that its container may use at most")
    image: Image | None = Field(
        default=None,
        examples=["registry.example.com/team/api:{runtime}"],
        description="an image that was built elsewhere, best by digest; {runtime} stands for the slot's runtime",
    )

    def lock_for(self, runtime: str) -> str:
        """The locked requirements of one runtime."""
        return self.lock.replace(RUNTIME, runtime)

    def image_for(self, runtime: str) -> str | None:
        """The image of one runtime that was built elsewhere, or None: it is built from source and lock."""
        return None if self.image is None else self.image.replace(RUNTIME, runtime)


class GateSettings(Model):
    """What must hold for a step to pass."""

    failures: int = Field(
        default=3, ge=1, strict=True, examples=[3], description="failed health checks in a row that end the rollout"
    )
    restarts: Count = Field(default=0, examples=[0])
    successes: int = Field(
        default=3, ge=1, strict=True, examples=[3], description="good health checks in a row before any traffic"
    )
    errors: Share = Field(default=0.01, examples=[0.01], description="share of requests that may fail")
    p95: Milliseconds = Field(default=1000.0, examples=["800ms"], description="what 95 % of requests must not exceed")
    error_ratio: Ratio = Field(
        default=2.0, examples=[2.0], description="the candidate may fail this many times as often as the live slot"
    )
    error_margin: Share = Field(
        default=0.001, examples=[0.001], description="share of requests that may fail on top of that: too few to matter"
    )
    latency_ratio: Ratio = Field(
        default=1.05, examples=[1.05], description="the candidate's latency may be this many times the live one's"
    )
    memory_ratio: Ratio = Field(
        default=2.0, examples=[2.0], description="the candidate's memory may be this many times the live one's"
    )
    requests: Count | None = Field(
        default=None,
        examples=[100],
        description="requests that the candidate must have answered at each step, in the place of the step's number; "
        "0: it may pass unseen",
    )


class Service(Program, InCluster):
    """A program in both slots, and how it is reached and watched."""

    @model_validator(mode="before")
    @classmethod
    def _said_elsewhere(cls, value: Any) -> Any:  # noqa: ANN401 - whatever was written
        """What an image holds, and what a folder of YAML says, need not be said again."""
        if not isinstance(value, Mapping):
            return value
        known = {"command": "-"} if "manifests" in value else {}
        known |= {"source": ".", "lock": "-"} if "manifests" in value and "image" in value else {}
        return {**known, **value}

    kind: Literal["http", "sticky-http", "singleton"] = Field(
        examples=["http"],
        description="http, sticky-http (dashboards: a browser stays on its slot) or singleton (never two at work)",
    )
    port: Port | None = Field(
        default=None, examples=[8080], description="where users reach it; the slots listen 10,000 and 20,000 above"
    )
    affinity: Seconds = Field(
        default=28_800.0,
        le=31_536_000,
        examples=["8h"],
        description="how long a browser stays on its slot at most; of a sticky-http service alone",
    )
    listen: Literal["127.0.0.1", "0.0.0.0"] = Field(default="127.0.0.1", examples=["127.0.0.1"])  # noqa: S104 - a person's choice
    after: tuple[Name, ...] = Field(default=(), examples=[["api"]], description="services that get their traffic before this one")
    health: tuple[AnyCheck, ...] = Field(
        default=(), examples=[[{"http": "/health/"}]], description="how to see that it is well: at least one check"
    )
    gates: GateSettings = Field(
        default=GateSettings(),
        examples=[{"latency_ratio": 2.0}],
        description="what must hold for this service; what is left out is the plan's",
    )
    metrics: dict[Name, MetricSettings] = Field(
        default={},
        examples=[{"rejected-orders": {"command": "python -m ops.rejects --slot {slot}", "at_most": 0.01}}],
        description="numbers of your own that it is judged on",
    )


class Companion(Program):
    """A program beside the slots, which a rollout does not touch: the simulator of something outside."""

    runtime: Runtime = Field(examples=["py312"], description="the Python that it runs on, as py312")
    port: Port | None = Field(default=None, examples=[9000])


class StepSettings(Model):
    """One step of the plan; what is left out is the plan's."""

    share: int = Field(ge=1, le=100, strict=True, examples=[10], description="percent of requests that the candidate gets")
    bake: Span | None = Field(default=None, examples=["1m"])
    requests: Count | None = Field(default=None, examples=[100])
    limit: Seconds | None = Field(default=None, examples=["30m"])
    approvals: Count = Field(default=0, examples=[1], description="persons who must approve before it begins")


class TrafficSettings(Model):
    """Synthetic requests through the front door, for a stack without users."""

    rate: float = Field(gt=0, le=5000, examples=[100], description="requests a second")
    path: UrlPath = Field(default="/", examples=["/prices"])


def _step(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    return {"share": value} if isinstance(value, int) and not isinstance(value, bool) else value


class PlanSettings(Model):
    """How traffic moves, and what must hold on the way."""

    steps: tuple[Annotated[StepSettings, BeforeValidator(_step)], ...] = Field(
        default=tuple(StepSettings(share=share) for share in (5, 25, 50, 100)), min_length=1, examples=[[5, 25, 50, 100]]
    )
    bake: Span = Field(default=60.0, examples=["1m"], description="how long each step is watched at least")
    last: Span = Field(default=600.0, examples=["10m"], description="how long the last step is watched: nobody looks afterwards")
    requests: Count = Field(
        default=100, examples=[100], description="requests that the candidate must have answered at each step"
    )
    limit: Seconds = Field(default=1800.0, examples=["30m"], description="when a step without a verdict ends")
    at_limit: Literal["hold", "back"] = Field(default="hold", examples=["hold"])
    warm_up: Span = Field(
        default=0.0, examples=["30s"], description="how long nothing is held against the candidate while its caches fill"
    )
    prove: Seconds = Field(default=60.0, examples=["1m"], description="how long the candidate has to become healthy")
    blind: Seconds = Field(default=10.0, examples=["10s"])
    hold: Seconds = Field(default=3600.0, examples=["1h"])
    tick: float = Field(default=0.25, ge=0.05, le=10, examples=[0.25])
    false_aborts: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        examples=[0.01],
        description="greatest probability that a rollout is taken back whose candidate is as good as allowed",
    )
    false_passes: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        examples=[0.05],
        description="greatest probability, for each test of each step, that a candidate worse than allowed passes",
    )
    windows: tuple[WindowSettings, ...] = Field(
        default=(),
        examples=[[{"days": "mon-fri", "hours": "09:00-17:00", "zone": "Europe/Berlin"}]],
        description="when a rollout may go forward; none: always",
    )
    freezes: tuple[FreezeSettings, ...] = Field(
        default=(),
        examples=[[{"from": "2026-12-20", "until": "2027-01-03", "why": "holidays", "zone": "Europe/Berlin"}]],
        description="when it may not, whatever the windows say",
    )
    approvals_last: Seconds = Field(default=3600.0, examples=["1h"], description="how long an approval counts")
    own_approval: bool = Field(
        default=True, strict=True, examples=[True], description="whether whoever began a rollout may approve it"
    )
    absence: Seconds = Field(
        default=60.0, examples=["60s"], description="how long a rollout may be without a driver before it is taken back"
    )
    keep: Span = Field(
        default=86_400.0, examples=["24h"], description="how long the slot that was live stays warm after a promotion"
    )
    gates: GateSettings = Field(default=GateSettings(), examples=[{"errors": 0.01}])
    traffic: dict[Name, TrafficSettings] = Field(default={}, examples=[{"api": {"rate": 100, "path": "/prices"}}])


class Settings(Model):
    """Everything about one stack."""

    target: Literal["local", "docker", "kubernetes"] = Field(
        examples=["local"], description="the kind of place the stack lives on"
    )
    start: Slot = Field(default="blue", examples=["blue"], description="the slot that serves first")
    slots: dict[Slot, SlotSettings] = Field(
        min_length=1,
        examples=[{"blue": {"runtime": "py39"}, "green": {"runtime": "py312"}}],
        description="the two places services run",
    )
    services: dict[Name, Service] = Field(
        min_length=1,
        examples=[
            {
                "api": {
                    "kind": "http",
                    "source": "services/api",
                    "lock": "services/api/locks/{runtime}.txt",
                    "command": "python -m service",
                    "port": 8080,
                    "health": [{"http": "/health/"}],
                }
            }
        ],
        description="what is deployed, in both slots",
    )
    companions: dict[Name, Companion] = Field(default={}, examples=[{}])
    docker: DockerSettings = Field(
        default=DockerSettings(), examples=[{"registry": "registry.example.com/team"}], description="of containers alone"
    )
    kubernetes: KubernetesSettings | None = Field(
        default=None,
        examples=[{"namespace": "trading", "gateway": "gateways/public"}],
        description="of the target kubernetes alone: where in the cluster the stack lives",
    )
    plan: PlanSettings = Field(default=PlanSettings(), examples=[{"steps": [5, 25, 50, 100]}])
    checks: dict[Name, CheckSettings] = Field(
        default={},
        examples=[{"unit-tests": {"phase": "test", "command": "pytest -q"}}],
        description="gates before a rollout; a command of your own answers each",
    )
    requires: tuple[Phase, ...] = Field(
        default=(), examples=[["test", "staging"]], description="phases whose gates must be open before a promotion begins"
    )
    notify: dict[Name, NotifySettings] = Field(
        default={},
        examples=[{"team": {"url_file": "ops/team.url", "form": "slack"}}],
        description="who is told when a rollout begins to go back, has ended, waits for a person or is stuck",
    )
    skips: dict[Row, Annotated[str, Field(min_length=1)]] = Field(
        default={}, examples=[{45: "we have no compose file"}], description="rows of the checklist that do not apply, and why"
    )
    waivers: tuple[WaiverSettings, ...] = Field(
        default=(),
        examples=[[{"check": "unit-tests", "owner": "ann", "why": "a driver is out", "until": "2026-12-20"}]],
        description="who answers for going on without a gate",
    )
    recorded: dict[Slot, dict[Name, Any]] | None = Field(
        default=None, description="inputs that slots are put back to; written by a revert, never by hand"
    )
    allow_live: str | None = Field(
        default=None,
        alias="allow-live",
        examples=["live-3f2a91c0"],
        description="allows one change of what has traffic; the refusal of that change says which word",
    )
