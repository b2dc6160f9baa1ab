"""The rows of the checklist, as they stand for a stack."""

from collections.abc import Sequence
from dataclasses import dataclass

from smoke.checklist import Placed, Told, counted, facts_of, told
from smoke.cli.frame import check_settings
from smoke.cli.gates import Gates, gates_of
from smoke.errors import NoSuchStack
from smoke.evidence import Evidence, Standing
from smoke.plan import Plan
from smoke.wiring import Site


@dataclass(frozen=True, slots=True)
class Checklist:
    """Every row, with its state now."""

    gates: Gates
    """With the release that it is about."""
    plan: Plan
    """What is asked for now."""
    rows: Sequence[Told]
    evidence: Sequence[Evidence]
    link: str
    """The last of the chain of evidence; empty: there is none."""


def checklist_of(site: Site) -> Checklist:
    """The checklist of the release that the settings ask for.

    Raises:
        JournalError: what is kept of gates or rollouts cannot be believed.
    """
    settings = check_settings(site)
    gates, checks = gates_of(site, settings), settings["checks"]
    plan, now = Plan.from_json(settings["plan"]), site.clock.wall()
    evidence, link = site.evidence.read()
    named: dict[int, list[Standing]] = {}
    for name, each in gates.commands.items():
        for number in checks["gates"][name]["rows"]:
            named.setdefault(number, []).append(gates.stand(each.gate, evidence, now))
    rollouts = {name: site.events(name) for name in site.journal.rollouts()}
    skipped = {int(number): str(why) for number, why in checks["skips"].items()}
    facts = facts_of(rollouts, gates.release, _placed(site, gates.release), plan)
    return Checklist(gates, plan, told(named, facts, skipped), evidence, link if evidence else "")


def _placed(site: Site, release: str) -> Placed | None:
    """Where a release is placed."""
    try:
        contract = site.contract
    except NoSuchStack:
        return None
    slot = next((slot for slot, each in sorted(contract.releases.items()) if each == release), None)
    if slot is None:
        return None
    held = [each.placements[slot] for each in contract.services if slot in each.placements]
    return Placed(slot, bool(held) and all(each.imaged for each in held), len(contract.releases) == 1)


def summary(rows: Sequence[Told]) -> Sequence[str]:
    """The phases as a table, a line each."""
    lines = []
    for phase, counts in counted(rows).items():
        state = "done" if counts["done"] == counts["rows"] else "not begun" if counts["done"] == 0 else "under way"
        lines.append(f"{phase:<11} {counts['done']:>3} of {counts['rows']:>3}  {state}\n")
    return lines
