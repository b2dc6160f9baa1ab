"""``crossfade revert``: back to what was live before the last promotion, in one step."""

import click

from smoke.cli.frame import me, on_stack
from smoke.cli.main import print_document
from smoke.cli.running import drive, exit_of
from smoke.errors import GateClosed
from smoke.rollout import apply, describe
from smoke.rollout.opening import Wish, way_back
from smoke.wiring import Site


@click.command("revert")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document at the end.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Go back to the version that was live before the last promotion, as long as its slot is warm.

    It is proved healthy first, and then gets all traffic in one step, without analysis.
    """
    history = site.history()
    if history.running is not None:
        raise GateClosed("a rollout is running", where=history.running.opened.rollout, hint="crossfade abort")
    wish = Wish(by=me(), at=site.clock.wall(), again=why)
    rollout = drive(site, apply(None, way_back(site.contract, history, wish)))
    code = exit_of(rollout, site.state())
    if as_json:
        print_document(describe(rollout))
    return code
