"""The README as a new user reads it: its blocks, in a fresh copy of the project, with nothing else known."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import ROOT, pulumi_folder

pytestmark = [pytest.mark.engine, pytest.mark.processes]

PORTS = (8080, 8501, 9000)
_EXIT = re.compile(r"#.*exit code (\d+)")


def blocks(text: str) -> list[list[tuple[str, int]]]:
    """The shell blocks, each as its commands with the exit code that the text promises."""
    found = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [[_command(line) for line in block.splitlines() if line.strip()] for block in found]


def _command(line: str) -> tuple[str, int]:
    promised = _EXIT.search(line)
    return line, int(promised[1]) if promised else 0


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """A copy of everything that git would carry, in a folder of its own."""
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    taken = [port for port in PORTS if _is_taken(port)]
    if taken:
        pytest.skip(f"the ports that the README names are taken here: {', '.join(map(str, taken))}; make destroy ends a stack")
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False)
    if files.returncode:
        pytest.skip("the README is followed in a copy of what git carries, and this is no checkout")
    folder = Path(tempfile.mkdtemp(prefix="cf-", dir="/tmp")) / "crossfade"
    for name in filter(None, files.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy, follow_symlinks=False)
    try:
        yield folder
    finally:
        subprocess.run(["make", "destroy"], cwd=folder, env=_environment(), capture_output=True, timeout=180, check=False)
        shutil.rmtree(folder.parent, ignore_errors=True)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return any(probe.connect_ex(("127.0.0.1", port + above)) == 0 for above in (0, 10_000, 20_000))


def _environment() -> dict[str, str]:
    """A shell that has never heard of this project."""
    ours = {str(ROOT / ".toolchain"), str(Path(sys.prefix) / "bin")}
    path = [each for each in os.environ["PATH"].split(os.pathsep) if each not in ours]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "VIRTUAL_ENV", "CROSSFADE_"))}
    return {**kept, "PATH": os.pathsep.join(path)}


def test_the_blocks_of_the_readme_do_what_it_says(clone: Path) -> None:
    """`make staging`, and then the five minutes typed line by line in one shell, end each with the code that is promised."""
    first, *tour = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [command for command in first if command[0].startswith("make staging")]
    lines += [command for block in tour for command in block]
    assert len(lines) > 8
    script = ["cd " + shlex.quote(str(clone))]
    for line, code in lines:
        judged = f"code=$?; [ $code = {code} ] || {{ echo ended with $code, not {code}; exit 99; }}"
        script += [f"printf '%s\\n' {shlex.quote('$ ' + line)}", line, judged]
    done = subprocess.run(
        ["/bin/bash", "-c", "\n".join(script)],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    said = done.stdout[-6000:] + done.stderr[-6000:]

    assert done.returncode == 0, said
    assert "\x1b[" not in done.stdout
    assert '"runtime":"py312"' in done.stdout
