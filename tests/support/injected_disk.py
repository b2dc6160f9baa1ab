"""A full disk: the journal and the routes on small file systems of their own, which are filled in the middle of a step."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from injecting import LONG, Fault, Scene
from injecting_stage import stage
from workshop import Workshop, until

ROOM = "2m"
"""Of each file system."""


@contextmanager
def small() -> Iterator[Workshop]:
    """A stack whose journal and routes lie on file systems of two megabytes. For root alone."""
    mounts: list[Path] = []

    def prepare(project: Workshop) -> None:
        for folder in folders(project):
            folder.mkdir(parents=True, mode=0o700)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0700", "crossfade-test", folder], check=True)
            mounts.append(folder)

    try:
        with stage(prepare) as project:
            try:
                yield project
            finally:
                empty(project)
                project.pulumi("destroy", "--yes", "--skip-preview", check=False)
                unmount(mounts)
    finally:
        unmount(mounts)


def unmount(mounts: list[Path]) -> None:
    """Unmount what is mounted there; also while somebody still has a file open."""
    while mounts:
        subprocess.run(["umount", "-l", mounts.pop()], check=False)


def folders(project: Workshop) -> tuple[Path, Path]:
    """Of the journal, and of the routes."""
    return project.folder / ".state" / ".crossfade", project.home / "routes"


def fill(project: Workshop) -> None:
    """Leave no room in either."""
    for folder in folders(project):
        _fill(folder)


def empty(project: Workshop) -> None:
    """Give the room back."""
    for folder in folders(project):
        (folder / "fill").unlink(missing_ok=True)


def full(scene: Scene) -> None:
    """The disk is full: what was held back carries the rollout, and an abort, to a recorded end."""
    driver = scene.promote()
    scene.undo.callback(empty, scene.project)
    scene.strike()
    fill(scene.project)
    until(lambda: _room_used(scene), "the room that was held back is used", limit=30)
    scene.note("goes on in the room that was held back")
    abort = scene.types("abort")
    scene.wait_home()
    scene.ends("abort", abort, 0)
    scene.ends("promote", driver, 8)


def no_driver(scene: Scene) -> None:
    """The disk is full and the driver is dead: abort alone takes all back."""
    driver = scene.promote()
    scene.undo.callback(empty, scene.project)
    driver.process.kill()
    driver.process.wait()
    fill(scene.project)
    scene.strike()
    abort = scene.types("abort")
    scene.wait_home()
    scene.ends("abort", abort, 0)


def journal_full(scene: Scene) -> None:
    """Not even the room that was held back is left for the journal: the weights go back all the same, and the error says so."""
    driver = scene.promote()
    scene.undo.callback(empty, scene.project)
    journal, _ = folders(scene.project)
    scene.strike()
    _stuff(journal)
    scene.wait_home()
    scene.ends("promote", driver, 4)
    scene.expect("Errno 28" in driver.said or "No space left" in driver.said, f"it says why: {driver.said[-800:]}")
    scene.expect("100 %" in driver.said.rpartition("state:")[2], f"it says that users are safe: {driver.said[-300:]}")
    scene.exits["abort while full"] = scene.types("abort").end()
    empty(scene.project)
    scene.ends("abort once there is room", scene.types("abort"), 0)


def all_full(scene: Scene) -> None:
    """The same for the routes: nothing can be written anywhere, and the error says so; with room again, abort ends it."""
    driver = scene.promote()
    scene.undo.callback(empty, scene.project)
    scene.strike()
    for folder in folders(scene.project):
        _stuff(folder)
    scene.ends("promote", driver, 11)
    scene.note("traffic stays at 20 % until there is room")
    scene.expect("a person is needed now" in driver.said, f"it says that traffic was not put back: {driver.said[-800:]}")
    scene.expect("Errno 28" in driver.said or "No space left" in driver.said, f"it says why: {driver.said[-800:]}")
    empty(scene.project)
    scene.ends("abort once there is room", scene.types("abort"), 0)
    scene.wait_home()


def _stuff(folder: Path) -> None:
    """Take the room that was held back as well."""
    for ballast in folder.rglob(".ballast"):
        ballast.unlink()
    _fill(folder)


def _fill(folder: Path) -> None:
    with (folder / "fill").open("ab", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(4096))


def _room_used(scene: Scene) -> bool:
    journal, _ = folders(scene.project)
    return not any(journal.rglob(".ballast"))


def may_mount() -> str | None:
    """Why nothing can be mounted here; None where it can."""
    return None if os.geteuid() == 0 else "mounts small file systems, which only root may"


FAULTS: Mapping[str, Fault] = {
    "disk full": Fault(full, LONG),
    "disk full, and the driver dead": Fault(no_driver, LONG),
    "journal's disk full to the last byte": Fault(journal_full, LONG),
    "every disk full to the last byte": Fault(all_full, LONG),
}
