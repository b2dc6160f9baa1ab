"""``crossfade check``: ask the gates before a rollout, and keep what came of it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from infra.contract import Placement
from smoke.cli.frame import check_settings, me, on_stack
from smoke.cli.gates import Gates, gates_of
from smoke.cli.main import print_document
from smoke.errors import Exit, NoSuchStack, UsageError
from smoke.evidence import Outcome, Standing
from smoke.gating import Asker, Command
from smoke.wiring import Site


@click.command("check")
@click.argument("gates", nargs=-1, metavar="[GATE]...")
@click.option("--phase", "phases", metavar="PHASE", multiple=True, help="Ask the gates of this phase alone; may be repeated.")
@click.option("--show", is_flag=True, help="Ask nothing, and show how each gate stands.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, gates: tuple[str, ...], phases: tuple[str, ...], show: bool, as_json: bool) -> int:
    """Ask the gates of the settings of the release that is asked for, and keep the evidence; or show how they stand.

    A gate that was never asked, whose evidence is too old, or is about another release, is not open.
    """
    known = gates_of(site, check_settings(site))
    chosen = _chosen(known, gates, phases)
    if not show:
        _ask(site, known, chosen, quiet=as_json)
    evidence, now = site.evidence.all(), site.clock.wall()
    standings = [known.stand(each.gate, evidence, now) for each in chosen]
    if as_json:
        print_document(_document(site, known.release, standings))
    elif show:
        sys.stdout.writelines(f"{_line(each)}\n" for each in standings)
    return _code(standings)


def _chosen(known: Gates, names: Sequence[str], phases: Sequence[str]) -> Sequence[Command]:
    if not known.commands:
        hint = "crossfade:checks:\n  unit-tests: {phase: test, command: pytest -q}"
        raise UsageError("no gates are written", where=known.where, cause="the settings have no checks", hint=hint)
    wanted = {known.command(name).gate.id for name in names} or known.commands
    found = [each for name, each in known.commands.items() if name in wanted and (not phases or each.gate.phase in phases)]
    if not found:
        there = ", ".join(sorted({each.gate.phase for each in known.commands.values()}))
        raise UsageError(f"no gate is of phase {' or '.join(phases)}", where=known.where, hint=f"there are gates of {there}")
    return found


def _ask(site: Site, known: Gates, chosen: Sequence[Command], *, quiet: bool) -> None:
    asker = Asker(site.project.folder, site.evidence.folder, site.name, known.release, me(), site.clock)
    placed = _placed(site, known.release)
    for each in chosen:
        if not each.words:
            if not quiet:
                says = f"people say so: crossfade attest {each.gate.id} --why WHY"
                sys.stdout.write(f"{'not asked':<13} {each.gate.id:<24} {'':7}    {says}\n")
            continue
        if not quiet:
            sys.stderr.write(f"{each.gate.id}: {each.gate.wanted}?\n")
        found = replace(asker, pythons=_pythons(placed, each.gate.service)).ask(each)
        site.evidence.add(found)
        if not quiet:
            sys.stdout.write(f"{found.outcome.value:<13} {found.gate:<24} {found.seconds:7.1f} s  {found.detail}\n")
            sys.stdout.flush()


def _placed(site: Site, release: str) -> Mapping[str, Sequence[Placement]]:
    """What is in the slot that holds a release, the ``candidate``, and in the other, which was live before it or still is.

    Nothing of a stack that was never brought up.
    """
    try:
        contract = site.contract
        live = site.history().live(contract)
    except NoSuchStack:
        return {}
    slots = sorted(contract.releases, key=lambda slot: slot == live)
    held = (slot for slot in slots if contract.releases[slot] == release)
    candidate = next(held, next((slot for slot in slots if slot != live), None))
    every = [placement for each in contract.services for placement in each.placements.values()]
    return {
        "live": [each for each in every if each.slot in contract.releases and each.slot != candidate],
        "candidate": [each for each in every if each.slot == candidate],
    }


def _pythons(placed: Mapping[str, Sequence[Placement]], service: str | None) -> Mapping[str, str]:
    """The interpreters of both slots, of that service or of the first; those of containers are none of this machine."""
    firsts = {which: next((each for each in found if service in {None, each.service}), None) for which, found in placed.items()}
    return {which: each.python for which, each in firsts.items() if each is not None and not each.imaged}


def _line(each: Standing) -> str:
    return f"{each.state.value:<20} {each.gate.phase:<11} {each.gate.id:<24} {each.why}"


def _code(standings: Sequence[Standing]) -> Exit:
    """A failure is told apart from what nobody knows; what somebody answers for is neither."""
    shut = [each for each in standings if not each.open]
    failed = any(each.evidence is not None and each.evidence.outcome is Outcome.FAIL for each in shut)
    if failed:
        return Exit.GATE
    return Exit.UNDECIDED if shut else Exit.WANTED


def _document(site: Site, release: str, standings: Sequence[Standing]) -> Mapping[str, Any]:
    return {
        "stack": site.name,
        "release": release,
        "open": all(each.open for each in standings),
        "gates": [
            {
                "id": each.gate.id,
                "phase": each.gate.phase,
                "service": each.gate.service,
                "wanted": each.gate.wanted,
                "state": each.state.value,
                "open": each.open,
                "why": each.why,
                "evidence": None if each.evidence is None else each.evidence.to_json(),
            }
            for each in standings
        ],
    }
