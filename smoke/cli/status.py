"""``crossfade status``: what users see now, and how the rollout stands."""

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict

import click

from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.guard import on_guard
from smoke.rollout import Rollout, describe
from smoke.wiring import Site


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@click.option("--phases", is_flag=True, help="Show how far the checklist is, phase by phase, instead.")
@on_stack
def command(site: Site, *, as_json: bool, phases: bool) -> int:
    """Say what users see now, and how the rollout stands. Reads only; works while another terminal drives."""
    if phases:
        return _phases(site, as_json=as_json)
    history = site.history()
    weights = site.weights()
    live = history.live(site.contract)
    if as_json:
        last = None if history.last is None else describe(history.last)
        document = {"stack": site.name, "live": live, "weights": weights, "releases": dict(site.contract.releases)}
        driver = None if history.running is None else site.journal.holder()
        who = None if driver is None else {name: value for name, value in asdict(driver).items() if name != "token"}
        watched = {"driver": who, "watchdog": _watched(site)}
        print_document({**document, **watched, "rollout": last})
        return Exit.WANTED
    lines = [*_now(site, weights, live), *_rollout(history.last)]
    if history.running is not None:
        lines += [*_waits(history.running, site.clock.wall()), _driver(site, history.running)]
    sys.stdout.write("\n".join(lines) + "\n")
    return Exit.WANTED


def _phases(site: Site, *, as_json: bool) -> int:
    """What ``crossfade checklist --phases`` says; here for whoever asks how it stands."""
    from smoke.checklist import counted  # noqa: PLC0415 - status alone need not wait for it
    from smoke.cli.rows import checklist_of, summary  # noqa: PLC0415

    rows = checklist_of(site).rows
    if as_json:
        print_document({"stack": site.name, "phases": counted(rows)})
    else:
        sys.stdout.writelines(summary(rows))
    return Exit.WANTED if all(each.done for each in rows) else Exit.UNDECIDED


def _now(site: Site, weights: Mapping[str, Mapping[str, int] | None], live: str) -> list[str]:
    lines = [f"stack {site.name} on {site.contract.target}, {live} is live"]
    for service in site.contract.services:
        runtimes = {slot: placement.runtime for slot, placement in sorted(service.placements.items())}
        shares = weights.get(service.name)
        if service.router is None:
            parts = [f"{slot} ({runtime})" for slot, runtime in runtimes.items()]
            at_work = site.at_work(service.name)
            lines.append(f"  {service.name:<12} at work: {at_work or 'nobody'}; placed: {', '.join(parts)}")
        elif shares is None:
            lines.append(f"  {service.name:<12} the data plane does not answer")
        else:
            parts = [f"{slot} {shares.get(slot, 0):>3} % ({runtime})" for slot, runtime in runtimes.items()]
            lines.append(f"  {service.name:<12} {'   '.join(parts)}   {service.front or ''}")
    return lines


def _rollout(rollout: Rollout | None) -> list[str]:
    if rollout is None:
        return ["no rollout yet: crossfade promote"]
    since = f"{rollout.phase.value} since {_at(rollout.entered)}"
    lines = [f"rollout {rollout.opened.rollout}: {since}, {rollout.share} % on {rollout.opened.candidate}"]
    lines += [f"  because: {because}" for because in rollout.because]
    if rollout.look is not None and not rollout.ended:
        lines += [f"  {found}" for found in rollout.look.findings]
    return lines + ([f"  {rollout.differs}"] if rollout.differs else [])


def _waits(rollout: Rollout, now: float) -> list[str]:
    """What it waits for beside the evidence; approvals also before they are needed."""
    step, until = rollout.asks, _at(rollout.entered + rollout.plan.hold)
    lines = [] if rollout.waits is None else [f"  waits for {rollout.waits.value}, until {until}; then it goes back"]
    if step is None:
        return lines
    agreed, asked = sorted(rollout.agreed(step, now)), rollout.plan.steps[step]
    names = f" ({', '.join(agreed)})" if agreed else ""
    given = f"{len(agreed)} of {asked.approvals} for step {step + 1}, {asked.share} %{names}"
    return [*lines, f"  approvals: {given}: crossfade approve"]


def _driver(site: Site, rollout: Rollout) -> str:
    driver = site.journal.holder()
    if driver is not None:
        return f"  driven by {driver.user}@{driver.host}, process {driver.pid}, since {_at(driver.since)}"
    if not _watched(site):
        return "  nobody drives it, nor does a watchdog answer: crossfade promote goes on with it, crossfade abort takes it back"
    if site.detached(rollout):
        return "  nobody drives it: the watchdog is about to go on with it"
    soon = f"the watchdog takes it back {rollout.plan.absence:g} s after it saw that"
    return f"  nobody drives it: {soon}; crossfade promote goes on with it"


def _watched(site: Site) -> bool:
    return on_guard(site.folder, site.clock.now())


def _at(wall: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
