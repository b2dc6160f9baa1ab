"""``crossfade report``: the evidence of a rollout."""

import json
import sys
from collections.abc import Sequence

import click

from smoke.cli.frame import on_stack
from smoke.errors import Exit, GateClosed, UsageError
from smoke.rollout import Event
from smoke.wiring import Site


@click.command("report")
@click.argument("rollout", required=False)
@click.option("--html", "as_html", is_flag=True, help="Print one HTML page, with charts, that needs nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one document with every event.")
@on_stack
def command(site: Site, *, rollout: str | None, as_html: bool, as_json: bool) -> int:
    """Print the evidence of ROLLOUT, the last one by default: what happened when, and the numbers it was decided on."""
    one_form(as_html=as_html, as_json=as_json)
    names = site.journal.rollouts()
    events = recorded(site, names, rollout or (names[-1] if names else None))
    sys.stdout.write(_written(events, as_html=as_html, as_json=as_json))
    return Exit.WANTED


def recorded(site: Site, names: Sequence[str], name: str | None) -> Sequence[Event]:
    """The events of a rollout, one at least; ``names`` are all that there are.

    Raises:
        GateClosed: there is no such rollout, or it has none.
    """
    if name is None or name not in names:
        raise GateClosed(f"there is no rollout {name or 'yet'}", where=site.name, hint=f"one of: {', '.join(names) or 'none'}")
    events = site.events(name)
    if not events:
        raise GateClosed(f"rollout {name} died before its first record", where=site.name)
    return events


def one_form(*, as_html: bool, as_json: bool) -> None:
    """Refuse two forms at once.

    Raises:
        UsageError: both are asked for.
    """
    if as_html and as_json:
        raise UsageError("one form at a time", hint="--html or --json", state="nothing was changed")


def _written(events: Sequence[Event], *, as_html: bool, as_json: bool) -> str:
    # Each form alone is loaded.
    if as_html:
        from smoke.reports import html  # noqa: PLC0415

        return html.report(events)
    if as_json:
        from smoke.reports.document import document  # noqa: PLC0415

        return json.dumps(document(events)) + "\n"
    from smoke.reports.markdown import markdown  # noqa: PLC0415

    return markdown(events)
