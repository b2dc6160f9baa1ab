"""The gates that weigh counts: is the candidate worse than allowed, is it surely not, or can that not be said yet?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import exp, inf, isfinite, log

from infra.contract.route import TOTAL
from smoke.analysis.evidence import Evidence
from smoke.analysis.intake import Intake, edges_at
from smoke.analysis.intervals import rate_interval, ratio_interval
from smoke.analysis.likelihood import Two
from smoke.analysis.mixture import log_total
from smoke.analysis.split import log_evidence
from smoke.analysis.trial import ERROR_OBJECTIVE, ERRORS, LATENCY, SLOW_SHARE, WEIGHTS
from smoke.model import Finding, Verdict
from smoke.plan import Gates, Step

DOUBT = 3.0
"""Evidence of one test against the candidate, of the last bake, from which on a step may not pass: far from a FAIL alone."""
CONFIDENCE = 0.05
"""One minus the coverage of the intervals that are shown."""
MEMORY = "memory slope"
MEMORY_WEIGHT = 1.0 - sum(WEIGHTS.values())
GROWTH = 0.5 / 3600.0
"""Slope of resident memory that is worth seeing: half a standard deviation of a block's mean in an hour."""
WEEK = 7 * 86_400.0
"""Seconds within which memory must not grow to what is too much."""
CHANCE = 1e-4
"""Probability that a split as it was set is taken for another."""
NEAR = 100.0
"""Requests for which the prior of the split's alternative stands."""
LEAST_OFF = 0.01
"""A share that is off by less does not matter, nor one that is off by less than a fifth."""
LEAST_REST = 1e-9
"""Less than this is rounding."""
GREATEST = 700.0
"""Logarithm of the greatest evidence that is given as a number."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one gate saw, for its sentence and its numbers."""

    claim: str
    """What has to be shown before the step may pass."""
    text: str
    counted: Two | None
    """Bad among all, of both slots or, with nothing on the live side, of the candidate alone."""
    limit: float


def weigh(evidence: Evidence, step: Step) -> Iterator[Finding]:
    """What the counts say about each service that is metered."""
    total, worst = _total(evidence)
    for service in evidence.services:
        yield from _split(evidence, step, service)
        for gate in WEIGHTS:
            seen = _seen(evidence, service, gate)
            if seen is None:
                continue
            if (service, gate) == worst and total >= log(1.0 / evidence.plan.false_aborts):
                yield _failed(evidence, (service, gate), seen, total)
            elif evidence.steps:
                yield from _so_far(evidence, step, (service, gate), seen)
    if worst[1] == MEMORY and total >= log(1.0 / evidence.plan.false_aborts):
        yield _grows(evidence, worst[0], total)


def explained(evidence: Evidence, finding: Finding) -> Finding:
    """The same finding with its interval, which takes too long for every tick."""
    seen = _seen(evidence, finding.service, finding.gate) if finding.gate in WEIGHTS else None
    if seen is None or seen.counted is None or "low" in finding.numbers:
        return finding
    words, interval = _interval(seen.counted)
    return replace(finding, because=f"{finding.because}; {words}", numbers={**finding.numbers, **interval})


def _total(evidence: Evidence) -> tuple[float, tuple[str, str]]:
    """Logarithm of the rollout's evidence, and the service and gate that have most of it."""
    logs = dict(evidence.logs())
    logs |= {(service, MEMORY): _memory(evidence, service) for service, _ in evidence.growth}
    begun = sum(WEIGHTS.get(gate, MEMORY_WEIGHT) for _, gate in logs) / max(len(evidence.services), 1)
    rest = 1.0 - begun
    worst = max(logs, key=lambda key: logs[key], default=("", ""))
    return log_total([*logs.values(), log(rest) if rest > LEAST_REST else -inf]), worst


def _memory(evidence: Evidence, service: str) -> float:
    """Logarithm of the weighted evidence that memory grows to what is too much within a week."""
    line = next(each.line for (name, _), each in evidence.growth.items() if name == service)
    part = log(MEMORY_WEIGHT / max(len(evidence.services), len(evidence.growth)))
    return part + line.log_evidence(GROWTH, _tolerated(evidence, service, line.value))


def _tolerated(evidence: Evidence, service: str, held: float) -> float:
    live = None if evidence.plan.forward else evidence.memory.get((service, evidence.live))
    room = max(live) * evidence.plan.gates_of(service).memory_ratio - held if live else held
    return max(room, 0.0) / WEEK


def _grows(evidence: Evidence, service: str, total: float) -> Finding:
    line = next(each.line for (name, _), each in evidence.growth.items() if name == service)
    rate, tolerated = (line.slope or 0.0) * 3600.0, _tolerated(evidence, service, line.value) * 3600.0
    because = (
        f"{service}: {_odds(total)} > {1.0 / evidence.plan.false_aborts:g}: memory of {evidence.candidate} grows by "
        f"{rate:.2g} MB an hour, from {tolerated:.2g} on it is too much within a week"
    )
    numbers = {"estimate": rate, "limit": tolerated, "evidence": _evidence(total), "threshold": 1.0 / evidence.plan.false_aborts}
    return Finding(Verdict.FAIL, service, MEMORY, because, numbers)


def _failed(evidence: Evidence, key: tuple[str, str], seen: Seen, total: float) -> Finding:
    threshold = 1.0 / evidence.plan.false_aborts
    because = f"{key[0]}: {_odds(total)} > {threshold:g}: {seen.text}"
    finding = Finding(Verdict.FAIL, *key, because, _numbers(evidence, seen, total, threshold))
    return explained(evidence, finding)


def _so_far(evidence: Evidence, step: Step, key: tuple[str, str], seen: Seen) -> Iterator[Finding]:
    """Whether it is shown that the candidate is not worse than allowed, at this step."""
    service, gate = key
    comparison = gate in {ERRORS, LATENCY}
    needed = evidence.plan.gates_of(service).needed(step)
    if not needed or (comparison and step.share == TOTAL):
        return
    test = evidence.intake(service).trial.tests()[gate]
    better, threshold = test.better.log(), 1.0 / evidence.plan.false_passes
    # What speaks against it may have begun late in the step, after most of what speaks for it.
    doubtful = test.doubt >= log(DOUBT)
    shown = better >= log(threshold) and not doubtful
    if doubtful:
        said = f"in doubt that {seen.claim}: {_odds(test.doubt)} against it of late, {DOUBT:g} is doubt"
    else:
        claim = f"{seen.claim}: {_odds(better)} > {threshold:g}"
        said = claim if shown else f"not shown yet that {seen.claim}: {_odds(better)} of {threshold:g}"
    verdict = Verdict.PASS if shown else Verdict.UNDECIDED
    yield Finding(verdict, service, gate, f"{service}: {said}: {seen.text}", _numbers(evidence, seen, better, threshold))


def _seen(evidence: Evidence, service: str, gate: str) -> Seen | None:
    """What a gate saw; None where it does not apply."""
    intake, gates = evidence.intake(service), evidence.plan.gates_of(service)
    if gate == ERRORS:
        return _errors(evidence, gates, intake) if gates.error_ratio > 0.0 else None
    if gate == ERROR_OBJECTIVE:
        return _error_objective(evidence, gates, intake) if gates.errors < 1.0 else None
    if gate == LATENCY:
        return _latency(evidence, gates, intake) if gates.latency_ratio > 0.0 else None
    return _latency_objective(evidence, gates, intake)


def _errors(evidence: Evidence, gates: Gates, intake: Intake) -> Seen:
    (requests, errors), (live, failed) = intake.totals(evidence.candidate), intake.totals(evidence.live)
    margin = f" and {gates.error_margin:.3g} of the requests" if gates.error_margin else ""
    claim = f"{evidence.candidate} fails at most {gates.error_ratio:g} times as often as {evidence.live}{margin}"
    text = f"{errors:,} errors in {requests:,} requests of {evidence.candidate} against {failed:,} in {live:,} of {evidence.live}"
    counted = Two(errors, requests, failed, live) if requests and live else None
    return Seen(claim, text, counted, gates.error_ratio)


def _error_objective(evidence: Evidence, gates: Gates, intake: Intake) -> Seen:
    requests, errors = intake.totals(evidence.candidate)
    claim = f"at most {gates.errors:.3g} of the requests of {evidence.candidate} fail"
    text = f"{errors:,} errors in {requests:,} requests of {evidence.candidate}, {gates.errors:.3g} of them may be"
    return Seen(claim, text, Two(errors, requests, 0, 0) if requests else None, gates.errors)


def _latency_objective(evidence: Evidence, gates: Gates, intake: Intake) -> Seen:
    slow, total = intake.trial.slow
    claim = f"95 % of the requests of {evidence.candidate} take {gates.p95_ms:g} ms at most"
    text = f"{slow:,} of {total:,} requests of {evidence.candidate} took longer than {gates.p95_ms:g} ms, {SLOW_SHARE:.0%} may"
    return Seen(claim, text, Two(slow, total, 0, 0) if total else None, SLOW_SHARE)


def _latency(evidence: Evidence, gates: Gates, intake: Intake) -> Seen:
    claim = f"{evidence.candidate} is at most {gates.latency_ratio:g} times as slow as {evidence.live}"
    trial = intake.trial
    if trial.thresholds is None:
        return Seen(claim, f"{evidence.live} answered too little to compare with", None, gates.latency_ratio)
    blue, green = trial.compared[:2]
    levels = [
        (Two(sum(green[place + 1 :]), sum(green), sum(blue[place + 1 :]), sum(blue)), pair)
        for place, pair in enumerate(trial.thresholds.worse)
        if pair is not None
    ]
    if not levels or not sum(green) or not sum(blue):
        return Seen(claim, "nothing was compared yet", None, gates.latency_ratio)
    # The level that says most: where the shares differ by the greatest number of standard errors.
    counted, pair = max(levels, key=lambda each: _apart(each[0]))
    edges = edges_at(intake.grid, pair)
    text = (
        f"{counted.bad_candidate / counted.all_candidate:.1%} of {counted.all_candidate:,} requests of {evidence.candidate} took "
        f"longer than {edges[1]:.3g} ms, against {counted.bad_live / counted.all_live:.1%} of {counted.all_live:,} of "
        f"{evidence.live} than {edges[0]:.3g} ms"
    )
    return Seen(claim, text, counted, 1.0)


def _apart(seen: Two) -> float:
    rate = (seen.bad_candidate + seen.bad_live) / (seen.all_candidate + seen.all_live)
    difference = seen.bad_candidate / seen.all_candidate - seen.bad_live / seen.all_live
    return difference / (rate * (1.0 - rate)) ** 0.5 if 0.0 < rate < 1.0 else 0.0


def _split(evidence: Evidence, step: Step, service: str) -> Iterator[Finding]:
    """A candidate that starves, or a data plane that does something else than it says, shows here first."""
    if not evidence.plan.gates_of(service).split or not 0 < step.share < TOTAL:
        return
    live, candidate = evidence.intake(service).requests_at_rest()
    share = step.share / TOTAL
    if not live + candidate:
        return
    found = candidate / (live + candidate)
    if abs(found - share) < max(LEAST_OFF, 0.2 * min(share, 1.0 - share)):
        return
    if log_evidence((live, candidate), (1.0 - share, share), NEAR) >= log(1.0 / CHANCE):
        because = (
            f"{service}: {evidence.candidate} got {found:.1%} of {live + candidate:,} requests where {step.share} % was set: "
            "the traffic does not follow the weights"
        )
        numbers = {"n": float(candidate), "n_live": float(live), "estimate": found, "limit": share}
        yield Finding(Verdict.FAIL, service, "split", because, numbers)


def _numbers(evidence: Evidence, seen: Seen, logarithm: float, threshold: float) -> dict[str, float]:
    numbers = {"window": evidence.watched, "limit": seen.limit, "evidence": _evidence(logarithm), "threshold": threshold}
    if seen.counted is not None:
        counted = seen.counted
        numbers |= {"n": counted.all_candidate, "n_live": counted.all_live}
        rate = counted.bad_candidate / counted.all_candidate
        if not counted.all_live:
            numbers["estimate"] = rate
        elif counted.bad_live:
            numbers["estimate"] = rate / (counted.bad_live / counted.all_live)
    return numbers


def _interval(counted: Two) -> tuple[str, dict[str, float]]:
    if counted.all_live:
        low, high = ratio_interval(counted, CONFIDENCE)
        words = f"ratio at least {low:.3g}" if not isfinite(high) else f"ratio {low:.3g} to {high:.3g}"
    else:
        low, high = rate_interval(counted.bad_candidate, counted.all_candidate, CONFIDENCE)
        words = f"share {low:.3g} to {high:.3g}"
    return words, {"low": low} | ({"high": high} if isfinite(high) else {})


def _evidence(logarithm: float) -> float:
    return exp(min(logarithm, GREATEST))


def _odds(logarithm: float) -> str:
    return f"E = {exp(logarithm):.3g}" if logarithm < GREATEST else f"E = 10^{logarithm / log(10.0):.0f}"
