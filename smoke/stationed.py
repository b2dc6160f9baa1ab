"""``python -m smoke.stationed``: stands by one rollout in a cluster, where a Job runs it. What was begun is in the journal.

It drives where it is asked to, and takes back what nobody drives for too long, as the watchdog of one machine does.
"""

import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import click

from infra.contract import Contract
from smoke.absence import EVERY, Absence, told
from smoke.display import plain
from smoke.errors import Exit
from smoke.rollout import Phase, Rollout
from smoke.seams import Stack
from smoke.stack.away import AwayStack
from smoke.stack.project import Project
from smoke.wiring import Site


class Stationed(Site):
    """A stack whose contract was handed over; its project is elsewhere, and so is Pulumi."""

    reverts: ClassVar[bool] = False

    @cached_property
    def contract(self) -> Contract:
        """What is deployed, as whoever began the rollout knew it."""
        return Contract.from_json(json.loads(self.project.folder.joinpath("contract.json").read_text(encoding="utf-8")))

    @cached_property
    def stack(self) -> Stack:
        """No Pulumi."""
        return AwayStack(self.contract)


@click.command()
@click.option("--contract", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--rollout", required=True)
def main(contract: Path, rollout: str) -> None:
    """Be there until it has ended, or only Pulumi is left. Any code but 0 says that it is to be tried again."""
    # Who is asked to go gives the lease back, so that the next one need not wait for its end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    document = json.loads(contract.read_text(encoding="utf-8"))
    site = Stationed(Project("crossfade", contract.parent, None), str(document["stack"]))
    pause = threading.Event()
    stand_by(site, rollout, Absence(_drive), lambda: pause.wait(EVERY))
    sys.exit(Exit.WANTED)


@dataclass
class Standby:
    """Looks at one rollout, as long as something may be left to do for one who has no Pulumi."""

    site: Site
    name: str
    absence: Absence
    over: bool = False
    """Nothing is."""

    def look(self) -> str | None:
        """Act where somebody must; returns what was done, in one sentence.

        Raises:
            CrossfadeError: something could not be read, or done; the next look tries again.
        """
        found = None
        if self.site.journal.holder() is None:
            found = self.site.rollout(self.name)
            self.over = found is None or found.ended or found.phase is Phase.REVERTING
        return None if self.over else self.absence.look(self.site, found)


def stand_by(site: Site, name: str, absence: Absence, wait: Callable[[], object]) -> None:
    """Look again and again, until nothing is left."""
    standby, said = Standby(site, name, absence), ""
    while True:
        said = told(standby.look, said)
        if standby.over:
            return
        wait()


def _drive(site: Site, rollout: Rollout) -> Rollout:
    return site.drive(rollout, (plain(sys.stderr),))


if __name__ == "__main__":
    main()
