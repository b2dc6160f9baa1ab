"""What comes next: a pure function of the rollout, the evidence and what people asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smoke.analysis import Evidence, judge, prove, verdict_of
from smoke.model import Finding, Verdict
from smoke.plan import Policy
from smoke.rollout.events import Aborted, Event, Failed, Finished, Held, Passed, Proved, Resumed
from smoke.rollout.machine import TABLE, Phase, Rollout


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked of a running rollout."""

    verb: str
    """``abort``, ``pause`` or ``resume``."""
    by: str
    why: str = ""


def findings(rollout: Rollout, evidence: Evidence, probes: Sequence[tuple[str, str]]) -> tuple[Finding, ...]:
    """What the gates of this phase say; nothing in a phase without gates."""
    if rollout.phase is Phase.PROVING:
        return prove(evidence, probes)
    if rollout.phase in {Phase.BAKING, Phase.HELD}:
        return judge(evidence, rollout.current)
    return ()


def decide(
    rollout: Rollout, evidence: Evidence, found: Sequence[Finding], requests: Sequence[Request], now: float
) -> Event | None:
    """The event that follows, or None: go on looking. ``now`` is in seconds since 1970."""
    asked = next((event for event in (_asked(request, now) for request in requests) if _may(rollout, event)), None)
    if asked is not None:
        return asked
    if rollout.phase is Phase.HELD and now - rollout.entered > rollout.plan.hold:
        return Failed(now, (*rollout.because, f"nobody decided within {rollout.plan.hold:g} s"))
    return _judged(rollout, evidence, found, now) if found else None


def _judged(rollout: Rollout, evidence: Evidence, found: Sequence[Finding], now: float) -> Event | None:
    verdict = verdict_of(found)
    if verdict is Verdict.FAIL:
        return Failed(now, _said(found, Verdict.FAIL))
    if evidence.unseen > rollout.plan.blind:
        return Failed(now, _said(found, Verdict.BLIND))
    if rollout.phase is Phase.HELD:
        return None
    return _onward(rollout, found, now) if verdict is Verdict.PASS else _limit(rollout, evidence, found, verdict, now)


def _asked(request: Request, now: float) -> Event | None:
    verbs: Mapping[str, Event] = {
        "abort": Aborted(now, request.by, request.why),
        "pause": Held(now, (f"paused by {request.by}" + (f": {request.why}" if request.why else ""),)),
        "resume": Resumed(now, request.by),
    }
    return verbs.get(request.verb)


def _may(rollout: Rollout, event: Event | None) -> bool:
    return type(event) in TABLE[rollout.phase]


def _onward(rollout: Rollout, found: Sequence[Finding], now: float) -> Event:
    because = _said(found, Verdict.PASS)
    if rollout.phase is Phase.PROVING:
        return Proved(now)
    last = rollout.step + 1 == len(rollout.plan.steps)
    return Finished(now, because) if last else Passed(now, because)


def _limit(rollout: Rollout, evidence: Evidence, found: Sequence[Finding], verdict: Verdict, now: float) -> Event | None:
    if rollout.phase is Phase.PROVING:
        unproven = f"not proven within {rollout.plan.prove:g} s"
        return Failed(now, (unproven, *_said(found, verdict))) if evidence.spent > rollout.plan.prove else None
    if evidence.spent <= rollout.current.limit:
        return None
    late = (f"no verdict within {rollout.current.limit:g} s at {rollout.current.share} %", *_said(found, verdict))
    return Held(now, late) if rollout.plan.policy is Policy.HOLD else Failed(now, late)


def _said(found: Sequence[Finding], verdict: Verdict) -> tuple[str, ...]:
    return tuple(finding.because for finding in found if finding.verdict is verdict)
