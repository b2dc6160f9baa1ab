"""The command ``crossfade compose``, on files."""

import json
from pathlib import Path
from typing import Any

import pytest

from smoke.cli.compose import command
from smoke.compose import MARKER
from smoke.errors import CrossfadeError, DeployError, Exit, NoSuchStack, UsageError

SHOP = """\
services:
  api:
    build: .
    ports: ["8000:8000"]
    healthcheck: {test: [CMD, python, check.py]}
  agent:
    image: python:3.9-slim
    command: python agent.py
    healthcheck: {test: [CMD, python, check.py]}
"""
SETTINGS = """\
config:
  crossfade:target: local
  crossfade:slots: {blue: {runtime: py39}, green: {runtime: py312}}
  crossfade:services: {agent: {kind: singleton}}
"""
OVERRIDE = f"""\
{MARKER}
# Goes with docker-compose.yml; needs Docker Compose 2.24.4 or later. To start it:
#   docker compose -p shop-py312 -f docker-compose.yml -f compose.crossfade.yaml up -d --wait --wait-timeout 120 --build
name: shop-py312
services:
  api:
    build:
      args:
        PYTHON_VERSION: 3.12-slim
    ports: !override
    - 18000:8000
    healthcheck:
      start_period: 30s
    stop_signal: SIGTERM
    stop_grace_period: 15s
  agent:
    image: python:3.12-slim
    healthcheck:
      start_period: 30s
    stop_signal: SIGTERM
    stop_grace_period: 15s
"""
SAID = """\
compose.crossfade.yaml: project shop-py312, beside shop
  services.api.build.args.PYTHON_VERSION  3.9-slim -> 3.12-slim
  services.api.ports                      8000 -> 18000
  services.agent.image                    python:3.9-slim -> python:3.12-slim
note          docker-compose.yml:1
              what works by itself (orders, mails, jobs) works twice while both are up; --stack leaves it out
to start it (Docker Compose 2.24.4 or later; here: none), and to take it away:
  docker compose -p shop-py312 -f docker-compose.yml -f compose.crossfade.yaml up -d --wait --wait-timeout 120 --build
  docker compose -p shop-py312 -f docker-compose.yml -f compose.crossfade.yaml down
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, where the command is given; no Compose is on the path."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(SHOP, encoding="utf-8")
    (folder / "Dockerfile").write_text("ARG PYTHON_VERSION=3.9-slim\nFROM python:${PYTHON_VERSION}\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", "")
    for name in ("PULUMI_STACK", "PULUMI_BACKEND_URL", "COMPOSE_PROJECT_NAME"):
        monkeypatch.delenv(name, raising=False)
    return folder


def compose(*words: str) -> Exit:
    """The exit code of the command."""
    return Exit(command.main([*words], standalone_mode=False))


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What it printed."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_an_override_is_written_beside_a_file_that_stays(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Theirs is byte for byte what it was; what was written, changed and found is told, with the commands to run."""
    code = compose("docker-compose.yml")

    assert code == Exit.WANTED
    assert capsys.readouterr().out == SAID
    assert (shop / "compose.crossfade.yaml").read_text(encoding="utf-8") == OVERRIDE
    assert (shop / "docker-compose.yml").read_bytes() == SHOP.encode()
    assert sorted(each.name for each in shop.iterdir()) == ["Dockerfile", "compose.crossfade.yaml", "docker-compose.yml"]


@pytest.mark.usefixtures("shop")
def test_machines_are_told_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """One document, without tags."""
    compose("docker-compose.yml", "--json", "--runtime", "py313", "--out", "x.yaml")
    said = document(capsys)

    assert (said["well"], said["out"], said["project"], said["compose"]) == (True, "x.yaml", "shop-py313", None)
    assert said["override"]["services"]["api"]["ports"] == ["18000:8000"]
    assert said["changes"][-1] == {"path": "services.agent.image", "old": "python:3.9-slim", "new": "python:3.13-slim"}
    assert [each["kind"] for each in said["findings"]] == ["note"]
    assert said["down"] == "docker compose -p shop-py313 -f docker-compose.yml -f x.yaml down"


def test_what_both_sides_would_share_ends_with_one(shop: Path) -> None:
    """The override is written all the same; whoever chains commands does not start it unread."""
    (shop / "docker-compose.yml").write_text("services: {db: {image: postgres, volumes: ['./data:/data']}}\n", encoding="utf-8")

    assert compose("docker-compose.yml") == Exit.GATE
    assert (shop / "compose.crossfade.yaml").exists()


def test_its_own_file_is_written_anew(shop: Path) -> None:
    """Whatever was put into it."""
    compose("docker-compose.yml")
    with (shop / "compose.crossfade.yaml").open("a", encoding="utf-8") as file:
        file.write("  more: {}\n")
    compose("docker-compose.yml")

    assert (shop / "compose.crossfade.yaml").read_text(encoding="utf-8") == OVERRIDE


@pytest.mark.parametrize("out", ["other.yaml", "docker-compose.yml", "./Dockerfile", "link.yaml"])
def test_no_file_of_others_is_overwritten(shop: Path, out: str) -> None:
    """Theirs least of all, by whatever name."""
    (shop / "other.yaml").write_text("services: {}\n", encoding="utf-8")
    (shop / "link.yaml").symlink_to("docker-compose.yml")
    before = {each.name: each.read_bytes() for each in shop.iterdir()}
    with pytest.raises(UsageError, match="is not ours"):
        compose("docker-compose.yml", "--out", out)

    assert {each.name: each.read_bytes() for each in shop.iterdir()} == before


@pytest.mark.usefixtures("shop")
def test_an_override_has_no_override() -> None:
    """It is taken for what it is."""
    compose("docker-compose.yml")
    with pytest.raises(UsageError, match="is an override of ours"):
        compose("compose.crossfade.yaml", "--out", "other.yaml")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["nothing.yml"], "nothing.yml"),
        (["."], "."),
        (["latin.yml"], "latin.yml"),
        (["broken.yml"], "broken.yml:2"),
        (["docker-compose.yml", "--out", "no/where.yaml"], "no/where.yaml"),
        (["docker-compose.yml", "--runtime", "3.12"], "--runtime"),
    ],
)
def test_what_cannot_be_read_or_written_is_named(shop: Path, words: list[str], where: str) -> None:
    """With the code of a usage error, and nothing is left behind."""
    (shop / "latin.yml").write_bytes(b"services: {a: {image: caf\xe9}}\n")
    (shop / "broken.yml").write_text("services:\n  api: {image: [}\n", encoding="utf-8")
    before = sorted(shop.iterdir())
    with pytest.raises(UsageError) as refused:
        compose(*words)

    assert refused.value.where == where
    assert refused.value.state == "nothing was written, nothing was started"
    assert sorted(shop.iterdir()) == before


def test_a_stack_says_which_services_are_singletons(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command that starts the new side leaves them out."""
    (shop / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    (shop / "Pulumi.staging.yaml").write_text(SETTINGS, encoding="utf-8")
    compose("docker-compose.yml", "--json", "--stack", "staging")

    assert document(capsys)["up"].endswith("up -d --wait --wait-timeout 120 --build --scale agent=0")


@pytest.mark.parametrize(("project", "expected"), [("name: shop\n", NoSuchStack), (None, UsageError)])
def test_a_stack_that_is_not_there_is_named(shop: Path, project: str | None, expected: type[CrossfadeError]) -> None:
    """As is a folder that is no project."""
    if project is not None:
        (shop / "Pulumi.yaml").write_text(project, encoding="utf-8")
    with pytest.raises(expected):
        compose("docker-compose.yml", "--stack", "staging")


def test_an_override_of_theirs_is_pointed_out(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Compose reads it by itself only where it is told no file."""
    (shop / "docker-compose.override.yml").write_text("services: {}\n", encoding="utf-8")
    compose("docker-compose.yml")

    assert "put -f docker-compose.override.yml before ours" in capsys.readouterr().out


def test_a_project_is_told_by_the_environment(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Compose is; a file elsewhere gets its override beside it."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "till")
    monkeypatch.chdir(shop.parent)
    compose("shop/docker-compose.yml", "--json")
    said = document(capsys)

    assert said["project"] == "till-py312"
    assert said["down"] == "docker compose -p till-py312 -f shop/docker-compose.yml -f shop/compose.crossfade.yaml down"
    assert said["override"]["services"]["api"]["build"] == {"args": {"PYTHON_VERSION": "3.12-slim"}}


def test_a_difference_needs_a_compose(shop: Path) -> None:
    """Where there is none that is said, and how to get one."""
    with pytest.raises(DeployError, match="no Docker Compose") as refused:
        compose("--diff", "docker-compose.yml")

    assert refused.value.hint == "apt-get install docker-compose-plugin"
    assert not (shop / "compose.crossfade.yaml").exists()
