"""What holds for the checks of a doctor where a stack runs in containers."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from infra.images import ground
from infra.targets.docker.layout import SOCKET
from smoke.doctor import CONTAINERS, INSIDE, MACHINE, PROJECT, TOLD, Check, Outcome, Place, Said, engine_of, examine
from smoke.doctor.containers import API, PLUGINS
from tests.smoke.cli.made_up import World
from tests.smoke.cli.program import crossfade, documents

OK, MISSING, OLD, UNKNOWN, NOTE = Outcome
ROOT = Path(__file__).parents[3]
DOCKER, BUILDX = "/tools/docker", "/tools/docker buildx"
CACHE = "/home/me/.pulumi/plugins"
PLUGIN = f"{CACHE}/resource-docker-v5.2.0/pulumi-resource-docker"
BUILDER = f"{CACHE}/resource-docker-build-v0.0.22/pulumi-resource-docker-build"


def version(client: str = "28.2.2", api: str = "1.41") -> Said:
    """What docker says of itself and of an engine."""
    return Said(0, json.dumps({"Client": {"Version": client}, "Server": {"Version": "20.10.24", "ApiVersion": api}}) + "\n")


ALONE = Said(1, '{"Client": {"Version": "28.2.2"}, "Server": null}\n', "Cannot connect to the Docker daemon\n")
"""What docker says where no engine answers."""


def world() -> World:
    """A machine with everything that containers need, at the very limits."""
    made = World()
    made.environ["HOME"] = "/home/me"
    made.programs |= {DOCKER: version("20.10"), BUILDX: Said(0, "github.com/docker/buildx v0.24.0 d0e5e86\n")}
    made.programs |= {PLUGIN: Said(0, ""), BUILDER: Said(0, "")}
    return made


def checks(machine: World) -> list[Check]:
    """Every check of what containers need."""
    return examine({name: partial(part, machine, "unix:///engine") for name, part in CONTAINERS.items()})


def test_a_machine_that_has_everything() -> None:
    """Where everything is as wanted, every check is ok with what was found, and has no fix."""
    every = checks(world())

    assert [(check.name, check.verdict, check.fix) for check in every] == [
        (name, OK, "") for name in ("docker", "engine", "buildx", "plugin docker", "plugin docker-build")
    ]
    assert [check.found for check in every] == [
        "20.10 (/tools/docker)",
        "1.41 (docker 20.10.24 at unix:///engine)",
        "github.com/docker/buildx v0.24.0 d0e5e86",
        PLUGIN,
        BUILDER,
    ]


LACKS: Mapping[str, tuple[Callable[[World], object], str, Outcome, str]] = {
    "no docker": (lambda made: made.programs.pop(DOCKER), "docker", MISSING, "apt-get install docker-ce-cli"),
    "an old docker": (lambda made: made.programs.update({DOCKER: version("19.3.9")}), "docker", OLD, "apt-get install"),
    "no engine": (lambda made: made.programs.update({DOCKER: ALONE}), "engine", MISSING, "docker -H unix:///engine info"),
    "an old engine": (lambda made: made.programs.update({DOCKER: version(api="1.40")}), "engine", OLD, "name another engine"),
    "a strange engine": (lambda made: made.programs.update({DOCKER: version(api="new")}), "engine", UNKNOWN, "docker-ce"),
    "no buildx": (lambda made: made.programs.update({BUILDX: Said(1, "", "unknown command")}), "buildx", MISSING, "make docker"),
    "no provider": (
        lambda made: made.programs.pop(PLUGIN),
        "plugin docker",
        MISSING,
        "pulumi plugin install resource docker 5.2.0",
    ),
    "no builder": (lambda made: made.programs.pop(BUILDER), "plugin docker-build", MISSING, "make docker"),
    "a stand-in": (lambda made: made.sizes.update({str(Path(PLUGIN).with_name("provider.py")): 1}), "plugin docker", NOTE, ""),
}


@pytest.mark.parametrize("lack", LACKS)
def test_a_machine_that_lacks_something(lack: str) -> None:
    """What is wrong has its own verdict and the fix that mends it; nothing else is wrong because of it."""
    change, name, verdict, fix = LACKS[lack]
    machine = world()
    change(machine)
    wrong = [check for check in checks(machine) if check.verdict is not OK]

    assert [(check.name, check.verdict) for check in wrong] == [(name, verdict)]
    assert fix in wrong[0].fix


@pytest.mark.parametrize("said", ["", "[]", "hello", '{"Client": null}'])
def test_a_docker_that_says_something_else(said: str) -> None:
    """Whatever docker prints, its version is unknown then, and no engine is taken to be there."""
    machine = world()
    machine.programs[DOCKER] = Said(0, said)
    found = {check.name: check.verdict for check in checks(machine)}

    assert (found["docker"], found["engine"]) == (UNKNOWN, MISSING)


def test_plugins_elsewhere() -> None:
    """Pulumi's plugins are looked for where PULUMI_HOME says, and on PATH."""
    machine = world()
    machine.environ["PULUMI_HOME"] = "/other"
    machine.programs["/tools/pulumi-resource-docker"] = Said(0, "")
    found = {check.name: check.verdict for check in checks(machine)}

    assert (found["plugin docker"], found["plugin docker-build"]) == (OK, MISSING)


@pytest.mark.parametrize(
    ("settings", "shell", "address"),
    [
        ("config:\n  crossfade:target: docker\n", {}, SOCKET),
        ("config:\n  crossfade:target: docker  # why\n", {"DOCKER_HOST": ""}, SOCKET),
        ('config: \n  "crossfade:target": "docker"\n', {"DOCKER_HOST": "unix:///shell"}, "unix:///shell"),
        (
            "  crossfade:target: docker\n  crossfade:docker:\n    host: unix:///mine # x\n",
            {"DOCKER_HOST": "unix:///s"},
            "unix:///mine",
        ),
        ('  crossfade:docker: {subnet: 10.1.0.0/16, host: "unix:///mine"}\n  crossfade:target: docker', {}, "unix:///mine"),
        ("  crossfade:target: docker\n  crossfade:docker:\n    # host: unix:///old\n", {}, SOCKET),
        ("  crossfade:target: local\n  crossfade:docker: {host: unix:///mine}\n", {"DOCKER_HOST": "unix:///s"}, None),
        ("  # crossfade:target: docker\n", {}, None),
        ("", {"DOCKER_HOST": "unix:///s"}, None),
    ],
)
def test_which_engine_a_stack_asks_for(settings: str, shell: Mapping[str, str], address: str | None) -> None:
    """The settings' engine, else the shell's, else where one listens by default; none where the target is another."""
    assert engine_of(settings, shell) == address


def _lacking(client: int | None = 0, api: str = "1.41", buildx: int = 0, inspected: int = 0) -> list[str]:
    """What ``infra`` says of a machine without plugins whose docker answers so."""

    def run(words: Sequence[str]) -> ground.Answer:
        if "version" not in words:
            return ground.Answer(inspected, "")
        if "buildx" in words:
            return ground.Answer(buildx, "")
        server = {"ApiVersion": api} if client == 0 else None
        return ground.Answer(client, json.dumps({"Server": server}))

    environ = {"PULUMI_HOME": "/nowhere", "PATH": "/nowhere"}
    return [fault.what for fault in ground.faults("file", "unix:///engine", "default", environ, run)]


def test_what_infra_says_of_the_same() -> None:
    """The faults that are not told twice begin as ``infra`` begins them, with the same limits; a builder is told by it alone."""
    said = [*_lacking(None), *_lacking(1), *_lacking(api="1.40"), *_lacking(buildx=1)]

    assert {word for word in TOLD if any(each.startswith(word) for each in said)} == set(TOLD)
    assert [each for each in said if not each.startswith(TOLD)] == []
    assert [each for each in _lacking(inspected=1) if not each.startswith(TOLD)] == ["there is no builder default"]
    assert (API, PLUGINS) == (ground.API, ground.PLUGINS)


@pytest.mark.parametrize(
    ("whats", "told", "verdicts"),
    [
        (["no engine answers at x"], TOLD, [NOTE]),
        (["no engine answers at x"], (), [MISSING]),
        (["no engine answers at x", "there is no builder default"], TOLD, [MISSING]),
        ([], TOLD, [OK]),
    ],
)
def test_nothing_is_told_twice(whats: Sequence[str], told: tuple[str, ...], verdicts: Sequence[Outcome]) -> None:
    """What another check has told of is left out of the settings' faults, which are not called well for it."""
    machine = World()
    faults = [{"what": each, "where": "file", "cause": "none", "hint": "do"} for each in whats]
    machine.programs["/env/bin/python"] = Said(2 if whats else 0, json.dumps({"faults": faults}))
    place = Place(Path("/shop"), Path("/shop/.state"), "docker", told=told)

    assert [check.verdict for check in PROJECT["settings"](machine, place)] == list(verdicts)


@pytest.mark.processes
def test_a_stack_in_containers_without_an_engine(tmp_path: Path) -> None:
    """Of a stack in containers what it needs beside its settings is told, once, and neither envoy nor uv is asked for."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    shutil.copy(ROOT / "Pulumi.docker.yaml", tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "DOCKER_HOST": ""}
    [document] = documents(crossfade("doctor", "--json", folder=tmp_path, environment=environment).stdout)
    found = {check["name"]: check["verdict"] for check in document["checks"]}
    told = [check["found"] for check in document["checks"] if check["name"] == "settings"]

    assert set(MACHINE) - set(found) - {"go"} == set(INSIDE)
    assert {name: found.get(name) for name in ("docker", "plugin docker", "plugin docker-build")} == {
        "docker": "missing",
        "plugin docker": "missing",
        "plugin docker-build": "missing",
    }
    assert told
    assert [each for each in told if any(word in each for word in TOLD)] == []


@pytest.mark.processes
def test_a_docker_that_is_run(tmp_path: Path) -> None:
    """The command on PATH is asked for the engine that the settings name, and what it says is what is told."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    text = "config:\n  crossfade:target: docker\n  crossfade:docker: {host: unix:///mine}\n"
    (tmp_path / "Pulumi.one.yaml").write_text(text, encoding="utf-8")
    program = tmp_path / "docker"
    said = '{"Client": {"Version": "28.2.2"}, "Server": {"Version": "28.1", "ApiVersion": "1.49"}}'
    program.write_text(f"#!/bin/sh\n[ \"$2\" = unix:///mine ] && echo '{said}'\n", encoding="utf-8")
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.defpath}"}
    [document] = documents(crossfade("doctor", "--json", folder=tmp_path, environment=environment).stdout)
    found = {check["name"]: (check["verdict"], check["found"]) for check in document["checks"]}

    assert found["engine"] == ("ok", "1.49 (docker 28.1 at unix:///mine)")
    assert found["buildx"] == ("missing", "docker has none that runs")
