"""The page that lists every setting is the settings."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from infra.config import FaultsError, read, validate
from infra.config.checks import CheckSettings, WaiverSettings
from infra.config.docker import DockerSettings
from infra.config.health import Heartbeat, Http, Run, Streamlit, Tcp, Websocket
from infra.config.hours import FreezeSettings, WindowSettings
from infra.config.kubernetes import Autoscale, GatewayMetrics, KubernetesSettings
from infra.config.metrics import MetricSettings, Promql, Sql
from infra.config.notify import NotifySettings
from infra.config.plan import plan_document
from infra.config.settings import GateSettings, PlanSettings, Service, Settings, SlotSettings, StepSettings

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
GATES = PAGE.with_name("checks.md")
NEVER = {"recorded", "allow-live"}
SHOWN = {"steps", "traffic", "windows", "freezes"}
"""Where the page shows what there is, and not the default."""
MODELS: tuple[type[BaseModel], ...] = (
    Settings,
    CheckSettings,
    WaiverSettings,
    NotifySettings,
    DockerSettings,
    KubernetesSettings,
    GatewayMetrics,
    Autoscale,
    SlotSettings,
    Service,
    StepSettings,
    PlanSettings,
    WindowSettings,
    FreezeSettings,
    GateSettings,
    Http,
    Tcp,
    Websocket,
    Streamlit,
    Heartbeat,
    Run,
    MetricSettings,
    Promql,
    Sql,
)


def _blocks(page: Path = PAGE) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _block() -> str:
    return _blocks()[0]


def _merged(one: Any, other: Any) -> Any:  # noqa: ANN401 - any YAML
    if not isinstance(one, dict) or not isinstance(other, dict):
        return other
    return {**one, **{key: _merged(one.get(key), value) for key, value in other.items()}}


def test_the_block_of_containers_is_valid(tmp_path: Path) -> None:
    """With what the second block says of containers the first one is taken too, and by the target local it is not."""
    one, other, _ = map(yaml.safe_load, _blocks())
    file = tmp_path / "Pulumi.page.yaml"
    file.write_text(yaml.safe_dump(_merged(one, other)), encoding="utf-8")
    settings = validate(read(file))
    file.write_text(yaml.safe_dump({"config": {**_merged(one, other)["config"], "crossfade:target": "local"}}), encoding="utf-8")

    assert (settings.services["api"].memory, settings.docker.subnet) == (512, "10.213.0.0/16")
    with pytest.raises(FaultsError, match="memory is for containers"):
        validate(read(file))


def test_the_block_of_clusters_is_valid(tmp_path: Path) -> None:
    """What the third block says of a service in a cluster is taken, and by the target docker it is not."""
    one, _, other = map(yaml.safe_load, _blocks())
    api = {**one["config"]["crossfade:services"]["api"], **other["config"]["crossfade:services"]["api"]}
    del api["listen"]
    api["health"] = [{"http": "/health/"}, "tcp"]
    whole = {"config": {**one["config"], **other["config"], "crossfade:services": {"api": api}, "crossfade:companions": {}}}
    whole["config"]["crossfade:slots"]["green"]["services"] = {}
    file = tmp_path / "Pulumi.page.yaml"
    file.write_text(yaml.safe_dump(whole), encoding="utf-8")
    settings = validate(read(file))
    file.write_text(yaml.safe_dump({"config": {**whole["config"], "crossfade:target": "docker"}}), encoding="utf-8")

    assert settings.kubernetes is not None
    assert (settings.services["api"].replicas, settings.kubernetes.gateway) == (2, "gateways/public")
    with pytest.raises(FaultsError, match="kubernetes is for clusters"):
        validate(read(file))


@pytest.mark.parametrize("block", _blocks(GATES))
def test_what_the_page_of_gates_shows_is_valid(tmp_path: Path, block: str) -> None:
    """Each of its blocks is taken as it stands, beside what else a stack needs."""
    whole = yaml.safe_load(_block())
    whole["config"] |= {"crossfade:requires": [], "crossfade:waivers": [], **yaml.safe_load(block)}
    file = tmp_path / "Pulumi.page.yaml"
    file.write_text(yaml.safe_dump(whole), encoding="utf-8")
    settings = validate(read(file))

    assert settings.checks or settings.notify


def test_the_page_is_valid(tmp_path: Path) -> None:
    """The block of the page is taken as it stands."""
    file = tmp_path / "Pulumi.page.yaml"
    file.write_text(_block(), encoding="utf-8")
    settings = validate(read(file))

    assert sorted(settings.services) == ["agent", "api", "dashboard"]


def test_the_page_is_whole() -> None:
    """Every setting of every group is in the blocks by its name."""
    named = set(re.findall(r"([a-z_0-9]+):", "".join(_blocks())))
    settings = {(model.__name__, field.alias or name) for model in MODELS for name, field in model.model_fields.items()}
    missing = {f"{model}.{name}" for model, name in settings if name not in {*named, *NEVER, "kind"}}

    assert missing == set()


def test_the_defaults_of_the_page_are_the_defaults(tmp_path: Path) -> None:
    """A plan without a word is the page's plan, but for the first step, the hours and the synthetic traffic."""
    file = tmp_path / "Pulumi.page.yaml"
    file.write_text(_block(), encoding="utf-8")
    written = validate(read(file))
    page = dict(plan_document(written))
    bare = dict(plan_document(written.model_copy(update={"plan": PlanSettings()})))

    assert page["steps"][1:] == bare["steps"][1:]
    assert {key: value for key, value in page.items() if key not in SHOWN} == {
        key: value for key, value in bare.items() if key not in SHOWN
    }
    assert written.services["dashboard"].affinity == Service.model_fields["affinity"].default
