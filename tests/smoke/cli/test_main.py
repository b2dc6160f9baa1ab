"""What holds for every command: help, exit codes, errors as documents, and a reader that goes away."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.contract import Backend
from smoke.errors import Exit
from tests.smoke.cli.program import PROGRAM, bring_up, crossfade, documents

pytestmark = pytest.mark.processes
COMMANDS = (
    "abort",
    "approve",
    "attest",
    "backup",
    "check",
    "checklist",
    "compose",
    "doctor",
    "explain",
    "gate",
    "guide",
    "images",
    "incident",
    "notify",
    "orders",
    "pause",
    "plan",
    "promote",
    "prune",
    "relock",
    "replay",
    "report",
    "resume",
    "retire",
    "revert",
    "smoke",
    "soak",
    "status",
    "watch",
    "workflows",
)
NEEDED = {
    "attest": ("unit-tests", "--why", "seen"),
    "backup": ("one.tar.gz",),
    "guide": ("out",),
    "notify": ("hello",),
    "workflows": ("out",),
}
"""What these cannot do without."""
ON_A_STACK = tuple(
    each for each in COMMANDS if each not in {"compose", "doctor", "gate", "explain", "orders", "relock", "replay"}
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a stack that is up, whose data plane is gone."""
    bring_up(tmp_path, Backend("envoy", {"service": "api", "file": str(tmp_path / "api.json"), "admin": "/nowhere/envoy.sock"}))
    return tmp_path


def test_help_lists_every_command(tmp_path: Path) -> None:
    """Help names each command with a sentence, in the order of the alphabet, and nothing is on standard error."""
    done = crossfade("--help", folder=tmp_path)
    listed = [
        line.split()[0]
        for line in done.stdout.partition("Commands:\n")[2].splitlines()
        if line.startswith("  ") and line[2] > " "
    ]
    assert (done.returncode, done.stderr, tuple(listed)) == (Exit.WANTED, "", COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name: str, tmp_path: Path) -> None:
    """Every command says in a sentence what it does, and with every option what that is for."""
    done = crossfade(name, "--help", folder=tmp_path)
    usage, _, rest = done.stdout.partition("\n\n")
    says, _, options = rest.partition("Options:\n")
    first = " ".join(says.split())
    assert usage.startswith(f"Usage: crossfade {name} ")
    assert first[0].isupper()
    assert first.endswith(".")
    assert all(len(row.split("  ")) > 1 for row in _rows(options)), options
    assert {"--json", "--help"} <= {word for row in _rows(options) for word in row.replace(",", " ").split()}


def _rows(options: str) -> list[str]:
    """The options, each with all of its lines."""
    rows: list[str] = []
    for line in options.splitlines():
        if line.startswith("  -"):
            rows.append(line.strip())
        else:
            rows[-1] += f"  {line.strip()}"
    return rows


def test_without_a_command(tmp_path: Path) -> None:
    """No command at all is a wrong command line, and shows the help on standard error."""
    done = crossfade(folder=tmp_path)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert "Commands:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "what", "hint"),
    [
        (["sing"], "no such command 'sing'", "crossfade --help"),
        (["--loud"], "no such option '--loud'", "crossfade --help"),
        (["status", "--loud"], "no such option '--loud'", "crossfade status --help"),
        (["status"], "missing option '--stack' / '-s'", "crossfade status --help"),
        (["explain"], "missing argument 'CODE'", "crossfade explain --help"),
        (["explain", "ten"], "invalid value for 'CODE': 'ten' is not a valid integer", "crossfade explain --help"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], what: str, hint: str, tmp_path: Path) -> None:
    """A command line that is wrong ends with exit code 2 and a document that says what to type instead."""
    done = crossfade(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    lines = done.stderr.splitlines()
    assert lines[0] == f"error: {what}"
    assert f"  hint:  {hint}" in lines
    assert "  state: nothing was changed" in lines


@pytest.mark.parametrize("arguments", [["sing"], ["status", "--loud"], ["status"], ["explain"], ["explain", "77"]])
def test_an_error_for_machines(arguments: list[str], tmp_path: Path) -> None:
    """With ``--json`` an error is one document on standard output that begins with its format, and the same on standard error."""
    done = crossfade(*arguments, "--json", folder=tmp_path)
    [document] = documents(done.stdout)
    assert done.stdout.startswith('{"format": 1, ')
    assert document["exit"] == done.returncode
    assert f"error: {document['error']['what']}" in done.stderr.splitlines()


@pytest.mark.parametrize("name", ON_A_STACK)
def test_outside_a_project(name: str, tmp_path: Path) -> None:
    """A command on a stack ends outside a project with exit code 2, and says where it looked for what."""
    done = crossfade(name, *NEEDED.get(name, ()), "--stack", "staging", "--json", folder=tmp_path)
    [document] = documents(done.stdout)
    assert (done.returncode, document["error"]["where"]) == (Exit.USAGE, str(tmp_path))
    assert document["error"]["cause"] == "no Pulumi.yaml here or above"


def test_an_unknown_stack(project: Path) -> None:
    """Status of a stack that was never brought up ends with exit code 6, the command that brings it up, and what users see."""
    done = crossfade("status", "--stack", "other", "--json", folder=project)
    [document] = documents(done.stdout)
    assert done.returncode == Exit.NO_STACK
    assert document["error"]["hint"] == "pulumi up --stack other"
    assert document["error"]["state"] == "nothing is served by this stack"


def test_status_without_a_data_plane(project: Path) -> None:
    """Status works where the data plane is gone, and says so."""
    done = crossfade("status", "--stack", "staging", folder=project)
    assert done.returncode == Exit.WANTED
    assert "the data plane does not answer" in done.stdout


def test_the_stack_of_the_environment(project: Path) -> None:
    """The stack may come from Pulumi's own variable."""
    done = crossfade("status", "--json", folder=project, environment={"PULUMI_STACK": "staging"})
    assert documents(done.stdout)[0]["stack"] == "staging"


def test_a_fault_of_our_own(tmp_path: Path) -> None:
    """A fault in the program itself has exit code 255, a traceback, and for machines one document."""
    broken = "import sys; sys.modules['smoke.cli.explain'] = None; from smoke.cli import main; main(['explain', '1', '--json'])"
    done = subprocess.run([sys.executable, "-c", broken], cwd=tmp_path, capture_output=True, text=True, check=False)
    [document] = documents(done.stdout)
    assert (done.returncode, document["exit"], document["format"]) == (Exit.INTERNAL, Exit.INTERNAL, 1)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["explain", "8"], ["explain", "77", "--json"], ["doctor"], ["sing"]])
def test_a_reader_that_goes_away(arguments: list[str], unbuffered: str, tmp_path: Path) -> None:
    """Nobody is told anything when whoever read has gone away, and the program ends by itself."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [PROGRAM, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    own = {"explain 8": Exit.WANTED, "explain 77 --json": Exit.GATE, "sing": Exit.USAGE}.get(" ".join(arguments))
    assert done.returncode in {Exit.HELD, *([Exit.WANTED, Exit.GATE] if own is None else [own])}
    assert "Traceback" not in done.stderr
    assert os.strerror(errno.EPIPE) not in done.stderr


def test_nobody_reads_anything(tmp_path: Path) -> None:
    """The exit code is the documented one also when standard error has no reader either."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([PROGRAM, "sing", "--json"], cwd=tmp_path, stdout=writing, stderr=writing, check=False)
    finally:
        os.close(writing)
    assert done.returncode == Exit.USAGE


@pytest.mark.parametrize(
    ("closed", "code"), [("explain 8 >&-", Exit.WANTED), ("sing 2>&-", Exit.USAGE), ("explain 77 --json >&- 2>&-", Exit.GATE)]
)
def test_a_stream_that_is_closed(closed: str, code: Exit, tmp_path: Path) -> None:
    """A command that is started without an output does its work, and ends with its own exit code."""
    done = subprocess.run(["sh", "-c", f"exec {PROGRAM} {closed}"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_an_output_that_is_full(tmp_path: Path) -> None:
    """What could not be written is said, and is no success."""
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [PROGRAM, "explain", "8"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    wanted = f"error: the output could not be written: {os.strerror(errno.ENOSPC)}\n"
    assert (done.returncode, done.stderr) == (Exit.INTERNAL, wanted)


def test_a_shell_completes(tmp_path: Path) -> None:
    """A shell may ask how a line goes on."""
    asked = {"_CROSSFADE_COMPLETE": "bash_complete", "COMP_WORDS": "crossfade st", "COMP_CWORD": "1"}
    assert crossfade(folder=tmp_path, environment=asked).stdout == "plain,status\n"
