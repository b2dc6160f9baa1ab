"""Everything the driver acts on, and one look at all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from smoke.errors import MeterError, RouterError
from smoke.model import Look, Reading, Sample
from smoke.seams import Capacity, Handover, Mailbox, Meter, Router, Stack


class Sampler(Protocol):
    """Samples the probes concurrently; never keeps a tick waiting."""

    def look(self) -> tuple[Reading, ...]:
        """The readings that arrived since the last look."""


@dataclass(frozen=True, slots=True)
class World:
    """What a rollout is about, in order: providers first."""

    routers: Mapping[str, Router]
    meters: Mapping[str, Meter]
    handovers: Mapping[str, Handover]
    sampler: Sampler
    probes: tuple[tuple[str, str], ...]
    """Every ``(service, probe)`` that must be well before the first shift."""
    stack: Stack
    mailbox: Mailbox
    capacities: Mapping[str, Capacity] = field(default_factory=dict)
    reverts: bool = True
    """Whether the stack can be reverted from here; else that is left to somebody else."""

    def look(self, at: float, readings: tuple[Reading, ...]) -> Look:
        """Weights and counts as they are; what cannot be read is said, and is in no number."""
        blind: list[str] = []
        weights: dict[str, Mapping[str, int]] = {}
        samples: dict[str, Sample] = {}
        for service, router in self.routers.items():
            try:
                weights[service] = router.read()
            except RouterError as error:
                blind.append(f"{service}: weights cannot be read ({error.what})")
        for service, meter in self.meters.items():
            try:
                samples[service] = meter.read()
            except MeterError as error:
                blind.append(f"{service}: counts cannot be read ({error.what})")
        return Look(at, readings, samples, weights, tuple(blind))
