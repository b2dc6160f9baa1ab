"""What holds for the providers of a dead Pulumi: ours are ended, once what they started is done; nobody else's are."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from machine import wait_for

from smoke.stack.orphans import end_orphans
from smoke.stack.project import Project

pytestmark = pytest.mark.processes
REAL = [sys.executable, "-u", "-m", "pulumi.dynamic"]
"""The provider itself, as Pulumi starts it."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose state is where it is by default."""
    return Project("shop", tmp_path, tmp_path / ".state")


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address that nobody listens on, and nobody else is given: where a dead engine was."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def provider(
    words: Sequence[str], address: str, environment: Mapping[str, str], folder: Path | None = None
) -> Iterator[psutil.Popen]:
    """A provider that works, or a stand-in for one, with what it has started; ended with the test in any case."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    with psutil.Popen(
        [*words, address], env={**inherited, **environment}, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline()  # its port: it works now
            yield process
        finally:
            for each in (*process.children(recursive=True), process) if process.is_running() else ():
                each.kill()


def ours(project: Project) -> Mapping[str, str]:
    """What the provider of a Pulumi on that project has in its environment."""
    return {"PULUMI_PROJECT": project.name, "PULUMI_BACKEND_URL": f"file://{project.state}?create_dir=true"}


def test_of_this_project(project: Project, nobody: str) -> None:
    """The provider of a Pulumi that is gone never ends by itself, and is ended."""
    with provider(REAL, nobody, ours(project)) as orphan:
        end_orphans(project, "")

        assert orphan.poll() is not None


def test_of_a_state_that_is_nowhere_named(project: Project, nobody: str) -> None:
    """Then the folder that it works in says whose it is."""
    with provider(REAL, nobody, {"PULUMI_PROJECT": "shop"}, project.folder) as orphan:
        end_orphans(project, "")

        assert orphan.poll() is not None


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PULUMI_PROJECT": "shop"},
        {"PULUMI_PROJECT": "shop", "PULUMI_BACKEND_URL": "file:///elsewhere"},
        {"PULUMI_PROJECT": "shop", "PULUMI_BACKEND_URL": "s3://elsewhere"},
        {"PULUMI_PROJECT": "till", "PULUMI_BACKEND_URL": "file://{state}"},
    ],
)
def test_of_somebody_else(project: Project, nobody: str, environment: Mapping[str, str]) -> None:
    """Whatever is of another project, of another state, or cannot be told, goes on."""
    told = {key: value.format(state=project.state) for key, value in environment.items()}
    with provider(REAL, nobody, told) as other:
        end_orphans(project, "s3://ours")

        assert other.poll() is None


def test_of_a_pulumi_that_lives(project: Project) -> None:
    """Where its engine listens, it is no orphan."""
    with (
        socket.create_server(("127.0.0.1", 0)) as engine,
        provider(REAL, f"127.0.0.1:{engine.getsockname()[1]}", ours(project)) as busy,
    ):
        end_orphans(project, "")

        assert busy.poll() is None


@pytest.mark.parametrize("word", ["nonsense", "127.0.0.1:x", "127.0.0.1:99999999", ":80"])
def test_of_an_engine_that_cannot_be_asked(project: Project, word: str) -> None:
    """What is no address says nothing of an engine: it is left alone."""
    # A stand-in: the real one wants an address.
    script = "import time; print(0, flush=True); time.sleep(60)"
    with provider([sys.executable, "-c", script, "pulumi.dynamic"], word, ours(project)) as unknown:
        end_orphans(project, "")

        assert unknown.poll() is None


BUSY = """import subprocess, sys, time
from pathlib import Path
child = subprocess.Popen(["sh", "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(60)"""
"""A stand-in for a provider that waits for an installer."""


def test_that_waits_for_what_it_has_started(project: Project, nobody: str) -> None:
    """What it has started may finish first: nothing is cut off in the middle."""
    work = f"sleep 1; : > {project.folder}/finished"
    with provider([sys.executable, "-c", BUSY, work, "pulumi.dynamic"], nobody, ours(project)) as orphan:
        with ThreadPoolExecutor() as pool:
            # It has ended long before the limit, though nobody has asked for its end.
            pool.submit(end_orphans, project, "", finish=60.0).result(timeout=30)

        assert (project.folder / "finished").exists()
        assert orphan.poll() is not None


def test_that_does_not_come_to_an_end(project: Project, nobody: str) -> None:
    """At the limit it is ended with what it has started, also what does not listen to a SIGTERM."""
    script = "trap '' TERM; while :; do sleep 0.05; done"
    with provider([sys.executable, "-c", BUSY, script, "pulumi.dynamic"], nobody, ours(project)) as orphan:
        [child] = orphan.children()
        end_orphans(project, "", finish=0.5)

        assert orphan.poll() is not None
        wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, limit=20.0)
