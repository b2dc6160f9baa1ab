"""``crossfade checklist``: every row of a migration with its state, and the evidence behind it."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from smoke.checklist import Told, facts_of, told
from smoke.cli.frame import check_settings, on_stack
from smoke.cli.gates import Gates, gates_of
from smoke.cli.main import print_document
from smoke.errors import Exit, NoSuchStack, UsageError
from smoke.evidence import PHASES, Standing
from smoke.wiring import Site


@click.command("checklist")
@click.option("--phase", metavar="PHASE", help="Show the rows of this phase alone.")
@click.option("--phases", is_flag=True, help="Show the phases alone, with how many of their rows are done.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, phase: str | None, phases: bool, as_json: bool) -> int:
    """Show how each row of the checklist stands: by gates, by rollouts, by persons; nothing is done because it was ticked.

    Exit code 0 when every row that is shown is done, else 12.
    """
    if phase not in {None, *PHASES}:
        raise UsageError(f"there is no phase {phase}", hint=f"one of: {', '.join(PHASES)}")
    settings = check_settings(site)
    rows = _rows(site, gates_of(site, settings), settings["checks"])
    shown = [each for each in rows if phase in {None, each.row.phase}]
    if as_json:
        print_document({"stack": site.name, "phases": _phases(shown), "rows": [_document(each) for each in shown]})
    elif phases:
        sys.stdout.writelines(_summary(shown))
    else:
        sys.stdout.writelines(_lines(shown))
    return Exit.WANTED if all(each.done for each in shown) else Exit.UNDECIDED


def _rows(site: Site, gates: Gates, checks: Mapping[str, Any]) -> Sequence[Told]:
    evidence, now = site.evidence.all(), site.clock.wall()
    named: dict[int, list[Standing]] = {}
    for name, each in gates.commands.items():
        for number in checks["gates"][name]["rows"]:
            named.setdefault(number, []).append(gates.stand(each.gate, evidence, now))
    rollouts = {name: site.events(name) for name in site.journal.rollouts()}
    try:
        placed = next((slot for slot, each in sorted(site.contract.releases.items()) if each == gates.release), None)
    except NoSuchStack:
        placed = None
    skipped = {int(number): str(why) for number, why in checks["skips"].items()}
    return told(named, facts_of(rollouts, gates.release, placed), skipped)


def _phases(rows: Sequence[Told]) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for each in rows:
        counts = found.setdefault(each.row.phase, {"rows": 0, "done": 0})
        counts["rows"] += 1
        counts["done"] += each.done
    return found


def _summary(rows: Sequence[Told]) -> Sequence[str]:
    lines = []
    for phase, counts in _phases(rows).items():
        state = "done" if counts["done"] == counts["rows"] else "not begun" if counts["done"] == 0 else "under way"
        lines.append(f"{phase:<11} {counts['done']:>3} of {counts['rows']:>3}  {state}\n")
    return lines


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
