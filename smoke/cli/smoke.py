"""``crossfade smoke``: every probe of the idle slot, directly, past the router."""

import sys
from collections.abc import Sequence

import click

from smoke.cli.frame import check_settings, on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit, GateClosed
from smoke.model import Answer, Reading
from smoke.wiring import Site

_LIMIT = 30.0
"""Seconds that all probes together may take."""


@click.command("smoke")
@click.option("--slot", help="Ask this slot; the one that is not live by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, slot: str | None, as_json: bool) -> int:
    """Ask every probe of the idle slot once: health, pages, sockets, and whether what answers is what was placed."""
    check_settings(site)
    live = site.history().live(site.contract)
    asked = slot or next((each for each in sorted(site.contract.releases) if each != live), None)
    if asked is None or asked not in site.contract.releases:
        raise GateClosed(f"slot {asked or 'beside ' + live} is not placed", hint=f"pulumi up --stack {site.name}")
    with site.sampler((asked,)) as sampler:
        readings = sampler.once(_LIMIT)
    well = bool(readings) and all(reading.answer is Answer.OK for reading in readings)
    if as_json:
        print_document({"stack": site.name, "slot": asked, "well": well, "readings": [_document(each) for each in readings]})
    else:
        sys.stdout.write("\n".join(_lines(readings)) + "\n")
    return Exit.WANTED if well else Exit.GATE


def _document(reading: Reading) -> dict[str, object]:
    return {
        "service": reading.service,
        "probe": reading.probe,
        "answer": reading.answer.value,
        "detail": reading.detail,
        "version": reading.version,
        "numbers": dict(reading.numbers),
    }


def _lines(readings: Sequence[Reading]) -> list[str]:
    return [f"{each.answer.value:<7} {each.service:<12} {each.slot:<6} {each.probe:<24} {each.detail}" for each in readings]
