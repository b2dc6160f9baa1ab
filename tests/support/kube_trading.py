"""Images of examples/trading for a node, without an engine to build them with: this machine's interpreters and what they load.

They stand where a registry's images would. That images are built and pushed is what the tests of the target docker are about.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from docker_bases import UNUSED, missing_interpreters
from docker_daemons import BIN

from infra.targets.local.machine import dotted, interpreter

NAME = "localhost/trading:{runtime}"
"""As settings name them."""
RUNTIMES = ("py39", "py312")
ROOT = Path(__file__).parents[2]
_LIMIT = 300.0
"""Seconds that one step of making them may take."""
FILES = {
    "etc/passwd": "root:x:0:0::/:/bin/false\napp:x:10001:10001::/tmp:/bin/false\n",
    "etc/nsswitch.conf": "passwd: files\nhosts: files dns\n",
}


def missing() -> str | None:
    """Why there can be no images here; None where there can."""
    found = missing_interpreters()
    return f"needs {', '.join(found)} in a folder of its own, to make an image of it: pyenv install" if found else None


def image(folder: Path, runtime: str) -> Path:
    """Write an archive with the image of a runtime, as ``docker save`` has it. It runs what a pod says, as any user."""
    python, layer = interpreter(runtime), folder / f"{runtime}-layer.tar"
    assert python is not None, runtime
    packages = _packages(folder / f"{runtime}-packages", python, runtime)
    with tarfile.open(layer, "w") as packed:
        packed_python(packed, python, f"python{dotted(runtime)}", packages)
        tree(packed, packages, f"usr/local/lib/python{dotted(runtime)}/site-packages", ())
        tree(packed, ROOT / "examples" / "trading" / "trading", "app/trading", ("__pycache__",))
        for path, content in FILES.items():
            text(packed, path, content)
    return archived(folder / f"{runtime}.tar", NAME.format(runtime=runtime), layer)


def _packages(folder: Path, python: Path, runtime: str) -> Path:
    lock = ROOT / "examples" / "trading" / "locks" / f"app-{runtime}.txt"
    uv = Path(sys.prefix) / "bin" / "uv"
    words = ("--quiet", "--require-hashes", "--compile-bytecode", "--python", str(python), "--target", str(folder))
    ran(str(uv), "pip", "install", *words, "-r", str(lock))
    return folder


def packed_python(packed: tarfile.TarFile, python: Path, name: str, packages: Path) -> None:
    """Add an interpreter, with what its loader asks for, and what that of the packages does."""
    prefix = python.resolve().parent.parent
    _file(packed, python.resolve(), f"usr/local/bin/{name}")
    for link in ("python", "python3"):
        told = tarfile.TarInfo(f"usr/local/bin/{link}")
        told.type, told.linkname = tarfile.SYMTYPE, name
        packed.addfile(told)
    standard = prefix / "lib" / name
    tree(packed, standard, f"usr/local/lib/{name}", [each for each in UNUSED if each != "__pycache__"])
    loading = [python, *(standard / "lib-dynload").glob("*.so"), *packages.rglob("*.so")]
    for library in sorted(_libraries(loading)):
        if not Path(library).is_relative_to(packages):  # else it is there already
            _file(packed, Path(library), library.lstrip("/"))


def _libraries(programs: Iterable[Path]) -> set[str]:
    """What the loader would load for them, by the paths that it would ask for."""
    said = ran("ldd", *(str(each) for each in programs))
    return set(re.findall(r"(?:=> |^\t)(/\S+) \(", said, re.MULTILINE))


def tree(packed: tarfile.TarFile, folder: Path, name: str, unused: Iterable[str]) -> None:
    """Add a folder, without what matches ``unused``."""

    def kept(told: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if any(Path(told.name).match(each) for each in unused) else _plain(told)

    packed.add(folder, name, filter=kept)


def _file(packed: tarfile.TarFile, file: Path, name: str) -> None:
    told = packed.gettarinfo(str(file.resolve()), name)
    with file.open("rb") as content:
        packed.addfile(_plain(told), content)


def text(packed: tarfile.TarFile, name: str, content: str) -> None:
    """Add a file with that in it."""
    told = tarfile.TarInfo(name)
    told.size, told.mode = len(content), 0o644
    packed.addfile(told, BytesIO(content.encode()))


def _plain(told: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's in particular, and for everybody to read. The time stays: compiled modules are known by it."""
    told.uid = told.gid = 0
    told.uname = told.gname = ""
    told.mode |= 0o755 if told.isdir() else 0o444
    return told


def archived(file: Path, name: str, layer: Path) -> Path:
    """The archive of an image of one layer, which is used up."""
    with layer.open("rb") as content:
        digest = sha256()
        while got := content.read(1 << 20):
            digest.update(got)
    described = json.dumps(_settings(digest.hexdigest()))
    named = sha256(described.encode()).hexdigest()
    listed = [{"Config": f"{named}.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(file, "w") as packed:
        text(packed, f"{named}.json", described)
        packed.add(layer, "layer.tar")
        text(packed, "manifest.json", json.dumps(listed))
    layer.unlink()
    return file


def _settings(digest: str) -> Mapping[str, object]:
    environment = ["PATH=/usr/local/bin", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"]
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": environment, "WorkingDir": "/app", "User": "10001"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }


def ran(*words: str) -> str:
    """What a program said.

    Raises:
        RuntimeError: it failed.
    """
    environment = {**os.environ, "PATH": BIN}
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT, check=False, env=environment
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words[:3])} ... ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout
