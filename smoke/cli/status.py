"""``crossfade status``: what users see now, and how the rollout stands."""

import sys
import time
from collections.abc import Mapping

import click

from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.rollout import Rollout, describe
from smoke.wiring import Site


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, as_json: bool) -> int:
    """Say what users see now, and how the rollout stands. Reads only; works while another terminal drives."""
    history = site.history()
    weights = site.weights()
    live = history.live(site.contract)
    if as_json:
        last = None if history.last is None else describe(history.last)
        document = {"stack": site.name, "live": live, "weights": weights, "releases": dict(site.contract.releases)}
        print_document({**document, "rollout": last})
        return Exit.WANTED
    sys.stdout.write("\n".join([*_now(site, weights, live), *_rollout(history.last)]) + "\n")
    return Exit.WANTED


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
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(rollout.entered))
    lines = [
        f"rollout {rollout.opened.rollout}: {rollout.phase.value} since {since}, {rollout.share} % on {rollout.opened.candidate}"
    ]
    lines += [f"  because: {because}" for because in rollout.because]
    if rollout.look is not None and not rollout.ended:
        lines += [f"  {found}" for found in rollout.look.findings]
    return lines + ([f"  {rollout.differs}"] if rollout.differs else [])
