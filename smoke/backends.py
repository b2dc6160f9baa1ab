"""Makes what a contract asks for: the backends of every seam, by service. The only module that knows every table of them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from infra.contract import Backend, Contract, Service
from smoke import journals
from smoke.handovers import handover
from smoke.journals import FileJournal, FileMailbox
from smoke.meters import meter
from smoke.routers import router
from smoke.seams import Capacity, Clock, Handover, Journal, Mailbox, Meter, Router

if TYPE_CHECKING:
    from smoke.meters.background import Background
    from smoke.plan import Plan
    from smoke.probes.sampler import Sampler

_LONGEST_TRAFFIC = 24 * 3600.0
"""Seconds after which synthetic traffic ends, whatever became of who started it."""


def journal(elsewhere: Backend | None, folder: Path, clock: Clock) -> tuple[Journal, Mailbox]:
    """What remembers rollouts, and what carries requests to them: in that folder, unless the contract says where else."""
    if elsewhere is None:
        return FileJournal(folder), FileMailbox(folder)
    return journals.elsewhere(elsewhere, clock)


def routers(contract: Contract, clock: Clock, meters: Callable[[], Mapping[str, Meter]]) -> Mapping[str, Router]:
    """By service, providers first; ``meters`` are asked for where a data plane follows late what it accepted."""

    def made(service: Service, backend: Backend) -> Router:
        found, settle = router(backend), backend.settings.get("settle")
        if settle is None or service.meter is None:
            return found
        from smoke.seeing import Seeing  # noqa: PLC0415 - most data planes do at once what they accept

        return Seeing(found, lambda: meters()[service.name], clock, settle)

    return {each.name: made(each, each.router) for each in contract.services if each.router is not None}


def metrics(contract: Contract, clock: Clock) -> "Mapping[str, Background]":
    """The user's own, by ``service/metric``; they are read in the background until they are closed."""
    from smoke.meters.background import Background  # noqa: PLC0415 - `status` reads no counts

    return {
        f"{service.name}/{each.name}": Background(
            meter(each.meter), each.every, each.meter.settings.get("timeout", each.every), clock
        )
        for service in contract.services
        for each in service.metrics
    }


def handovers(contract: Contract, clock: Clock) -> Mapping[str, Handover]:
    """By singleton."""
    return {each.name: handover(each.handover, clock) for each in contract.services if each.handover is not None}


def capacities(contract: Contract, clock: Clock) -> Mapping[str, Capacity]:
    """By service, where somebody else may change the number of its instances."""
    asked = {each.name: each.capacity for each in contract.services if each.capacity is not None}
    if not asked:
        return {}
    from smoke.capacities import capacity  # noqa: PLC0415 - of a cluster alone

    return {name: capacity(backend, clock) for name, backend in asked.items()}


def sampler(contract: Contract, slots: Sequence[str], clock: Clock) -> "Sampler":
    """Samples every probe of these slots, until it is closed."""
    from smoke.probes import probe  # noqa: PLC0415 - `status` asks no probe
    from smoke.probes.sampler import Sampler  # noqa: PLC0415 - dito

    questions = [
        (service.placements[slot], probe(each), each)
        for service in contract.services
        for slot in slots
        if slot in service.placements
        for each in service.probes
    ]
    return Sampler(questions, clock)


def synthetic(contract: Contract, plan: "Plan") -> AbstractContextManager[object]:
    """Requests through the front doors for as long as the context lasts, where the plan asks for them."""
    if not plan.traffic:
        return nullcontext()
    from smoke.traffic import Target, traffic  # noqa: PLC0415 - most stacks have users

    fronts = {each.name: each.front for each in contract.services}
    targets = {name: Target(f"{fronts[name]}{each.path}", each.rate) for name, each in plan.traffic.items()}
    return traffic(targets, limit=_LONGEST_TRAFFIC)
