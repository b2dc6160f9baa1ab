"""``crossfade checklist``: every row of a migration with its state, and the evidence behind it."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from smoke.checklist import Told, counted
from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.cli.rows import checklist_of, summary
from smoke.errors import Exit, UsageError
from smoke.evidence import PHASES
from smoke.wiring import Site


@click.command("checklist")
@click.option("--phase", metavar="PHASE", help="Show the rows of this phase alone.")
@click.option("--row", "numbers", type=int, multiple=True, metavar="N", help="Show this row alone; may be given again.")
@click.option("--phases", is_flag=True, help="Show the phases alone, with how many of their rows are done.")
@click.option("--html", "as_html", is_flag=True, help="Print one page, with all evidence and its hashes.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(  # noqa: PLR0913 - one parameter an option
    site: Site, *, phase: str | None, numbers: tuple[int, ...], phases: bool, as_html: bool, as_json: bool
) -> int:
    """Show how each row of the checklist stands: by gates, by rollouts, by persons; nothing is done because it was ticked.

    Exit code 0 when every row that is shown is done, else 12.
    """
    if phase not in {None, *PHASES}:
        raise UsageError(f"there is no phase {phase}", hint=f"one of: {', '.join(PHASES)}")
    found = checklist_of(site)
    unknown = {*numbers} - {each.row.number for each in found.rows}
    if unknown:
        raise UsageError(f"there is no row {min(unknown)}", hint=f"rows are 1 to {len(found.rows)}")
    shown = [each for each in found.rows if phase in {None, each.row.phase} and each.row.number in (numbers or {each.row.number})]
    if as_json:
        print_document({"stack": site.name, "phases": counted(shown), "rows": [_document(each) for each in shown]})
    elif as_html:
        from smoke.reports.ticked import checklist_page  # noqa: PLC0415 - the other forms do not wait for it

        release = found.gates.release
        sys.stdout.write(checklist_page(site.name, release, shown, found.evidence, found.link, site.clock.wall()))
    elif phases:
        sys.stdout.writelines(summary(shown))
    else:
        sys.stdout.writelines(_lines(shown))
    return Exit.WANTED if all(each.done for each in shown) else Exit.UNDECIDED


def _lines(rows: Sequence[Told]) -> Sequence[str]:
    lines, phase = [], ""
    for each in rows:
        if each.row.phase != phase:
            phase = each.row.phase
            lines.append(f"{phase}\n")
        lines.append(f"  {each.row.number:>3} {each.state:<20} {each.row.says}\n      {each.why}\n")
    return lines


def _document(each: Told) -> Mapping[str, Any]:
    return {
        "row": each.row.number,
        "phase": each.row.phase,
        "says": each.row.says,
        "state": each.state,
        "done": each.done,
        "why": each.why,
        "by": list(each.by),
    }
