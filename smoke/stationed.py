"""``python -m smoke.stationed``: drives one rollout in a cluster, where a Job runs it. What was begun is in the journal."""

import json
import signal
import sys
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import click

from infra.contract import Contract
from smoke.display import plain
from smoke.errors import CrossfadeError, Exit
from smoke.rollout import Phase
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
    """Drive it to its end, or to where only Pulumi is left. Any code but 0 says that it is to be tried again."""
    # Who is asked to go gives the lease back, so that the next one need not wait for its end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    document = json.loads(contract.read_text(encoding="utf-8"))
    site = Stationed(Project("crossfade", contract.parent, None), str(document["stack"]))
    try:
        found = site.rollout(rollout)
        if found is not None and not found.ended and found.phase is not Phase.REVERTING:
            site.drive(found, (plain(sys.stderr),))
    except CrossfadeError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit)
    sys.exit(Exit.WANTED)


if __name__ == "__main__":
    main()
