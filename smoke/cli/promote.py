"""``crossfade promote``: prove, shift, bake, ... settle; or go back."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace

import click

from infra.contract import Json
from smoke.cli.abort import go_back
from smoke.cli.candidate import check_images
from smoke.cli.frame import check_settings, me, on_stack
from smoke.cli.gates import preflight
from smoke.cli.main import print_document
from smoke.cli.running import drive, exit_of
from smoke.cli.stationing import fit, station
from smoke.errors import Exit, GateClosed, TimedOut
from smoke.guard import on_guard
from smoke.rollout import Phase, Rollout, apply, describe
from smoke.rollout.opening import NothingToDo, Wish, promotion
from smoke.wiring import Site

_STARTS = 30.0
"""Seconds that the watchdog has to begin to drive."""
_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - its name
_PASSPHRASE_FILE = f"{_PASSPHRASE}_FILE"


@click.command("promote")
@click.option("--to", metavar="SLOT", help="Promote this slot, also when it was live before.")
@click.option("--again", metavar="WHY", default="", help="Try a release that was rolled back once more, and say why.")
@click.option("--because", metavar="WHY", default="", help="Go forward outside the windows or in a freeze, and say why.")
@click.option(
    "--fix-forward", metavar="WHY", default="", help="The live slot is broken: do not compare with it, and say how it is broken."
)
@click.option(
    "--supersede",
    is_flag=True,
    help="Take back the rollout that runs, run `pulumi up`, and begin with what the settings ask for.",
)
@click.option("--detach", is_flag=True, help="Have the stack's watchdog drive, and return at once.")
@click.option(
    "--in-cluster", is_flag=True, help="Have a Job of the cluster drive, and follow it: it goes on without this terminal."
)
@click.option("--json", "as_json", is_flag=True, help="Print one document at the end.")
@click.option("--json-lines", is_flag=True, help="Print one JSON object an event.")
@on_stack
def command(  # noqa: PLR0913 - one parameter an option
    site: Site,
    *,
    to: str | None,
    again: str,
    because: str,
    fix_forward: str,
    supersede: bool,
    detach: bool,
    in_cluster: bool,
    as_json: bool,
    json_lines: bool,
) -> int:
    """Prove the candidate, shift live traffic to it in steps, watch, and settle; or go back by itself.

    Run it again after it was killed: it goes on where the journal says.
    """
    if in_cluster:
        fit(site, detach=detach)
    settings = check_settings(site)
    asked = settings["releases"]
    wish = Wish(by=me(), at=site.clock.wall(), to=to, again=again, asked=asked, override=because, forward=fix_forward)
    try:
        if supersede:
            site = _supersede(site, wish, settings["plan"])
            wish = replace(wish, at=site.clock.wall())  # it begins only now
        rollout = _begin(site, wish, settings)
    except NothingToDo as nothing:
        sys.stderr.write(f"nothing to promote: {nothing}\n")
        if as_json:
            print_document({"phase": "promoted", "nothing": str(nothing), "weights": site.weights()})
        return Exit.WANTED
    if in_cluster:
        rollout = station(site, rollout)
    else:
        rollout = _detach(site, rollout) if detach else drive(site, rollout, json_lines=json_lines, forward=True)
    code = Exit.WANTED if detach and not rollout.ended else exit_of(rollout, site.state())
    if as_json:
        print_document(describe(rollout))
    return code


def _begin(site: Site, wish: Wish, settings: Mapping[str, Json]) -> Rollout:
    history = site.history(wish.asked.values())
    running = history.running
    if running is None:
        opened = promotion(site.contract, history, wish)
        preflight(site, settings, opened.release, wish.override)
        check_images(site, opened.candidate, wish.override)
        return apply(None, opened)
    sys.stderr.write(f"going on with {running.opened.rollout}, which is {running.phase.value}\n")
    if (wish.override and not running.opened.override) or (wish.forward and not running.plan.forward):
        sys.stderr.write(
            "--because and --fix-forward are for a rollout that begins, and this one began without: crossfade abort, then again\n"
        )
    newer = wish.asked.get(running.opened.candidate, running.opened.release)
    if newer != running.opened.release:
        sys.stderr.write(
            f"the settings ask for another release by now, {newer}: crossfade promote --supersede begins with that\n"
        )
    return running


def _supersede(site: Site, wish: Wish, plan: Mapping[str, Json]) -> Site:
    """Back to nothing first; then what the settings ask for is deployed, without traffic.

    Raises:
        CrossfadeError: it could not begin all the same; nothing was changed.
    """
    history = site.history(wish.asked.values())
    running = history.running
    if running is not None:
        newer = _newer(site, running, wish)
    try:
        promotion(replace(site.contract, plan=plan, releases=wish.asked), history, wish)
    except NothingToDo as nothing:
        if running is not None:
            where, hint = running.opened.rollout, "crossfade abort takes back the rollout that runs"
            raise GateClosed("the settings ask for nothing new", where=where, cause=str(nothing), hint=hint) from None
    if running is not None:
        sys.stderr.write(f"{running.opened.rollout} is taken back first: {newer} supersedes it\n")
        _taken_back(site, go_back(site, running, f"superseded by {newer}"))
    sys.stderr.write(f"pulumi up --stack {site.name}\n")
    with site.alone():
        site.stack.deploy()
    return Site(site.project, site.name)


def _newer(site: Site, running: Rollout, wish: Wish) -> str:
    newer = wish.asked.get(running.opened.candidate)
    if newer == running.opened.release:
        raise GateClosed(
            f"the settings ask for {newer}, which is the release that rolls",
            where=running.opened.rollout,
            hint="crossfade promote goes on with it, crossfade abort takes it back",
        )
    if newer is None:
        raise GateClosed(
            f"the settings ask for nothing on {running.opened.candidate}, so nothing supersedes what rolls there",
            where=str(site.project.settings(site.name)),
            hint="crossfade abort takes it back",
        )
    return newer


def _taken_back(site: Site, rollout: Rollout) -> None:
    exit_of(rollout, site.state())
    if rollout.phase is Phase.PROMOTED:
        raise GateClosed(
            "it was promoted a moment before it could be taken back",
            where=rollout.opened.rollout,
            hint="crossfade revert goes back; or pulumi up, and crossfade promote goes on from there",
        )


def _detach(site: Site, rollout: Rollout) -> Rollout:
    """Leave it to the watchdog; returns it once somebody drives, or as it ended."""
    name = rollout.opened.rollout
    _on_guard(site)
    site.remember_shell()
    site.begin(rollout)
    site.ask(name, "drive", me())
    deadline = site.clock.now() + _STARTS
    while site.journal.holder() is None and not rollout.ended:
        if site.clock.now() > deadline:
            raise TimedOut(
                f"the watchdog was asked to drive, and did not begin within {_STARTS:g} s",
                where=name,
                hint="crossfade promote drives it here, crossfade abort takes it back",
            )
        site.clock.sleep(0.1)
        rollout = site.rollout(name) or rollout
    if not rollout.ended:
        sys.stderr.write(f"{name} goes on in the background: crossfade watch shows it, crossfade abort takes it back\n")
        sys.stderr.write(f"state: {site.state()}\n")
    return rollout


def _on_guard(site: Site) -> None:
    """Refuse to leave a rollout to nobody, or to somebody who could not go back with it."""
    if not on_guard(site.folder, site.clock.now()):
        raise GateClosed(
            "the watchdog of this stack does not answer, so nobody would drive",
            where=site.name,
            hint=f"pulumi up --stack {site.name} starts it; or promote without --detach"
            if site.contract.journal is None
            else "crossfade promote --in-cluster has a Job drive; a cluster has no watchdog",
        )
    if os.environ.get(_PASSPHRASE) and _PASSPHRASE_FILE not in os.environ:
        raise GateClosed(
            "the watchdog has no passphrase, so it could not take the stack back",
            where=_PASSPHRASE,
            cause="what is in a variable of this shell is never written down for it",
            hint=f"put it into a file that only you may read, and: export {_PASSPHRASE_FILE}=/path/of/it",
        )
