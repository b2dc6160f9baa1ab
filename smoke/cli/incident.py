"""``crossfade incident``: what is known of a rollout that went back with traffic."""

import json
import sys
from collections.abc import Sequence

import click

from smoke.cli.frame import on_stack
from smoke.cli.report import one_form, recorded
from smoke.errors import Exit, GateClosed
from smoke.reports.incident import Incident, incident
from smoke.reports.incident_told import document, markdown
from smoke.rollout import Event
from smoke.wiring import Site


@click.command("incident")
@click.argument("rollout", required=False)
@click.option("--html", "as_html", is_flag=True, help="Print one HTML page, with charts, that needs nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, rollout: str | None, as_html: bool, as_json: bool) -> int:
    """Print why ROLLOUT went back, how soon, and what users saw; by default the last one that went back with traffic."""
    one_form(as_html=as_html, as_json=as_json)
    events, found = _last(site) if rollout is None else _of(site, rollout)
    if as_html:
        from smoke.reports.html import incident_page  # noqa: PLC0415 - its charts are for this form alone

        sys.stdout.write(incident_page(events, found))
    else:
        sys.stdout.write(json.dumps(document(events, found)) + "\n" if as_json else markdown(events, found))
    return Exit.WANTED


def _of(site: Site, name: str) -> tuple[Sequence[Event], Incident]:
    events = recorded(site, site.journal.rollouts(), name)
    found = incident(events)
    if found is None:
        raise GateClosed(f"rollout {name} did not go back with traffic", where=site.name, hint=f"crossfade report {name}")
    return events, found


def _last(site: Site) -> tuple[Sequence[Event], Incident]:
    for name in reversed(site.journal.rollouts()):
        events = site.events(name)
        found = incident(events)
        if found is not None:
            return events, found
    raise GateClosed("no rollout went back with traffic", where=site.name, hint="crossfade report tells of the last one")
