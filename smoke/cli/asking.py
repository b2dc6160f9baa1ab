"""Asking something of the one who drives, from another terminal, and waiting until it was heard."""

from collections.abc import Callable

from smoke.cli.frame import me
from smoke.errors import GateClosed, TimedOut
from smoke.guard import on_guard
from smoke.rollout import Phase, Rollout
from smoke.wiring import Site

_PATIENCE = 60.0
"""Seconds for which a request is repeated: while weights are moved, nobody can pause."""
_AGAIN = 1.0


def running(site: Site, verb: str) -> Rollout:
    """The rollout that is running.

    Raises:
        GateClosed: there is none, or it goes back.
    """
    rollout = site.history().running
    if rollout is None:
        raise GateClosed(f"no rollout is running, so there is nothing to {verb}", where=site.name, hint="crossfade status")
    return _forward(rollout, verb)


def ask(  # noqa: PLR0913 - what is asked, and when that is done
    site: Site, rollout: Rollout, verb: str, why: str, wanted: Callable[[Rollout], bool], *, step: int | None = None
) -> Rollout:
    """Ask for the verb, of a step where it is about one, until the rollout is as wanted; returns it as it is then.

    Raises:
        GateClosed: nobody drives it, or it goes back.
        TimedOut: the one who drives did not do it.
    """
    name, began = rollout.opened.rollout, site.clock.now()
    while not wanted(rollout):
        _forward(rollout, verb)
        if not _heard(site, rollout):
            raise GateClosed(
                "nobody drives this rollout, so nobody would hear it",
                where=name,
                hint="crossfade promote goes on with it, crossfade abort takes it back",
            )
        if site.clock.now() - began > _PATIENCE:
            what = f"whoever drives it did not answer to {verb} within {_PATIENCE:g} s"
            raise TimedOut(what, where=name, hint="crossfade status; crossfade abort works also where the driver hangs")
        site.ask(name, verb, me(), why, step)
        heard = site.clock.now() + _AGAIN
        while site.clock.now() < heard and not wanted(rollout):
            site.clock.sleep(0.1)
            rollout = site.rollout(name) or rollout
    return rollout


def _heard(site: Site, rollout: Rollout) -> bool:
    """Whether somebody drives it, or is about to: between the one who left it to the watchdog and that one nobody does."""
    return site.journal.holder() is not None or (site.detached(rollout) and on_guard(site.folder, site.clock.now()))


def _forward(rollout: Rollout, verb: str) -> Rollout:
    if rollout.ended or rollout.phase in {Phase.ABORTING, Phase.REVERTING}:
        where = rollout.opened.rollout
        raise GateClosed(f"the rollout is {rollout.phase.value}: too late to {verb}", where=where, hint="crossfade status")
    return rollout
