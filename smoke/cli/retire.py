"""``crossfade retire``: the idle slot is removed, once nobody can want to go back to it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from smoke.cli.frame import me, on_stack
from smoke.cli.main import print_document
from smoke.cli.running import exit_of
from smoke.errors import Exit, Forbidden, GateClosed, SeamError
from smoke.model import Counts
from smoke.plan import Plan
from smoke.rollout import Phase, Rollout
from smoke.rollout.opening import History
from smoke.wiring import Site

_WATCHED = 3.0
"""Seconds for which the slot must be seen to answer nothing."""


@click.command("retire")
@click.option("--because", default="", metavar="WHY", help="Do it before its time, and say why.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, because: str, as_json: bool) -> int:
    """Remove the slot that was live before the last promotion: its processes, and the quick way back to it.

    Only once the time is over for which the plan keeps it warm, and while nobody uses it. `pulumi up` puts it there again.
    """
    _idle(site, site.history())
    with site.alone():
        return _retire(site, because, as_json=as_json)


def _retire(site: Site, because: str, *, as_json: bool) -> int:
    history = site.history()
    slot, settled = _idle(site, history)
    if slot is None:
        live = history.live(site.contract)
        sys.stderr.write(f"nothing to retire: no slot is placed beside {live}\nstate: {site.state()}\n")
    else:
        _in_time(site, settled, slot, because)
        _unused(site, slot)
        _leave(site, slot)
        site.ask(settled.opened.rollout, "retire", me(), because)  # the trace: the rollout that made it idle has ended
        site.stack.revert(slot, {})
        next_up = f"the next pulumi up puts it there again, without traffic, as {site.project.settings(site.name).name} asks"
        sys.stderr.write(f"slot {slot} is removed; {next_up}\nstate: {site.state()}\n")
    if as_json:
        print_document({"retired": slot, "by": me(), "why": because, "weights": site.weights()})
    return Exit.WANTED


def _idle(site: Site, history: History) -> tuple[str | None, Rollout]:
    """The slot beside the live one, None where it is not placed; and the rollout that made it idle."""
    if history.running is not None:
        raise GateClosed(
            f"a rollout is running: it is {history.running.phase.value}",
            where=history.running.opened.rollout,
            cause="both of its slots are wanted until it has ended",
            hint="crossfade status",
        )
    if history.last is not None and history.last.phase is Phase.STUCK:
        exit_of(history.last, site.state())
    settled = next((each for each in reversed(history.rollouts) if each.phase is Phase.PROMOTED), None)
    if settled is None:
        raise GateClosed(
            "nothing was promoted yet, so no slot has had its time",
            where=site.name,
            cause="beside the one that is live there is at most a candidate",
            hint="take it out of crossfade:slots and run pulumi up; or: crossfade promote",
        )
    live = history.live(site.contract)
    return next((slot for slot in sorted(site.contract.releases) if slot != live), None), settled


def _in_time(site: Site, settled: Rollout, slot: str, because: str) -> None:
    keep = Plan.from_json(site.contract.plan).keep
    until = settled.entered + keep
    if site.clock.wall() < until and not because:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(until))
        raise Forbidden(
            f"slot {slot} is kept warm until {when}",
            where=f"{site.name} · plan.keep",
            cause=f"for {keep:g} s after {settled.opened.rollout} was promoted, crossfade revert goes back there in one step",
            hint='wait, or: crossfade retire --because "why it is not wanted any more"',
        )


def _unused(site: Site, slot: str) -> None:
    """Refuse a slot that has weight, a singleton at work, or requests although it has no weight: sessions that have not ended."""
    for service, router in site.routers.items():
        with _told(slot, service):
            weight = router.read().get(slot, 0)
        if weight:
            hint = "crossfade status; what is not as it should be, crossfade promote or pulumi up puts right"
            raise GateClosed(f"slot {slot} has {weight} % of {service}", where=site.name, hint=hint)
    for service, handover in site.handovers.items():
        with _told(slot, service):
            holder = handover.holder()
        if holder == slot:
            raise GateClosed(f"{service} is at work on slot {slot}", where=site.name, hint="crossfade status")
    before = _answered(site, slot)
    site.clock.sleep(_WATCHED)
    busy = sorted(name for name, count in _answered(site, slot).items() if count != before[name])
    if busy:
        raise GateClosed(
            f"slot {slot} still answers requests of {', '.join(busy)}",
            where=site.name,
            cause="it has no weight: these are sessions that began there and have not ended",
            hint="crossfade retire, later; crossfade:services.NAME.affinity says when the last of them ends",
        )


def _leave(site: Site, slot: str) -> None:
    """Nobody finds the slot any more by its name, as sessions do: from here on they would find nothing."""
    for service, router in site.routers.items():
        with _told(slot, service):
            router.write(router.read())


def _answered(site: Site, slot: str) -> dict[str, int]:
    counted: dict[str, int] = {}
    for service, meter in site.meters.items():
        if "/" not in service:  # the user's own metrics are no requests
            with _told(slot, service):
                counted[service] = meter.read().slots.get(slot, Counts()).requests
    return counted


@contextmanager
def _told(slot: str, service: str) -> Iterator[None]:
    """What cannot be asked is no reason to remove something."""
    try:
        yield
    except SeamError as error:
        raise GateClosed(
            f"whether slot {slot} is used cannot be known",
            where=service,
            cause=error.what + (f"\n{error.cause}" if error.cause else ""),
            hint="crossfade doctor, then pulumi up",
        ) from error
