"""A small Pulumi program of a test's own, on our stand-in for the docker provider, and the engine that it runs against."""

import io
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workshop import BIN, LIMIT, ROOT, pulumi_folder, ran, said

STACK = "test"
LABEL = "crossfade.test"
"""Everything that a test makes on the engine has it, with the test's own name."""
COUNT = re.compile(
    r"^\s*(?:[+~-]+\s*)?(\d+) (created|updated|replaced|deleted|unchanged|to create|to replace|to update)\b", re.MULTILINE
)


def missing() -> str | None:
    """What the tests of the stand-in need and do not find here, None where all is there."""
    if pulumi_folder() is None:
        return "needs a Pulumi: make setup, then . ./activate"
    if shutil.which("docker") is None:
        return "needs the docker command line"
    return None if platform.machine() == "x86_64" else "the program in the image is for x86_64"


class Engine:
    """The Docker engine, as a person at the command line sees it."""

    def __init__(self, host: str, name: str) -> None:
        self.host = host
        self.name = name
        self.image = ""

    def docker(self, *words: str, given: bytes | None = None, check: bool = True) -> str:
        """What a docker command says, without the space around it."""
        done = subprocess.run(["docker", "-H", self.host, *words], input=given, capture_output=True, timeout=LIMIT, check=False)
        assert not check or done.returncode == 0, f"{words}\n{done.stderr.decode()}"
        return done.stdout.decode().strip()

    def inspect(self, name: str, kind: str = "container") -> Mapping[str, Any]:
        """All that the engine says of a thing."""
        return dict(json.loads(self.docker(kind, "inspect", f"{self.name}-{name}"))[0])

    def things(self) -> list[str]:
        """The names of all containers, networks and volumes of this test."""
        shown = {"container": "{{.Names}}", "network": "{{.Name}}", "volume": "{{.Name}}"}
        found = (self.docker(kind, "ls", *self._ours(kind), "--format", form) for kind, form in shown.items())
        return sorted(name.removeprefix(f"{self.name}-") for names in found for name in names.split())

    def clear(self) -> None:
        """Remove all that this test made, whoever made it."""
        for kind, force in (("container", ["-f", "-v"]), ("network", []), ("volume", [])):
            if found := self.docker(kind, "ls", "-q", *self._ours(kind)).split():
                self.docker(kind, "rm", *force, *found, check=False)

    def _ours(self, kind: str) -> list[str]:
        return [*(["-a"] if kind == "container" else []), "--filter", f"label={LABEL}={self.name}"]


@contextmanager
def engine_at(host: str) -> Iterator[Engine]:
    """The engine at the address, with an image on it whose one program waits for ever."""
    engine = Engine(host, f"standin-{os.getpid()}")
    engine.image = engine.docker("import", "--change", 'ENTRYPOINT ["/wait"]', "-", f"{engine.name}:1", given=_image())
    try:
        yield engine
    finally:
        engine.clear()
        engine.docker("image", "rm", "-f", engine.image, check=False)


class Declared:
    """A stack, whose program declares what the test wrote last."""

    def __init__(self, folder: Path, home: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": "standin", "runtime": runtime}), encoding="utf-8")
        passed = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "DOCKER_"))}
        self.environment = {
            **passed,
            "PATH": os.pathsep.join([str(BIN), str(pulumi_folder()), os.environ["PATH"]]),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{folder}/state?create_dir=true",
            "PULUMI_CONFIG_PASSPHRASE_FILE": "/dev/null",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self.write()
        self.pulumi("stack", "init")

    def write(self, *lines: str) -> None:
        """Let the program consist of these lines, beside the provider ``ON``."""
        head = ["import pulumi", "import pulumi_docker as docker"]
        provider = f'ON = {{"provider": docker.Provider("engine", host={self.engine.host!r})}}'
        (self.folder / "__main__.py").write_text("\n".join([*head, provider, *lines, ""]), encoding="utf-8")

    def thing(self, kind: str, name: str, options: str = "", **inputs: Any) -> str:  # noqa: ANN401 - any input
        """A line that declares a thing under a name and a label of this test; ``options`` are further resource options."""
        shown = {"name": f"{self.engine.name}-{name}", "labels": [{"label": LABEL, "value": self.engine.name}], **inputs}
        return f"docker.{kind}({name!r}, **{shown!r}, opts=pulumi.ResourceOptions(**ON, {options}))"

    def container(self, name: str = "one", options: str = "", **inputs: Any) -> str:  # noqa: ANN401 - any input
        """A line that declares a container of the image that waits."""
        return self.thing("Container", name, options, **{"image": self.engine.image, **inputs})

    def pulumi(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Pulumi on the stack, as in a pipe."""
        return ran(self._words(words), self.folder, self.environment, check=check)

    def begin(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start Pulumi on the stack, and leave it running."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            self._words(words), cwd=self.folder, env=self.environment, stdin=quiet, stdout=quiet, stderr=quiet
        )

    def up(self, *lines: str, words: Sequence[str] = ()) -> dict[str, int]:
        """Write the lines, if any, and have them: how many things were created, updated, replaced and so on."""
        if lines:
            self.write(*lines)
        return counts(self.pulumi("up", "--yes", "--skip-preview", *words).stdout)

    def refused(self, *lines: str) -> str:
        """What Pulumi says of lines that cannot be had."""
        self.write(*lines)
        done = self.pulumi("up", "--yes", "--skip-preview", check=False)
        assert done.returncode != 0, said(done)
        return done.stdout + done.stderr

    def _words(self, words: Sequence[str]) -> list[str]:
        return ["pulumi", *words, "--stack", STACK, "--non-interactive", "--color", "never"]


def counts(text: str) -> dict[str, int]:
    """The numbers in Pulumi's summary; the stack and the provider count as well."""
    return {what: int(number) for number, what in COUNT.findall(text)}


def install(home: Path) -> None:
    """Put the stand-in into the plugin cache of a home folder of Pulumi."""
    path = os.pathsep.join([str(pulumi_folder()), os.environ["PATH"]])
    script = ROOT / "toolchain" / "docker-standin" / "install.sh"
    subprocess.run(
        ["sh", script, home, sys.executable], env={**os.environ, "PATH": path}, capture_output=True, timeout=LIMIT, check=True
    )


def _image() -> bytes:
    """A whole system: one program, which does nothing, for ever. No image need be fetched for it."""
    program = _waiting()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("wait")
        entry.mode, entry.size = 0o755, len(program)
        archive.addfile(entry, io.BytesIO(program))
    return made.getvalue()


def _waiting() -> bytes:
    """An executable of three instructions: the system call ``pause``, and back to it."""
    code = bytes.fromhex("b822000000 0f05 ebf7")
    base, head, segment = 0x400000, 64, 56
    size = head + segment + len(code)
    magic = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<16sHHIQQQIHHHHHH", magic, 2, 62, 1, base + head + segment, head, 0, 0, head, segment, 1, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000) + code
