"""What holds for the environment of every process that is started: no secret of the caller's shell that it need not have."""

import io
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from infra.content import file_digest
from infra.contract import Placement
from infra.targets.local.things import ThingError
from smoke.errors import MeterError
from smoke.meters.command import command as meter
from smoke.model import Answer, Counts
from smoke.probes.command import command as probe
from tests.security.stack import Stack, environment

pytestmark = pytest.mark.processes

CANARY = "c4nary-in-the-shell"
PULUMIS = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN")
OTHERS = ("AWS_SECRET_ACCESS_KEY", "DATABASE_PASSWORD", "GITHUB_TOKEN", "SOME_SECRET", "PATH_OF_NOTHING")
SHELL = dict.fromkeys((*PULUMIS, *OTHERS), CANARY)
COUNTS = """
import json, os
bad, every = ([name for name in names if name in os.environ] for names in (%r, %r))
print(json.dumps({"bad": len(bad), "all": len(every)}))
"""
TELLS_APART = """
import os, sys
print("x-crossfade-version: v")
sys.exit(any(name in os.environ for name in %r) or not all(name in os.environ for name in %r))
"""
PROJECT = """
[project]
name = "tiny"
version = "1.0"
[build-system]
requires = []
build-backend = "tells"
backend-path = ["."]
"""
TELLS = """
import json, os, pathlib
def build_wheel(*_, **__):
    pathlib.Path(%r).write_text(json.dumps(sorted(os.environ)))
    raise SystemExit(1)
"""


def test_what_is_supervised_knows_nothing_of_the_shell(stack: Stack) -> None:
    """Services, the proxy and the supervisor hold no secret of the shell, by their own word and by that of the system."""
    pytest.importorskip("envoy", reason="needs the proxy: install the extra 'local'")
    with environment(SHELL):
        stack.make()
    processes = {each.pid: each.environ() for each in stack.place.processes()}
    said = json.loads(stack.place.log("api--blue").splitlines()[0])
    supervisor, proxy = stack.place.supervisor_pid, stack.place.pid("envoy")

    assert {supervisor, proxy, stack.place.pid("api--blue"), stack.place.pid("api--green")} == set(processes)
    assert said.keys() & SHELL.keys() == set()
    assert [name for given in processes.values() for name, value in given.items() if name in SHELL or CANARY in value] == []


def test_nothing_of_the_shell_is_written(stack: Stack) -> None:
    """No file of a stack that is up holds a secret of the shell that brought it up, nor does the command of any process."""
    pytest.importorskip("envoy", reason="needs the proxy: install the extra 'local'")
    with environment(SHELL):
        stack.make()
    folder = stack.place.home.folder
    files = [each for each in folder.rglob("*") if each.is_file() and each != folder / "envoy" / "envoy"]
    commands = [" ".join(psutil.Process(each.pid).cmdline()) for each in stack.place.processes()]

    assert folder / "programs" / "api--blue.json" in files
    assert [each for each in files if CANARY.encode() in each.read_bytes()] == []
    assert [each for each in commands if CANARY in each] == []


def test_a_metrics_command_sees_all_but_what_opens_the_state(tmp_path: Path) -> None:
    """A metric's command may need the caller's credentials and has them, but not those of Pulumi."""
    words = [sys.executable, "-c", COUNTS % (PULUMIS, OTHERS)]
    with environment(SHELL):
        sample = meter({"run": words, "folder": str(tmp_path), "slots": ["blue"], "timeout": 20.0}).read()

    assert sample.slots == {"blue": Counts(len(OTHERS), 0)}


def test_a_probes_command_sees_all_but_what_opens_the_state(tmp_path: Path) -> None:
    """So it is for the command of a probe."""
    placement = Placement(
        service="api",
        slot="blue",
        runtime="py312",
        artefact="sha256:0",
        version="v",
        address=None,
        heartbeat=None,
        python=sys.executable,
        folder=str(tmp_path),
        environment={},
        inputs={},
    )
    with environment(SHELL):
        reading = probe({"run": ["python", "-c", TELLS_APART % (PULUMIS, OTHERS)], "timeout": 20.0}).read(placement)

    assert (reading.answer, reading.version) == (Answer.OK, "v")


def test_what_a_command_says_has_no_secret(tmp_path: Path) -> None:
    """A command that says what it was given, or its own password, is told without: by the value, and by the form."""
    complains = "import os, sys; sys.exit('no order of ' + os.environ['DATABASE_PASSWORD'] + ' at db://me:c4nary@h')"
    words = [sys.executable, "-c", complains]
    with environment(SHELL), pytest.raises(MeterError) as caught:
        meter({"run": words, "folder": str(tmp_path), "slots": ["blue"], "timeout": 20.0}).read()

    assert "no order of *** at db://me:***@h" in str(caught.value)


def test_what_builds_packages_sees_all_but_what_opens_the_state(stack: Stack, tmp_path: Path) -> None:
    """Installing a package may run its code: that has no key of Pulumi's, and what an index may ask for."""
    said = tmp_path / "said"
    archive = packed(tmp_path, {"pyproject.toml": PROJECT, "tells.py": TELLS % str(said)})
    lock = tmp_path / "app.lock"
    lock.write_text(f"tiny @ {archive.as_uri()} --hash={file_digest(archive)}\n", encoding="utf-8")
    runtime = f"py{sys.version_info.major}{sys.version_info.minor}"
    with environment(SHELL), pytest.raises(ThingError, match="cannot be installed"):
        stack.place.make("environment", {"runtime": runtime, "lock": file_digest(lock), "from": str(lock)})

    assert SHELL.keys() & set(json.loads(said.read_text(encoding="utf-8"))) == set(OTHERS)


def packed(folder: Path, files: Mapping[str, str]) -> Path:
    """A package as its source."""
    archive = folder / "tiny-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"tiny-1.0/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive
