"""What `make docker` puts beside Pulumi and Docker, for a user. Starts no engine."""

import os
import subprocess
from pathlib import Path

import pytest
from docker_host import BUILD_LIMIT, CACHE, ROOT, missing


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path) -> None:
    """What is built once, where this test's own cache finds it: the script leaves a folder of links in it."""
    if (reason := missing()) is not None:
        pytest.skip(reason)
    subprocess.run(
        ["sh", str(ROOT / "toolchain" / "docker.sh")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=BUILD_LIMIT,
        check=True,
    )
    cache = tmp_path / "cache" / "crossfade"
    cache.mkdir(parents=True)
    for each in [*CACHE.glob("docker-build-*"), *CACHE.glob("pulumi-*")]:
        (cache / each.name).symlink_to(each)


def install(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Install into folders that stand for a user's own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "DOCKER_", "CROSSFADE_"))}
    own = {"PULUMI_HOME": str(folder / "pulumi"), "DOCKER_CONFIG": str(folder / "docker")}
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        ["sh", str(ROOT / "toolchain" / "docker-install.sh")],
        env={**environment, **own, **cache, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT,
        check=False,
    )


def program(path: Path) -> Path:
    """A program of the user's own, which runs."""
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_stand_in_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """Without the word the provider is the official one, or the command fails and says how to get it."""
    plugins = tmp_path / "pulumi" / "plugins"
    plain = install(tmp_path)
    official = plain.returncode == 0

    assert (plugins / "resource-docker-build-v0.0.22" / "pulumi-resource-docker-build").is_file()
    assert not (plugins / "resource-docker-v5.2.0" / "provider.py").exists()
    assert official == (plugins / "resource-docker-v5.2.0" / "pulumi-resource-docker").exists()
    assert official or "pulumi plugin install resource docker 5.2.0 --file ARCHIVE" in plain.stderr

    asked = install(tmp_path, CROSSFADE_STANDIN="1")

    assert asked.returncode == 0, asked.stderr
    assert (plugins / "resource-docker-v5.2.0" / "provider.py").exists() != official


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A user's own buildx and providers are left as they are."""
    plugins = tmp_path / "pulumi" / "plugins"
    own = [
        program(tmp_path / "docker" / "cli-plugins" / "docker-buildx"),
        program(plugins / "resource-docker-v5.2.0" / "pulumi-resource-docker"),
        program(plugins / "resource-docker-build-v0.0.22" / "pulumi-resource-docker-build"),
    ]
    done = install(tmp_path, CROSSFADE_STANDIN="1")

    assert done.returncode == 0, done.stderr
    assert [each.read_text(encoding="utf-8") for each in own] == ["#!/bin/sh\n"] * 3
    assert sorted(each.name for each in (plugins / "resource-docker-v5.2.0").iterdir()) == ["pulumi-resource-docker"]
