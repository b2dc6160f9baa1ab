"""Asking something of the one who drives, from another terminal, and waiting until it was heard."""

import sys

from smoke.cli.frame import me
from smoke.errors import GateClosed, Locked, TimedOut
from smoke.rollout import Phase, Rollout
from smoke.wiring import Site

_PATIENCE = 60.0
"""Seconds for which a request is repeated: while the candidate is proved, or weights are moved, nobody can pause."""
_AGAIN = 1.0


def ask(site: Site, verb: str, why: str, wanted: Phase) -> Rollout:
    """Ask for the verb until the running rollout is in the phase that it leads to; returns it as it is then.

    Raises:
        GateClosed: no rollout is running, or nobody drives it.
        TimedOut: the one who drives did not do it.
    """
    rollout = site.history().running
    if rollout is None:
        raise GateClosed(f"no rollout is running, so there is nothing to {verb}", where=site.name, hint="crossfade status")
    name, began = rollout.opened.rollout, site.clock.now()
    while rollout.phase is not wanted:
        if rollout.ended or rollout.phase in {Phase.ABORTING, Phase.REVERTING}:
            raise GateClosed(f"the rollout is {rollout.phase.value}: too late to {verb}", where=name, hint="crossfade status")
        if not _driven(site, name):
            raise GateClosed("nobody drives this rollout", where=name, hint="crossfade promote goes on with it")
        if site.clock.now() - began > _PATIENCE:
            raise TimedOut(f"the one who drives did not {verb} within {_PATIENCE:g} s", where=name, hint="crossfade status")
        site.mailbox.post(name, {"verb": verb, "by": me(), "why": why, "at": site.clock.wall()})
        heard = site.clock.now() + _AGAIN
        while site.clock.now() < heard and rollout.phase is not wanted:
            site.clock.sleep(0.1)
            rollout = site.rollout(name) or rollout
    sys.stderr.write(f"{rollout.phase.value} at {rollout.share} %\nstate: {site.state()}\n")
    return rollout


def _driven(site: Site, name: str) -> bool:
    try:
        with site.journal.open(name):
            return False
    except Locked:
        return True
