"""``crossfade resume``: a held rollout goes on."""

import sys

import click

from smoke.cli.asking import ask, running
from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.rollout import Wait, describe
from smoke.wiring import Site


@click.command("resume")
@click.option("--why", default="", help="What others will read in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, why: str, as_json: bool) -> int:
    """Go on with a rollout that is held, whether a person paused it or its step reached the limit. The step is watched anew."""
    rollout = running(site, "resume")
    if rollout.waits is Wait.PERSON:
        rollout = ask(site, rollout, "resume", why, lambda each: each.waits is not Wait.PERSON)
        sys.stderr.write(f"{rollout.phase.value} at {rollout.share} %\n")
    else:
        waits = f", and waits for {'; '.join(rollout.because)}" if rollout.waits else ""
        sys.stderr.write(f"nothing to resume: the rollout is {rollout.phase.value}{waits}\n")
    sys.stderr.write(f"state: {site.state()}\n")
    if as_json:
        print_document(describe(rollout))
    return Exit.WANTED
