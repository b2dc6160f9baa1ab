"""What holds for the docker command: missing, failing and hanging; a program of that name stands in for it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from smoke.docker import Docker
from smoke.errors import DeployError

pytestmark = pytest.mark.processes

DOCKER = Docker("unix:///run/engine.sock")


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], Mapping[str, str]]:
    """A shell whose ``docker`` does this."""

    def made(script: str) -> Mapping[str, str]:
        program = tmp_path / "docker"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    return made


def test_it_is_asked_of_the_engine(shell: Callable[[str], Mapping[str, str]]) -> None:
    """Every command names its engine, and what it answers comes back."""
    assert DOCKER.asked("image", "ls", environment=shell('echo "$*"')) == "-H unix:///run/engine.sock image ls\n"


def test_it_fails(shell: Callable[[str], Mapping[str, str]]) -> None:
    """A command that fails is an error with the engine, docker's last words, and what to run next."""
    with pytest.raises(DeployError, match="the engine did not do what it was asked") as caught:
        DOCKER.asked("info", environment=shell("echo first >&2; echo no such image >&2; exit 1"))

    assert (caught.value.where, caught.value.cause) == (DOCKER.daemon, "no such image")
    assert caught.value.hint == "docker -H unix:///run/engine.sock info"


def test_it_hangs(shell: Callable[[str], Mapping[str, str]]) -> None:
    """A command that does not answer in its time is ended, and told of."""
    with pytest.raises(DeployError) as caught:
        DOCKER.asked("info", limit=0.2, environment=shell("sleep 100"))

    assert caught.value.cause == "it does not answer"


def test_it_is_missing() -> None:
    """Where there is no such command, that is said."""
    with pytest.raises(DeployError, match="there is no docker command"):
        DOCKER.run("info", environment={"PATH": "/nowhere"})
