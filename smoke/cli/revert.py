"""``crossfade revert``: back to what was live before the last promotion, in one step."""

import sys

import click

from smoke.cli.frame import me, on_stack
from smoke.cli.main import print_document
from smoke.cli.running import drive, exit_of
from smoke.errors import GateClosed
from smoke.rollout import Phase, apply, describe
from smoke.rollout.opening import Wish, cold, way_back
from smoke.wiring import Site


@click.command("revert")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document at the end.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Go back to the version that was live before the last promotion.

    It is proved healthy first, and then gets all traffic in one step, without analysis. Where its slot was given to
    something else since, or was retired, Pulumi first places it there again, as it was.
    """
    site = _warm(site)
    wish = Wish(by=me(), at=site.clock.wall(), again=why)
    rollout = drive(site, apply(None, way_back(site.contract, site.history(), wish)))
    code = exit_of(rollout, site.state())
    if as_json:
        print_document(describe(rollout))
    return code


def _warm(site: Site) -> Site:
    """The stack with the slot that was live before holding what it held then."""
    history = site.history()
    if history.running is not None:
        raise GateClosed(
            f"a rollout is running: it is {history.running.phase.value}",
            where=history.running.opened.rollout,
            hint="crossfade abort takes that back; then, where what is live is wrong, too: crossfade revert",
        )
    if history.last is not None and history.last.phase is Phase.STUCK:
        exit_of(history.last, site.state())
    inputs = cold(site.contract, history)
    if inputs is None:
        return site
    with site.alone():
        slot = next(each for each in ("blue", "green") if each != history.live(site.contract))
        sys.stderr.write(f"slot {slot} does not hold what was live before: Pulumi places that there again, without traffic\n")
        site.stack.revert(slot, inputs)
    return Site(site.project, site.name)
