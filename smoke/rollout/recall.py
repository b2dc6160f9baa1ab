"""What a journal notes of evidence, and evidence from what it noted. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from infra.contract import Json
from smoke.analysis import Evidence, explained, verdict_of
from smoke.analysis.intake import quantile
from smoke.model import Finding
from smoke.rollout.counting import rows_of
from smoke.rollout.events import Event, Looked
from smoke.rollout.machine import Phase, Rollout, apply


def recall(evidence: Evidence, events: Iterable[Event]) -> Evidence:
    """The evidence that a driver had at the last look of these events, to the bit.

    What probes said is not in it, they are asked anew; but for who answered, so that no restart is missed.
    """
    rollout: Rollout | None = None
    for event in events:
        rollout = apply(rollout, event)
        if isinstance(event, Looked):
            evidence = remembered(evidence, event)
        elif rollout.phase is Phase.BAKING:
            evidence = evidence.for_step(rollout.step)
    return evidence


def remembered(evidence: Evidence, looked: Looked) -> Evidence:
    """The evidence one recorded look later."""
    for place, instance in looked.instances.items():
        service, slot, probe = place.split(" ", 2)
        evidence = evidence.with_instance((service, slot, probe), instance)
    return evidence.replayed(looked.watched, looked.grids, rows_of(looked, looked.rows))


def answering(evidence: Evidence) -> Mapping[str, str]:
    """Who answers, by ``service slot probe``."""
    return {" ".join(place): instance for place, instance in evidence.instances.items()}


def note(
    evidence: Evidence,
    findings: Sequence[Finding],
    at: float,
    known: Mapping[str, list[float]],
    instances: Mapping[str, str],
) -> Looked:
    """What a look is remembered as.

    Args:
        evidence: with all that was counted since the last note.
        findings: what the gates say of it.
        at: seconds since 1970.
        known: buckets that the journal has already.
        instances: who answered, as the journal has it.
    """
    found = [explained(evidence, finding) for finding in findings]
    return Looked(
        at,
        evidence.watched,
        verdict_of(found).value,
        tuple(f"{finding.verdict.value}: {finding.because}" for finding in found),
        {service: _summaries(evidence, service) for service in evidence.services},
        tuple(_numbers(finding) for finding in found if finding.numbers),
        {name: [row.to_json() for row in intake.rows] for name, intake in evidence.intakes.items() if intake.rows},
        {name: grid for name, grid in evidence.grids().items() if grid != known.get(name)},
        {place: instance for place, instance in answering(evidence).items() if instance != instances.get(place)},
    )


def _numbers(finding: Finding) -> Mapping[str, Json]:
    return {"service": finding.service, "gate": finding.gate, "verdict": finding.verdict.value, **finding.numbers}


def _summaries(evidence: Evidence, service: str) -> Mapping[str, Mapping[str, float]]:
    return {slot: _summary(evidence, service, slot) for slot in (evidence.live, evidence.candidate)}


def _summary(evidence: Evidence, service: str, slot: str) -> Mapping[str, float]:
    counts = evidence.counts(service, slot)
    p95 = quantile(counts, 0.95)
    return {"requests": counts.requests, "errors": counts.errors, "p95_ms": p95 if p95 != float("inf") else -1}
