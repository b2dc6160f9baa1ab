"""``crossfade pause``: nothing moves until somebody says so."""

import click

from smoke.cli.asking import ask
from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.rollout import Phase, describe
from smoke.wiring import Site


@click.command("pause")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Hold the running rollout at the weights that it has.

    It is watched all the while, and goes back by itself when the candidate is worse, or when nobody decides in time.
    """
    rollout = ask(site, "pause", why, Phase.HELD)
    if as_json:
        print_document(describe(rollout))
    return Exit.WANTED
