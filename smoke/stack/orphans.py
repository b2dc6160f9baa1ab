"""Dynamic providers of a Pulumi that was killed: each goes on with what it was making, and then never ends by itself."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from smoke.stack.project import Project, state_folder

_FINISH = 20.0
"""Seconds that what an orphan has started, as an installer, may go on."""
_TERMINATE = 2.0
"""Seconds to end when asked to."""
_KILL = 5.0
"""Seconds that the system has to end what was killed."""
_PAUSE = 0.1


def end_orphans(project: Project, backend: str, finish: float = _FINISH) -> None:
    """End the project's orphans, with what they have started; what is declared anew must have no rival.

    One that has started something, and waits for it, may finish that first. All others are idle, or are cut off as by a power
    cut, which whatever they make survives. Processes that cannot be told to be such orphans are left alone.

    Args:
        project: whose orphans.
        backend: where its state is, as Pulumi's environment says it; empty where that says nothing.
        finish: seconds that an orphan may go on.
    """
    orphans = list(_orphans(project, backend))
    deadline = time.monotonic() + finish
    while any(_children(each) for each in orphans) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    ending = [process for each in orphans for process in (each, *_children(each))]
    for process in ending:
        with suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(ending, timeout=_TERMINATE)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=_KILL)


def _orphans(project: Project, backend: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        # What dies while it is looked at, and what belongs to somebody else, is none of ours.
        with suppress(psutil.Error, OSError):
            if _is_provider(process) and _is_of(process, project, backend) and _is_orphan(process):
                yield process


def _is_provider(process: psutil.Process) -> bool:
    """The last word of its command is where its engine listens."""
    words = process.cmdline()
    return "pulumi.dynamic" in words[1:-1] and _goes_on(process)


def _is_of(process: psutil.Process, project: Project, backend: str) -> bool:
    environment = process.environ()
    theirs = environment.get("PULUMI_BACKEND_URL", "")
    if environment.get("PULUMI_PROJECT") != project.name:
        return False
    if not theirs:
        return Path(process.cwd()).is_relative_to(project.folder)
    # Not the folder it works in: that may be a link's target, and of several projects.
    return theirs == backend or (project.state is not None and state_folder(project.folder, theirs) == project.state)


def _is_orphan(process: psutil.Process) -> bool:
    """No Pulumi above it, and none where its engine was."""
    return not any(each.name() == "pulumi" for each in process.parents()) and not _answers(process.cmdline()[-1])


def _answers(address: str) -> bool:
    """Whether somebody listens there; also where it is no address."""
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        return True
    try:
        socket.create_connection((host, int(port)), timeout=1.0).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


def _children(process: psutil.Process) -> list[psutil.Process]:
    """What it has started and what that has, as far as it has not ended."""
    with suppress(psutil.Error):
        return [each for each in process.children(recursive=True) if _goes_on(each)]
    return []


def _goes_on(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
