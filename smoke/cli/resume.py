"""``crossfade resume``: a held rollout goes on."""

import sys

import click

from smoke.cli.asking import ask
from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.rollout import Phase, describe
from smoke.wiring import Site


@click.command("resume")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Go on with a rollout that is held, whether a person paused it or its step reached the limit. The step is watched anew."""
    running = site.history().running
    if running is not None and running.phase is not Phase.HELD:
        sys.stderr.write(f"nothing to resume: the rollout is {running.phase.value}\nstate: {site.state()}\n")
        rollout = running
    else:
        rollout = ask(site, "resume", why, Phase.BAKING)
    if as_json:
        print_document(describe(rollout))
    return Exit.WANTED
