"""Processes of a stack: which there are, and how they are ended."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from infra.targets.local.machine import belongs_to

_PATIENCE = 3.0
"""Seconds that a process has to end when it is asked to."""


def of_stack(folder: Path) -> list[psutil.Process]:
    """Every process that was started by the stack in that folder, without those that this one was started by."""
    spared = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    return [each for each in psutil.process_iter() if each.pid not in spared and belongs_to(each, folder)]


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and everything below it."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return [process]


def end(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """End processes: asked first, then killed. Returns those that live all the same."""
    alive = list(processes)
    for act in (psutil.Process.terminate, psutil.Process.kill):
        for each in alive:
            with suppress(psutil.NoSuchProcess):
                act(each)
        alive = living(alive, _PATIENCE)
    return alive


def living(processes: Iterable[psutil.Process], limit: float) -> list[psutil.Process]:
    """Those that still live after ``limit`` seconds; returns as soon as none does."""
    alive = list(processes)
    until(lambda: all(_has_ended(each) for each in alive), limit)
    return [each for each in alive if not _has_ended(each)]


def _has_ended(process: psutil.Process) -> bool:
    # One that nobody collects stays in the table, where the first process of a container does not care.
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(condition: Callable[[], bool], limit: float) -> bool:
    """Whether the condition came to hold within the limit, in seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
