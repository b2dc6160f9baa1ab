"""``crossfade watch``: what a rollout does that somebody else drives, until it has ended."""

import sys
from collections.abc import Sequence

import click

from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.cli.running import exit_of
from smoke.errors import Exit, TimedOut
from smoke.guard import on_guard
from smoke.plan import Plan
from smoke.rollout import Drifted, Event, Looked, Phase, Rollout, apply, describe, sentence
from smoke.wiring import Site

_EVERY = 0.5
_STARTS = 5.0
"""Seconds without anybody who drives, in which a supervisor has started another watchdog in the place of one that died."""


@click.command("watch")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Watch the live slot for so many days instead.")
@click.option(
    "--every", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="With --days: seconds between looks."
)
@click.option("--json", "as_json", is_flag=True, help="Print one document at the end.")
@on_stack
def command(site: Site, *, days: float | None, every: float, as_json: bool) -> int:
    """Follow the running rollout to its end, and end with its exit code. Reads only: Ctrl-C ends nothing but the watching.

    With --days: what the live slot is like, with a report of each day; 1 where it is not as it must be, 12 before the end.
    """
    if days is not None:
        return _days(site, days, every, as_json=as_json)
    rollout = site.history().last
    if rollout is None:
        sys.stderr.write(f"nothing to watch: no rollout yet\nstate: {site.state()}\n")
        if as_json:
            print_document({"nothing": "no rollout yet", "weights": site.weights()})
        return Exit.WANTED
    rollout = follow(site, rollout)
    code = exit_of(rollout, site.state())
    if as_json:
        print_document(describe(rollout))
    return code


def _days(site: Site, days: float, every: float, *, as_json: bool) -> int:
    # Whoever follows a rollout does not wait for these.
    from smoke.cli.soaked import DAY, answered, watched  # noqa: PLC0415
    from smoke.soaking import Wanted  # noqa: PLC0415

    errors = Plan.from_json(site.contract.plan).gates.errors
    wanted = Wanted(days * DAY, every, errors, loaded=False)
    answer = answered(watched(site, "daily", wanted), wanted)
    sys.stdout.write(answer.text(alone=as_json))
    return answer.code


def follow(site: Site, rollout: Rollout, patience: float = _STARTS) -> Rollout:
    """Say what happens in a rollout that somebody else drives; returns it as it ended, or where Pulumi alone is left to do.

    ``patience``: seconds for which nobody may drive.

    Raises:
        TimedOut: nobody does.
    """
    told, seen = 0, site.clock.now()
    while True:
        # Asked before the journal: whoever drove until now has written its last event.
        driven = site.journal.holder() is not None or on_guard(site.folder, site.clock.now())
        seen = site.clock.now() if driven else seen
        events = site.events(rollout.opened.rollout)
        rollout, told = _tell(events, told) or rollout, len(events)
        if rollout.ended or (rollout.phase is Phase.REVERTING and not driven and site.contract.driver is not None):
            return rollout
        if site.clock.now() - seen > patience:
            raise TimedOut(
                "nobody drives this rollout, so nothing follows",
                where=rollout.opened.rollout,
                cause="its driver is gone, and the stack's watchdog does not answer",
                hint="crossfade promote goes on with it, crossfade abort takes it back",
            )
        site.clock.sleep(_EVERY)


def _tell(events: Sequence[Event], told: int) -> Rollout | None:
    """Say what happened since so many events; returns the rollout that they all tell."""
    rollout: Rollout | None = None
    for number, event in enumerate(events):
        rollout = apply(rollout, event)
        if number >= told and not isinstance(event, (Looked, Drifted)):
            sys.stderr.write(f"{rollout.phase.value:<11} {sentence(event, rollout)}\n")
    return rollout
