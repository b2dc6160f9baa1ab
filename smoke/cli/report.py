"""``crossfade report``: the evidence of a rollout."""

import json
import sys

import click

from smoke.cli.frame import on_stack
from smoke.errors import Exit, GateClosed
from smoke.reports.document import document
from smoke.reports.markdown import markdown
from smoke.wiring import Site


@click.command("report")
@click.argument("rollout", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one document with every event.")
@on_stack
def command(site: Site, *, rollout: str | None, as_json: bool) -> int:
    """Print the evidence of ROLLOUT, the last one by default: what happened when, and the numbers it was decided on."""
    names = site.journal.rollouts()
    name = rollout or (names[-1] if names else None)
    if name is None or name not in names:
        raise GateClosed(f"there is no rollout {name or 'yet'}", where=site.name, hint=f"one of: {', '.join(names) or 'none'}")
    events = site.events(name)
    if not events:
        raise GateClosed(f"rollout {name} died before its first record", where=site.name)
    sys.stdout.write(json.dumps(document(events)) + "\n" if as_json else markdown(events))
    return Exit.WANTED
