"""``crossfade images``: what is true of the images of the idle slot, before it gets traffic."""

import sys
from collections.abc import Iterator

import click

from smoke.cli.candidate import examined
from smoke.cli.frame import on_stack
from smoke.errors import Exit, GateClosed
from smoke.imagecheck import Finding, ImageReport, Verdict
from smoke.wiring import Site

EXITS = {Verdict.PASS: Exit.WANTED, Verdict.FAIL: Exit.GATE, Verdict.UNDECIDED: Exit.UNDECIDED}


@click.command("images")
@click.option("--slot", help="Check this slot; the one that is not live by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, slot: str | None, as_json: bool) -> int:
    """Check the images of the idle slot: their Python, what they import, their user, and how their containers end.

    Each is tried in containers of its own, without a network, which are removed again. What differs from the other slot is shown.
    `promote` asks the same, and believes what passed here.
    """
    live = site.history().live(site.contract)
    asked = slot or next((each for each in sorted(site.contract.releases) if each != live), None)
    if asked is None or asked not in site.contract.releases:
        raise GateClosed(f"slot {asked or 'beside ' + live} is not placed", hint=f"pulumi up --stack {site.name}")
    report = examined(site, asked)
    if as_json:
        import json  # noqa: PLC0415 - people do not need it

        sys.stdout.write(json.dumps(report.to_json()) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines(report)))
    return EXITS[report.verdict]


def lines(report: ImageReport) -> Iterator[str]:
    """What people read: a line a finding, and what there is to look at under those that are not well."""
    for each in report.findings:
        yield f"{each.verdict.value:<9} {each.id:<24} {each.because}"
        yield from (f"{'':<9} {line}" for line in _shown(each))


def _shown(finding: Finding) -> tuple[str, ...]:
    return () if finding.verdict is Verdict.PASS else finding.details
