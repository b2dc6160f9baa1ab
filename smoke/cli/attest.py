"""``crossfade attest``: a person says that a gate is open, or shut; it is recorded as that, and never shown as measured."""

import sys

import click

from smoke.cli.frame import check_settings, me, on_stack
from smoke.cli.gates import gates_of
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.evidence import Evidence, Outcome
from smoke.wiring import Site


@click.command("attest")
@click.argument("gate")
@click.option("--why", required=True, help="What was seen, and by whom.")
@click.option("--fail", is_flag=True, help="It does not hold.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, gate: str, why: str, fail: bool, as_json: bool) -> int:
    """Say in your own name that a gate of the settings holds, or does not, for the release that is asked for."""
    known = gates_of(site, check_settings(site))
    name = known.command(gate).gate.id
    outcome = Outcome.FAIL if fail else Outcome.PASS
    found = Evidence(name, outcome, why, site.clock.wall(), me(), known.release, attested=True)
    link = site.evidence.add(found)
    if as_json:
        print_document({"stack": site.name, "hash": link, "evidence": found.to_json()})
    else:
        sys.stdout.write(f"{gate}: {found.by} says {outcome.value}: {why}\n")
    return Exit.WANTED
