"""``crossfade compose`` with the Docker Compose of this machine, old or new."""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from docker_host import DockerHost
from machine import free_port, wait_for

from smoke.cli.compose import command
from smoke.cli.composer import Composer, installed
from smoke.compose import NEEDED, Wish, merged, plan, read, stack_of, text_of
from smoke.errors import DeployError, Exit

LIMIT = 120.0
SERVE = (
    "import http.server as h, platform as p; open('index.html', 'w').write(p.python_version()); "
    "h.test(h.SimpleHTTPRequestHandler)"
)
CHECK = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/')"
SHOP = """\
services:
  api:
    image: python:3.9-slim-bookworm
    container_name: o-shop-api
    working_dir: /tmp
    command: ["python", "-c", "SERVE"]
    init: true
    ports: ["127.0.0.1:PORT:8000"]
    environment: {API_TOKEN: correct-horse-battery, PEER: "http://me:correct-horse-battery@peer/"}
    healthcheck: {test: [CMD, python, -c, "CHECK"], interval: 1s}
    volumes: ["data:/data"]
  worker:
    build: {context: ., args: [PYTHON_VERSION=3.9-slim]}
    image: o-shop-worker:1
    ports: ["${METRICS:-9100}:9100"]
volumes: {data: {}}
networks: {default: {name: o-shop-net}}
"""
SETTINGS = """\
config:
  crossfade:target: docker
  crossfade:slots: {green: {runtime: py312}}
  crossfade:services: {worker: {kind: http, command: python -m worker, port: 9100}}
"""


@pytest.fixture(scope="module")
def composer() -> Composer:
    """What this machine has of it."""
    found = installed()
    if found is None:
        pytest.skip("needs Docker Compose: apt-get install docker-compose-plugin, or docker-compose")
    return found


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compose file of their own, in its folder."""
    folder = tmp_path / "o-shop"
    folder.mkdir()
    text = SHOP.replace("SERVE", SERVE).replace("CHECK", CHECK).replace("PORT", str(free_port()), 1)
    (folder / "docker-compose.yml").write_text(text, encoding="utf-8")
    (folder / "Dockerfile").write_text("ARG PYTHON_VERSION\nFROM python:${PYTHON_VERSION}\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder / "docker-compose.yml"


def compose(*words: str) -> Exit:
    """The exit code of the command."""
    return Exit(command.main([*words], standalone_mode=False))


@pytest.mark.usefixtures("composer")
def test_the_effective_difference_is_that_of_the_plan(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each path that Compose sees changed was planned, nothing else changes, and nothing is written."""
    before = shop.read_bytes()
    compose("--diff", "--json", "docker-compose.yml")
    said = {each["path"]: each["new"] for each in json.loads(capsys.readouterr().out)["changed"]}

    expected = {
        "api": {"container_name", "healthcheck.start_period", "image", "ports", "stop_grace_period", "stop_signal"},
        "worker": {"build.args.PYTHON_VERSION", "image", "ports", "stop_grace_period", "stop_signal"},
    }
    planned = {f"services.{name}.{key}" for name, keys in expected.items() for key in keys}
    assert {path for path in said if path.startswith("services.")} == planned
    assert set(said) - planned <= {"name", "networks.default.name", "volumes.data.name"}
    assert said["services.api.image"] == "python:3.12-slim-bookworm"
    assert said["services.worker.build.args.PYTHON_VERSION"] == "3.12-slim"
    assert shop.read_bytes() == before
    assert sorted(each.name for each in shop.parent.iterdir()) == ["Dockerfile", "docker-compose.yml"]


@pytest.mark.usefixtures("composer", "shop")
def test_a_difference_is_told_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """As a unified diff of both files, whose context has environments too."""
    compose("--diff", "docker-compose.yml")
    said = capsys.readouterr().out

    assert said.startswith("--- docker-compose.yml\n+++ docker-compose.yml + compose.crossfade.yaml\n")
    assert "\n-    image: python:3.9-slim-bookworm\n+    image: python:3.12-slim-bookworm\n" in said
    assert "battery" not in said


@pytest.mark.usefixtures("composer")
def test_what_compose_refuses_is_told_in_its_words(shop: Path) -> None:
    """With the code of a part that failed, and the command to see it again."""
    shop.write_text("services: {api: {image: x, nonsense: 1}}\n", encoding="utf-8")
    with pytest.raises(DeployError, match="Docker Compose") as refused:
        compose("--diff", "docker-compose.yml")

    assert "nonsense" in (refused.value.cause or "")
    assert (refused.value.hint or "").endswith("-f docker-compose.yml config")


@pytest.mark.parametrize("stack", [None, "staging"])
def test_one_file_in_the_place_of_two_says_the_same(shop: Path, composer: Composer, stack: str | None) -> None:
    """What an old Compose is given is what a new one makes of both files, also where a build gives way to a stack's image."""
    if composer.version < NEEDED:
        pytest.skip(f"needs Docker Compose 2.24.4, which reads two files; here is {composer}")
    (shop.parent / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    (shop.parent / "Pulumi.staging.yaml").write_text(SETTINGS, encoding="utf-8")
    compose("docker-compose.yml", *(() if stack is None else ("--stack", stack)))
    name = ("-p", "o-shop-py312")
    both = composer.config(shop, *name, "-f", "docker-compose.yml", "-f", "compose.crossfade.yaml")
    one = composer.config(shop, *name, "--project-directory", ".", "-f", "-", stdin=in_one(shop, stack))

    assert one == both
    assert ("build" in both["services"]["worker"]) == (stack is None)


def test_old_and_new_run_side_by_side(
    shop: Path, composer: Composer, docker_host: DockerHost, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each answers at its own port with its own runtime; taking the new side away leaves the old one as it was."""
    text = shop.read_text(encoding="utf-8")
    shop.write_text(text.replace(text[text.index("  worker:") : text.index("volumes: {data")], ""), encoding="utf-8")
    before = shop.read_bytes()
    compose("docker-compose.yml", "--json")
    new = New(json.loads(capsys.readouterr().out), shop, composer, docker_host)
    port = int(text.partition("127.0.0.1:")[2].partition(":")[0])
    try:
        run(composer, docker_host, "-f", "docker-compose.yml", "up", "-d")
        new.up()
        wait_for(lambda: (runtime(port), runtime(port + 10_000)) == ("3.9", "3.12"), "both answer", limit=LIMIT, pause=0.1)
        wait_for(lambda: healths(docker_host) == ["healthy"] * 2, "both are healthy", limit=LIMIT, pause=0.2)
        new.down()
        after, left = runtime(port), healths(docker_host)
    finally:
        run(composer, docker_host, "-f", "docker-compose.yml", "down")
        docker_host.docker("volume", "rm", "--force", "o-shop_data", "o-shop-py312_data")  # which no printed command does

    assert (after, left) == ("3.9", ["healthy"])
    assert shop.read_bytes() == before


def in_one(shop: Path, stack: str | None = None) -> str:
    """Their file with the override in it, for a Compose that knows no tags."""
    file = read(shop.read_text(encoding="utf-8"), shop.name)
    dockerfiles = dict.fromkeys(file.services, (shop.parent / "Dockerfile").read_text(encoding="utf-8"))
    settings = None if stack is None else stack_of(SETTINGS, "Pulumi.staging.yaml", stack, "py312")
    document = plan(file, Wish("py312", "o-shop", settings, dockerfiles)).document
    return text_of(merged(file.values, {key: each for key, each in document.items() if key != "name"}))


@dataclass(frozen=True, slots=True)
class New:
    """The new side, by the commands that were printed; where Compose is too old for them, by the file in the place of two."""

    said: Mapping[str, Any]
    shop: Path
    composer: Composer
    host: DockerHost

    def up(self) -> None:
        """Start it."""
        self._run("up", "up", "-d")

    def down(self) -> None:
        """Take it away."""
        self._run("down", "down")

    def _run(self, printed: str, *words: str) -> None:
        if self.composer.version >= NEEDED:
            run(self.composer, self.host, *shlex.split(self.said[printed])[2:])
        else:
            one = ("-p", self.said["project"], "--project-directory", ".", "-f", "-")
            run(self.composer, self.host, *one, *words, stdin=in_one(self.shop))


def run(composer: Composer, host: DockerHost, *words: str, stdin: str = "") -> None:
    """A command of Compose, on the engine of the tests; it ends well."""
    environment = {**os.environ, **host.environment}
    done = subprocess.run(
        [*composer.words, *words], input=stdin, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr


def runtime(port: int) -> str | None:
    """What answers there says it runs on, as 3.12; None where nothing answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return str(answer.read().decode().rpartition(".")[0])
    except OSError:
        return None


def healths(host: DockerHost) -> list[str]:
    """Of every container of the tests' services that runs."""
    found = host.docker("ps", "--filter", "name=o-shop-api", "--format", "{{.ID}}").stdout.split()
    return [host.docker("inspect", "--format", "{{.State.Health.Status}}", each).stdout.strip() for each in found]
