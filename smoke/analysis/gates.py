"""The gates: each looks at the evidence of a step and says one thing about one service.

Hard guards come first (identity, probes, restarts, memory), then what the counts weigh, then whether enough was seen.
"""

from collections.abc import Iterable, Iterator, Sequence

from smoke.analysis.evidence import RECENT, Evidence
from smoke.analysis.weighing import weigh
from smoke.model import Answer, Finding, Verdict
from smoke.plan import Step

SMALL = 50.0
"""Megabytes by which resident memory may always differ: of a small process a ratio says little."""

_ORDER = (Verdict.FAIL, Verdict.BLIND, Verdict.UNDECIDED)


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict of all; PASS only when every gate passes, and BLIND when there is no finding at all."""
    seen = {finding.verdict for finding in findings}
    if not seen:
        return Verdict.BLIND
    return next((verdict for verdict in _ORDER if verdict in seen), Verdict.PASS)


def prove(evidence: Evidence, probes: Sequence[tuple[str, str]]) -> tuple[Finding, ...]:
    """Is the candidate itself, and healthy, and is the live slot healthy too? Judged before any traffic is moved.

    Of a live slot that is known to be broken nothing is asked.

    Args:
        evidence: what was seen so far.
        probes: every ``(service, probe)`` that must be well on both slots.
    """
    found = [*_identity(evidence), *_restarts(evidence)]
    for service, probe in probes:
        found += [_proven(evidence, service, slot, probe) for slot in _asked(evidence)]
    return (*found, *_sight(evidence))


def _asked(evidence: Evidence) -> tuple[str, ...]:
    return (evidence.candidate,) if evidence.plan.forward else (evidence.candidate, evidence.live)


def judge(evidence: Evidence, step: Step) -> tuple[Finding, ...]:
    """Is the candidate as good as it must be, at this step?

    Args:
        evidence: what was seen.
        step: how long and how many requests it must be watched.
    """
    guards = (*_identity(evidence), *_probes(evidence), *_restarts(evidence), *_memory(evidence))
    enough = (_enough(evidence, step, service) for service in evidence.services)
    return (*guards, *weigh(evidence, step), *enough, *_sight(evidence), _long_enough(evidence, step))


def _sight(evidence: Evidence) -> Iterator[Finding]:
    for phrase in evidence.blind:
        yield Finding(Verdict.BLIND, "", "sight", f"{phrase}, for {evidence.unseen:.1f} s")


def _identity(evidence: Evidence) -> Iterator[Finding]:
    for (service, slot, probe), reading in evidence.latest.items():
        if slot == evidence.candidate and reading.impostor:
            yield Finding(Verdict.FAIL, service, f"identity {probe}", f"{service} {slot}: {reading.detail}")


def _proven(evidence: Evidence, service: str, slot: str, probe: str) -> Finding:
    gates = evidence.plan.gates_of(service)
    streak = evidence.streaks.get((service, slot, probe))
    latest = evidence.latest.get((service, slot, probe))
    good = streak.good if streak else 0
    if good >= gates.successes:
        return Finding(Verdict.PASS, service, f"probe {probe}", f"{service} {slot}: {probe} is well {good} times in a row")
    seen = "no answer yet" if latest is None else latest.detail
    because = f"{service} {slot}: {probe} is well {good} of {gates.successes} times in a row ({seen})"
    return Finding(Verdict.UNDECIDED, service, f"probe {probe}", because)


def _probes(evidence: Evidence) -> Iterator[Finding]:
    for (service, slot, probe), streak in evidence.streaks.items():
        gates = evidence.plan.gates_of(service)
        detail = evidence.latest[service, slot, probe].detail
        because = f"{service} {slot}: {probe} failed {streak.bad} times in a row, {gates.failures} are allowed: {detail}"
        if streak.bad >= gates.failures and slot == evidence.candidate:
            yield Finding(Verdict.FAIL, service, f"probe {probe}", because)
        elif streak.bad and slot in _asked(evidence) and evidence.latest[service, slot, probe].answer is Answer.FAILED:
            yield Finding(Verdict.UNDECIDED, service, f"probe {probe}", because)


def _restarts(evidence: Evidence) -> Iterator[Finding]:
    most: dict[str, tuple[int, str]] = {}
    for probe, count in evidence.restarts.items():
        service, slot, _ = probe
        if slot == evidence.candidate:
            latest = evidence.latest.get(probe)
            ill = f": {latest.detail}" if latest is not None and latest.answer is Answer.FAILED else ""
            most[service] = max((count, ill), most.get(service, (0, "")))
    for service, (count, ill) in most.items():
        tolerated = evidence.plan.gates_of(service).restarts
        if count > tolerated:
            because = f"{service} {evidence.candidate}: restarted {count} times during the rollout, {tolerated} are tolerated"
            yield Finding(Verdict.FAIL, service, "restarts", because + ill)


def _memory(evidence: Evidence) -> Iterator[Finding]:
    for (service, slot), recent in evidence.memory.items():
        live = evidence.memory.get((service, evidence.live))
        if slot != evidence.candidate or not live or evidence.plan.forward or len(recent) < RECENT:
            continue
        least, most, ratio = min(recent), max(live), evidence.plan.gates_of(service).memory_ratio
        because = (
            f"{service}: {slot} holds {least:.0f} MB of memory or more in its last {RECENT} readings "
            f"against {most:.0f} MB of {evidence.live}, a ratio of {ratio:g} is allowed"
        )
        heavy = least > most * ratio and least > most + SMALL
        yield Finding(Verdict.FAIL if heavy else Verdict.PASS, service, "memory", because)


def _enough(evidence: Evidence, step: Step, service: str) -> Finding:
    (requests, _), needed = evidence.intake(service).totals(evidence.candidate), evidence.plan.gates_of(service).needed(step)
    verdict = Verdict.PASS if requests >= needed else Verdict.UNDECIDED
    because = f"{service}: {requests} of {needed} requests were answered by {evidence.candidate}"
    return Finding(verdict, service, "requests", because)


def _long_enough(evidence: Evidence, step: Step) -> Finding:
    verdict = Verdict.PASS if evidence.watched >= step.bake else Verdict.UNDECIDED
    return Finding(verdict, "", "bake", f"watched for {evidence.watched:.1f} of {step.bake:g} s at {step.share} %")
