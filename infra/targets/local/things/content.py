"""What programs are made of: their source, and the environment they run in. Each is named after its content and kept."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from infra.content import digest, files_of, tree_digest
from infra.contract.document import Json
from infra.targets.local.home import Home, make_folder, write_whole
from infra.targets.local.machine import dotted, interpreter, uv
from infra.targets.local.things.thing import Spec, ThingError

_NOT_PASSED_ON = ("VIRTUAL_ENV", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN")
"""Variables that uv does not see, nor what it builds. All others it may need: indexes and proxies have passwords too."""


class Source:
    """One version of a program's source. Kept until the stack is destroyed: a revert may want it."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Copy it from the project; what is there stays as it is."""
        place = home.source(spec["digest"])
        if place.exists():
            return {}
        if "from" not in spec:
            raise ThingError(f"version {spec['digest']} of {spec['for']} is gone: put its source back, or destroy the stack")
        draft = place.with_name(f".{place.name}.{os.getpid()}.new")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            _copy(Path(spec["from"]), draft)
            edited = tree_digest(draft) != spec["digest"]
        except FileNotFoundError:
            edited = True
        if edited:
            shutil.rmtree(draft, ignore_errors=True)
            raise _edited(spec)
        draft.rename(place)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: it is kept."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there."""
        return home.source(spec["digest"]).exists()


class Environment:
    """The environment of a runtime with locked requirements. Kept until the stack is destroyed, as sources are."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Install it from the lock, whose hashes are checked; what is there as a whole stays as it is."""
        if self.well(home, spec):
            return {}
        python = interpreter(spec["runtime"])
        if python is None:
            raise ThingError(f"there is no Python {dotted(spec['runtime'])} any more: install it, and run pulumi up once more")
        lock, place = _lock(home, spec), home.environment(spec["runtime"], spec["lock"])
        make_folder(place.parent)
        # Where it will be, not beside: an environment cannot be moved. Whole once the last file is there.
        _uv("venv", "--clear", "--python", str(python), str(place))
        options = ["--require-hashes", "--python", str(place / "bin" / "python")]
        _uv("pip", "install", *options, "--requirement", str(lock), of=spec.get("from", str(lock)))
        write_whole(place / "complete", spec["lock"])
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Nothing: it is kept."""

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is whole, and its interpreter still there."""
        place = home.environment(spec["runtime"], spec["lock"])
        return (place / "complete").exists() and (place / "bin" / "python").exists()


def _copy(folder: Path, into: Path) -> None:
    make_folder(into)
    for file in files_of(folder):
        copy = into / file.relative_to(folder)
        make_folder(copy.parent)
        shutil.copy2(file, copy, follow_symlinks=False)


def _lock(home: Home, spec: Spec) -> Path:
    """Our own copy of the lock: the project's may be edited at any time."""
    lock = home.lock(spec["lock"])
    if lock.exists():
        return lock
    if "from" not in spec:
        raise ThingError(f"lock {spec['lock']} is gone: put it back, or destroy the stack")
    try:
        content = Path(spec["from"]).read_bytes()
    except FileNotFoundError:
        content = b""
    if digest(content) != spec["lock"]:
        raise _edited(spec)
    write_whole(lock, content.decode("utf-8"))
    return lock


def _edited(spec: Spec) -> ThingError:
    return ThingError(f"{spec['from']} was edited while it was read: run pulumi up once more")


def _uv(*words: str, of: str = "") -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    # Compiled now, so that no first request waits for it; unless somebody says otherwise.
    environment = {"UV_COMPILE_BYTECODE": "1", **environment, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROJECT": "1"}
    try:
        done = subprocess.run(
            [uv(), "--quiet", "--no-progress", *words], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise ThingError("there is no uv to make environments with: install Crossfade with its extra 'local'") from None
    if done.returncode:
        what = f"{of} cannot be installed" if of else f"uv {words[0]} failed"
        raise ThingError(f"{what}:\n{done.stderr.strip() or done.stdout.strip() or f'exit code {done.returncode}'}")
