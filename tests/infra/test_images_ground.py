"""What is said of a machine that cannot build images: what is missing, and the command to run next."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.config import Fault
from infra.images import faults
from infra.images.ground import PLUGINS, Answer, ask

HOST = "unix:///run/docker.sock"
WHERE = "Pulumi.staging.yaml:3 target"


def engine(version: str, api: str) -> Answer:
    """What docker says of an engine that answers."""
    return Answer(0, json.dumps({"Client": {}, "Server": {"Version": version, "ApiVersion": api}}))


def answers() -> dict[str, Answer]:
    """What docker says where nothing is missing."""
    return {"version": engine("20.10.24", "1.41"), "buildx": Answer(0, "v0.20"), "inspect": Answer(0, "Name: default")}


@dataclass
class Machine:
    """A machine whose docker answers as a test says."""

    home: Path
    said: dict[str, Answer] = field(default_factory=answers)
    asked: list[str] = field(default_factory=list)

    def run(self, words: Sequence[str]) -> Answer:
        """The answer to ``docker version``, ``docker buildx version`` or ``docker buildx inspect``."""
        kind = "inspect" if "inspect" in words else "buildx" if "buildx" in words else "version"
        self.asked.append(kind)
        return self.said[kind]

    def faults(self, **said: Answer) -> Sequence[Fault]:
        """What it lacks, where docker answers this."""
        self.said.update(said)
        return faults(WHERE, HOST, "big", {"PULUMI_HOME": str(self.home), "PATH": "/nowhere"}, self.run)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that lacks nothing."""
    for name, version in PLUGINS.items():
        program = tmp_path / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
        program.parent.mkdir(parents=True)
        program.touch()
    return Machine(tmp_path)


def test_a_machine_that_lacks_nothing(machine: Machine) -> None:
    """Nothing is said of a machine that has a client, an engine, buildx, the builder and the plugins."""
    assert list(machine.faults()) == []
    assert machine.asked == ["version", "buildx", "inspect"]


def test_no_client(machine: Machine) -> None:
    """Without a docker command that alone is said, with how to install it: the rest cannot be asked."""
    [fault] = machine.faults(version=Answer(None, "", "No such file or directory: 'docker'"))

    assert (fault.what, fault.where) == ("there is no docker command", WHERE)
    assert fault.hint.startswith("apt-get install docker-ce-cli\n")
    assert machine.asked == ["version"]


@pytest.mark.parametrize(
    "said",
    [
        Answer(1, '{"Client": {"Version": "28.2"}, "Server": null}', "Cannot connect to the Docker daemon. Is it running?"),
        Answer(1, "", "Cannot connect to the Docker daemon. Is it running?"),
    ],
)
def test_no_engine(machine: Machine, said: Answer) -> None:
    """An engine that does not answer is named by its address, with what docker says of it; its builder is not asked for."""
    [fault] = machine.faults(version=said)

    assert fault.what == f"no engine answers at {HOST}"
    assert fault.cause == "Cannot connect to the Docker daemon. Is it running?"
    assert fault.hint.splitlines()[0] == "systemctl start docker"
    assert "inspect" not in machine.asked


@pytest.mark.parametrize("said", ["nonsense", "[]", "3", "{}"])
def test_an_engine_that_says_nothing(machine: Machine, said: str) -> None:
    """An answer that names no engine is no engine."""
    [fault] = machine.faults(version=Answer(0, said))

    assert (fault.what, fault.cause) == (f"no engine answers at {HOST}", "it does not say what it is")


@pytest.mark.parametrize(("api", "old"), [("1.40", True), ("1.9", True), ("1.41", False), ("1.100", False), ("2.0", False)])
def test_an_old_engine(machine: Machine, api: str, *, old: bool) -> None:
    """An engine older than 20.10 will not do: versions are compared as numbers."""
    found = machine.faults(version=engine("19.03", api))

    assert [f"the engine at {HOST} is too old"] * old == [fault.what for fault in found]
    assert [f"docker 19.03 speaks {api}, 1.41 (docker 20.10) is the least"] * old == [fault.cause for fault in found]


def test_no_buildx(machine: Machine) -> None:
    """A client without buildx is told the package that has it, and this project's own way."""
    [fault] = machine.faults(buildx=Answer(1, "", "docker: unknown command: docker buildx\n\nRun 'docker --help'"))

    assert fault.what == "docker cannot build: it has no buildx"
    assert fault.hint == "apt-get install docker-buildx-plugin\nor, in this project: make docker"


def test_no_builder(machine: Machine) -> None:
    """A builder that is not there is named, with how to see which are."""
    [fault] = machine.faults(inspect=Answer(1, "", 'ERROR: no builder "big" found'))

    assert (fault.what, fault.cause) == ("there is no builder big", 'ERROR: no builder "big" found')
    assert fault.hint.startswith("docker buildx ls ")


@pytest.mark.parametrize("name", sorted(PLUGINS))
def test_no_plugin(machine: Machine, name: str) -> None:
    """A plugin that Pulumi lacks is named with its version and the command that installs it."""
    [program] = machine.home.rglob(f"pulumi-resource-{name}")
    program.unlink()

    [fault] = machine.faults()

    assert fault.what == f"Pulumi has no plugin {name} {PLUGINS[name]}"
    assert fault.hint.splitlines()[0] == f"pulumi plugin install resource {name} {PLUGINS[name]}"


def test_everything_at_once(machine: Machine) -> None:
    """All that can be told is told at once."""
    nothing = Machine(machine.home / "empty")

    found = nothing.faults(version=Answer(1, "", "down"), buildx=Answer(1, "", "no such command"))

    assert [fault.what for fault in found] == [
        f"no engine answers at {HOST}",
        "docker cannot build: it has no buildx",
        *(f"Pulumi has no plugin {name} {version}" for name, version in PLUGINS.items()),
    ]


def test_a_program_that_is_not_there() -> None:
    """A program that cannot be started has no exit code; one that runs has its own, and its last words."""
    missing, failed = ask(["/nowhere/docker"]), ask(["sh", "-c", "echo first; echo second >&2; exit 3"])

    assert missing.code is None
    assert (failed.code, failed.out, failed.last) == (3, "first\n", "second")
