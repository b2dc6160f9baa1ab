"""The rows of the checklist, as they stand for a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smoke.checklist import Told, facts_of, told
from smoke.cli.frame import check_settings
from smoke.cli.gates import gates_of
from smoke.errors import NoSuchStack
from smoke.evidence import Standing
from smoke.plan import Plan
from smoke.wiring import Site


@dataclass(frozen=True, slots=True)
class Checklist:
    """Every row, with its state now."""

    release: str
    """Fingerprint of what it is about."""
    rows: Sequence[Told]


def checklist_of(site: Site) -> Checklist:
    """The checklist of the release that the settings ask for.

    Raises:
        JournalError: what is kept of gates or rollouts cannot be believed.
    """
    settings = check_settings(site)
    gates, checks = gates_of(site, settings), settings["checks"]
    evidence, now = site.evidence.all(), site.clock.wall()
    named: dict[int, list[Standing]] = {}
    for name, each in gates.commands.items():
        for number in checks["gates"][name]["rows"]:
            named.setdefault(number, []).append(gates.stand(each.gate, evidence, now))
    rollouts = {name: site.events(name) for name in site.journal.rollouts()}
    placed, images = _placed(site, gates.release)
    skipped = {int(number): str(why) for number, why in checks["skips"].items()}
    facts = facts_of(rollouts, gates.release, placed, Plan.from_json(settings["plan"]), images=images)
    return Checklist(gates.release, told(named, facts, skipped))


def _placed(site: Site, release: str) -> tuple[str | None, bool]:
    """The slot that holds a release, and whether it is made from images."""
    try:
        contract = site.contract
    except NoSuchStack:
        return None, False
    slot = next((slot for slot, each in sorted(contract.releases.items()) if each == release), None)
    if slot is None:
        return None, False
    held = [each.placements[slot] for each in contract.services if slot in each.placements]
    return slot, bool(held) and all(each.imaged for each in held)


def counted(rows: Sequence[Told]) -> Mapping[str, Mapping[str, int]]:
    """How many rows each phase has, and how many of them are done."""
    found: dict[str, dict[str, int]] = {}
    for each in rows:
        counts = found.setdefault(each.row.phase, {"rows": 0, "done": 0})
        counts["rows"] += 1
        counts["done"] += each.done
    return found


def summary(rows: Sequence[Told]) -> Sequence[str]:
    """The phases as a table, a line each."""
    lines = []
    for phase, counts in counted(rows).items():
        state = "done" if counts["done"] == counts["rows"] else "not begun" if counts["done"] == 0 else "under way"
        lines.append(f"{phase:<11} {counts['done']:>3} of {counts['rows']:>3}  {state}\n")
    return lines
