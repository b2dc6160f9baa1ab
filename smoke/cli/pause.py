"""``crossfade pause``: nothing moves until somebody says so."""

import sys

import click

from smoke.cli.asking import ask, running
from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.rollout import Wait, describe
from smoke.wiring import Site


@click.command("pause")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Hold the running rollout at the weights that it has.

    It is watched all the while, and goes back by itself when the candidate is worse, or when nobody decides in time.
    """
    rollout = ask(site, running(site, "pause"), "pause", why, lambda each: each.waits is Wait.PERSON)
    sys.stderr.write(f"{rollout.phase.value} at {rollout.share} %, until: crossfade resume\nstate: {site.state()}\n")
    if as_json:
        print_document(describe(rollout))
    return Exit.WANTED
