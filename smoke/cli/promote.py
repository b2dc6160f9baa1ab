"""``crossfade promote``: prove, shift, bake, ... settle; or go back."""

import sys

import click

from smoke.cli.frame import check_settings, me, on_stack
from smoke.cli.main import print_document
from smoke.cli.running import drive, exit_of
from smoke.rollout import Rollout, apply, describe
from smoke.rollout.opening import NothingToDo, Wish, promotion
from smoke.wiring import Site


@click.command("promote")
@click.option("--to", metavar="SLOT", help="Promote this slot, also when it was live before.")
@click.option("--again", metavar="WHY", default="", help="Try a release that was rolled back once more, and say why.")
@click.option("--json", "as_json", is_flag=True, help="Print one document at the end.")
@click.option("--json-lines", is_flag=True, help="Print one JSON object an event.")
@on_stack
def command(site: Site, *, to: str | None, again: str, as_json: bool, json_lines: bool) -> int:
    """Prove the candidate, shift live traffic to it in steps, watch, and settle; or go back by itself.

    Run it again after it was killed: it goes on where the journal says.
    """
    asked = check_settings(site)["releases"]
    try:
        rollout = _begin(site, Wish(by=me(), at=site.clock.wall(), to=to, again=again, asked=asked))
    except NothingToDo as nothing:
        sys.stderr.write(f"nothing to promote: {nothing}\n")
        if as_json:
            print_document({"phase": "promoted", "nothing": str(nothing), "weights": site.weights()})
        return 0
    rollout = drive(site, rollout, json_lines=json_lines)
    code = exit_of(rollout, site.state())
    if as_json:
        print_document(describe(rollout))
    return code


def _begin(site: Site, wish: Wish) -> Rollout:
    history = site.history(wish.asked.values())
    if history.running is not None:
        sys.stderr.write(f"going on with {history.running.opened.rollout}, which is {history.running.phase.value}\n")
        return history.running
    return apply(None, promotion(site.contract, history, wish))
