"""The watchdog of a stack on one machine: it keeps the dead man's rule.

Runs beside the stack, under its supervisor: ``python -m smoke.watchdog --project FOLDER --stack NAME``. It looks once a second
whether somebody drives, and does nothing as long as somebody does.
"""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from smoke.absence import EVERY, Absence, told
from smoke.display import plain
from smoke.guard import beat, remembered_shell
from smoke.rollout import Rollout
from smoke.wiring import Site


@dataclass
class Watchdog:
    """What one stack's watchdog remembers between two looks."""

    site: Callable[[], Site]
    """The stack as it is now."""
    absence: Absence
    ended: tuple[str, int] | None = None
    """The newest journal that was found ended, and its length: it need not be read again."""

    def look(self) -> str | None:
        """Act where somebody must; returns what was done, in one sentence.

        Raises:
            CrossfadeError: something could not be read, or done; the next look tries again.
        """
        site = self.site()
        beat(site.folder, site.clock.now())
        return self.absence.look(site, None if site.journal.holder() is not None else self._running(site))

    def _running(self, site: Site) -> Rollout | None:
        newest = max(site.folder.glob("*.jsonl"), default=None)
        if newest is None:
            return None
        mark = (newest.name, newest.stat().st_size)
        if mark == self.ended:
            return None
        running = site.history().running
        self.ended = mark if running is None else None
        return running


def _drive(site: Site, rollout: Rollout) -> Rollout:
    os.environ.update(remembered_shell(site.folder))
    return site.drive(rollout, (plain(sys.stderr), lambda _: beat(site.folder, site.clock.now())))


class Beside(Site):
    """The stack that a watchdog is beside. Its journal is on this machine: to look for a driver nothing of Pulumi's is read."""

    @cached_property
    def _elsewhere(self) -> None:
        """Never in a cluster, where no watchdog is."""


@click.command()
@click.option("--project", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--stack", required=True)
def main(project: Path, stack: str) -> None:
    """Watch one stack until this process is ended, or is nobody's any more."""
    watchdog, parent = Watchdog(lambda: Beside.here(stack, project), Absence(_drive)), os.getppid()
    pause = threading.Event()
    said = ""
    while os.getppid() == parent:  # a supervisor that died has a successor, with a watchdog of its own
        said = told(watchdog.look, said)
        pause.wait(EVERY)


if __name__ == "__main__":
    main()
