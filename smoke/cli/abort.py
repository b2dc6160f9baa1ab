"""``crossfade abort``: all traffic back on the live slot, at once, whoever drives."""

import sys
from collections.abc import Mapping

import click

from smoke.cli.frame import me, on_stack
from smoke.cli.main import print_document
from smoke.cli.running import drive, exit_of
from smoke.errors import Exit, JournalError, Locked, RouterError, TimedOut
from smoke.rollout import Phase, Retried, Rollout, describe, to_record
from smoke.wiring import Site

_PATIENCE = 120.0
"""Seconds that the one who drives has to take the stack back; users are safe long before."""
_LETTING_GO = 30.0
"""Seconds that the one who drove has to end what belongs to it, as its synthetic traffic, before the stack is free."""
_HEARING = 1.0
"""Seconds that the one who drives has to hear the request. Longer, and the weights are set here: it hangs."""


@click.command("abort")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document at the end.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Put all traffic back on the live slot, now; then take the stack back.

    Needs neither Pulumi nor the candidate nor the metrics for the first part, and works while another terminal drives.
    """
    rollout = site.history().last
    if rollout is None or rollout.phase in {Phase.PROMOTED, Phase.ROLLED_BACK}:
        sys.stderr.write(f"nothing to abort: no rollout is running\nstate: {site.state()}\n")
        if as_json:
            print_document({"nothing": "no rollout is running", "weights": site.weights()})
        return Exit.WANTED
    rollout = go_back(site, rollout, why)
    if rollout.phase is Phase.PROMOTED:
        sys.stderr.write("it was promoted a moment before it could be aborted; to go back: crossfade revert\n")
    code = exit_of(rollout, site.state())
    if as_json:
        print_document(describe(rollout))
    return Exit.WANTED if rollout.phase is Phase.ROLLED_BACK else code


def go_back(site: Site, rollout: Rollout, why: str) -> Rollout:
    """Drive it back ourselves, or wait for the one who drives; where that one hangs, users do not wait. Returns it ended.

    Raises:
        TimedOut: the one who drives did not end it.
        JournalError: what was done cannot be remembered; all traffic was put back on the live slot, where that could be done.
    """
    try:
        site.ask(rollout.opened.rollout, "abort", me(), why)
        rollout = _taken_back(site, rollout)
    except JournalError:
        _set_weights(site, rollout.home)
        raise
    if rollout.phase is Phase.PROMOTED:  # its driver was faster, and the weights may have been set here meanwhile
        _set_weights(site, rollout.weights)
    return rollout


def _taken_back(site: Site, rollout: Rollout) -> Rollout:
    began, told, cleared = site.clock.now(), False, False
    while True:
        try:
            if rollout.phase is Phase.STUCK:
                rollout = _retry(site, rollout)
            return drive(site, rollout)
        except Locked as locked:
            waited = site.clock.now() - began
            if waited > _PATIENCE:
                name = rollout.opened.rollout
                raise TimedOut("the one who drives did not take the stack back", where=name, cause=locked.cause) from None
            rollout = site.rollout(rollout.opened.rollout) or rollout
            if rollout.ended and rollout.phase is not Phase.STUCK:
                _let_go(site)
                return rollout
            if rollout.phase is Phase.REVERTING and not told:
                sys.stderr.write(f"all traffic is on {rollout.opened.live}; the stack goes back\n")
                told = True
            if waited > _HEARING and rollout.phase not in {Phase.ABORTING, Phase.REVERTING}:
                cleared = _set_weights(site, rollout.home, anew=not cleared)
            site.clock.sleep(0.2)


def _let_go(site: Site) -> None:
    """Whoever drove has a moment to give back the stack, so that what is done next finds it free."""
    until = site.clock.now() + _LETTING_GO
    while site.journal.holder() is not None and site.clock.now() < until:
        site.clock.sleep(0.05)


def _set_weights(site: Site, weights: Mapping[str, int], *, anew: bool = True) -> bool:
    """Give every service these weights, consumers before providers; says what cannot be done. Returns whether all have them.

    ``anew`` also where they are so: somebody may be kept on the slot that is left.
    """
    done = True
    for service, router in reversed(list(site.routers.items())):
        try:
            if not anew and router.read() == weights:
                continue
            router.write(weights)
            sys.stderr.write(f"{service}: all traffic is on {max(weights, key=lambda slot: weights[slot])}\n")
        except RouterError as error:
            done = False
            sys.stderr.write(f"{service}: {error.what}\n")
    return done


def _retry(site: Site, rollout: Rollout) -> Rollout:
    with site.journal.open(rollout.opened.rollout) as writer:
        writer.append(to_record(Retried(site.clock.wall(), me())))
    return site.rollout(rollout.opened.rollout) or rollout
