"""The folder that an image is built from: named after its content, whole or not there at all, and kept.

It has the service's source at its root and, in ``.crossfade``, what we add. It is never the project's own folder, which may be
edited while an image is built; and it is kept, because a revert may want a version that the project no longer has.
"""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.content import digest, files_of, tree_digest
from infra.images.recipe import RECIPE, REQUIREMENTS, Recipe, beside, dockerfile_digest

OURS = ".crossfade"
"""The folder in it that is ours. No source has one: it is no part of a program."""


class ContextError(Exception):
    """The folder cannot be assembled; says what to do."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the parts are found now. They may have been edited since their digests were taken."""

    source: Path
    lock: Path
    dockerfile: Path | None = None
    """The user's own, or None: ours."""


def assemble(contexts: Path, recipe: Recipe, origin: Origin | None) -> Path:
    """Have the folder of a recipe among ``contexts``, and return it; one that is there stays as it is.

    Raises:
        ContextError: a part is not what the recipe says, or the folder is gone and nobody says where its parts are (None).
        OSError: a part cannot be read, or the folder not be written.
    """
    place = contexts / recipe.folder
    if place.is_dir():
        return place
    if origin is None:
        raise ContextError(f"build context {place} is gone: put the source, lock and Dockerfile of that version back")
    with _draft(place) as draft:
        _fill(draft, recipe, origin)
        _compare(draft, recipe, origin)
    return place


@contextmanager
def _draft(place: Path) -> Iterator[Path]:
    """A folder that becomes the one at ``place`` where nothing goes wrong, and is removed otherwise."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Pulumi makes things in threads, at the same time.
    draft = place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}.new")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        yield draft
        try:
            draft.rename(place)
        except OSError:
            if not place.is_dir():  # else somebody was quicker: with the same content
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: Path, recipe: Recipe, origin: Origin) -> None:
    _folder(draft)
    try:
        for file in files_of(origin.source):
            copy = draft / file.relative_to(origin.source)
            _folder(copy.parent)
            shutil.copy2(file, copy, follow_symlinks=False)
            _open_to_all(copy)
        parts = {REQUIREMENTS: origin.lock.read_bytes(), **beside(origin.dockerfile)}
    except FileNotFoundError as error:
        raise _edited(Path(error.filename)) from None
    _folder(draft / OURS)
    # The recipe is for whoever wonders whether the folder is still needed.
    for name, body in {**parts, RECIPE: json.dumps(asdict(recipe)).encode()}.items():
        (draft / OURS / name).write_bytes(body)
        _open_to_all(draft / OURS / name)


def _compare(draft: Path, recipe: Recipe, origin: Origin) -> None:
    if tree_digest(draft) != recipe.source:
        raise _edited(origin.source)
    if digest((draft / OURS / REQUIREMENTS).read_bytes()) != recipe.lock:
        raise _edited(origin.lock)
    if dockerfile_digest(draft / OURS / "Dockerfile") != recipe.dockerfile:
        raise _edited(origin.dockerfile or Path("the Dockerfile of Crossfade"))


def _edited(path: Path) -> ContextError:
    return ContextError(f"{path} was edited while it was read: run pulumi up once more")


def _folder(folder: Path) -> None:
    """Have a folder that the user of a container may enter, whatever the umask; those above it are their owner's alone."""
    if not folder.is_dir():
        _folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _open_to_all(file: Path) -> None:
    """Let the user of a container read a file, and execute what its owner may. Times stay: browsers know a page by them."""
    if not file.is_symlink():
        file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
