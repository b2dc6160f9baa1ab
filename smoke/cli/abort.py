"""``crossfade abort``: all traffic back on the live slot, at once, whoever drives."""

import sys

import click

from smoke.cli.frame import me, on_stack, print_document
from smoke.cli.running import drive, exit_of
from smoke.errors import Exit, Locked, RouterError, TimedOut
from smoke.rollout import Phase, Retried, Rollout, describe, to_record
from smoke.wiring import Site

_PATIENCE = 120.0
"""Seconds that the one who drives has to take the stack back; users are safe long before."""


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
        return Exit.WANTED
    site.mailbox.post(rollout.opened.rollout, {"verb": "abort", "by": me(), "why": why, "at": site.clock.wall()})
    if rollout.phase is not Phase.SETTLING:
        _weights_first(site, rollout)
    rollout = _finish(site, rollout)
    if as_json:
        print_document(describe(rollout))
    code = exit_of(rollout, site.state())
    return Exit.WANTED if rollout.phase is Phase.ROLLED_BACK else code


def _weights_first(site: Site, rollout: Rollout) -> None:
    live, candidate = rollout.opened.live, rollout.opened.candidate
    for service, router in reversed(list(site.routers.items())):
        try:
            router.write({live: 100, candidate: 0})
            sys.stderr.write(f"{service}: all traffic is on {live}\n")
        except RouterError as error:
            sys.stderr.write(f"{service}: {error.what}; it is tried again\n")


def _finish(site: Site, rollout: Rollout) -> Rollout:
    """Drive it back ourselves, or wait for the one who drives."""
    name = rollout.opened.rollout
    deadline = site.clock.now() + _PATIENCE
    while True:
        try:
            if rollout.phase is Phase.STUCK:
                rollout = _retry(site, rollout)
            return drive(site, rollout)
        except Locked as locked:
            if site.clock.now() > deadline:
                raise TimedOut("the one who drives did not take the stack back", where=name, cause=locked.cause) from None
            site.clock.sleep(0.2)
            current = site.history().last
            if current is not None and current.ended and current.phase is not Phase.STUCK:
                return current


def _retry(site: Site, rollout: Rollout) -> Rollout:
    with site.journal.open(rollout.opened.rollout) as writer:
        writer.append(to_record(Retried(site.clock.wall(), me())))
    return site.history().last or rollout
