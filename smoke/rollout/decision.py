"""What comes next: a pure function of the rollout, the evidence and what people asked."""

from collections.abc import Mapping, Sequence

from smoke.analysis import Evidence, judge, prove, verdict_of
from smoke.model import Finding, Verdict
from smoke.plan import Policy
from smoke.rollout.events import Aborted, Approved, Event, Failed, Finished, Held, Passed, Proved, Resumed
from smoke.rollout.hours import closed
from smoke.rollout.machine import TABLE, Phase, Rollout, Wait
from smoke.rollout.request import Request

PERMITS = frozenset({"pause", "approvals", "hours", "pulumi"})
"""Gates that people and the calendar hold: they say when it may go on, and nothing about the candidate."""


def findings(rollout: Rollout, evidence: Evidence, probes: Sequence[tuple[str, str]]) -> tuple[Finding, ...]:
    """What the gates of this phase say; nothing in a phase without gates."""
    if rollout.phase is Phase.PROVING:
        return prove(evidence, probes)
    if rollout.phase in {Phase.BAKING, Phase.HELD}:
        return judge(evidence, rollout.current)
    return ()


def permits(rollout: Rollout, now: float, date: float, busy: str | None = None) -> tuple[Finding, ...]:
    """What the next step waits for beside the evidence, if anything: a person who paused, approvals, the hours.

    Before the first shift, also for whoever changes the stack: it may be the candidate that is being changed.

    Args:
        rollout: as it is.
        now: seconds since 1970, as the driver counts them.
        date: the same by the machine's clock, which may have been set meanwhile: windows and freezes follow it.
        busy: who changes the stack now.
    """
    if rollout.phase not in {Phase.PROVING, Phase.BAKING, Phase.HELD}:
        return ()
    because: dict[str, str] = {}
    if rollout.waits is Wait.PERSON:
        because["pause"] = "; ".join(rollout.because)
    if busy is not None and rollout.phase is Phase.PROVING:
        because["pulumi"] = f"somebody changes the stack: {busy}"
    following = rollout.step if rollout.phase is Phase.PROVING else rollout.step + 1
    if following < len(rollout.plan.steps):
        because |= _approvals(rollout, following, now)
        shut = None if rollout.opened.override else closed(rollout.plan, date)
        because |= {} if shut is None else {"hours": shut}
    return tuple(Finding(Verdict.UNDECIDED, "", gate, text) for gate, text in because.items())


def _approvals(rollout: Rollout, step: int, now: float) -> Mapping[str, str]:
    needed, agreed = rollout.plan.steps[step].approvals, rollout.agreed(step, now)
    if len(agreed) >= needed:
        return {}
    names = f" ({', '.join(sorted(agreed))})" if agreed else ""
    share = rollout.plan.steps[step].share
    return {"approvals": f"{len(agreed)} of {needed} approvals of the step to {share} %{names}: crossfade approve"}


def approvals(rollout: Rollout, requests: Sequence[Request], now: float) -> tuple[Approved, ...]:
    """The approvals among what was asked that are new."""
    step = rollout.asks
    if step is None:
        return ()
    found = {
        each.by: Approved(now if each.at is None else each.at, each.by, step, each.why)
        for each in requests
        if each.verb == "approve" and each.step in {None, step} and each.by not in rollout.agreed(step, now)
    }
    return tuple(each for each in found.values() if now - each.at <= rollout.plan.approvals_last)


def decide(
    rollout: Rollout, evidence: Evidence, found: Sequence[Finding], requests: Sequence[Request], now: float
) -> Event | None:
    """The event that follows, or None: go on looking.

    Args:
        rollout: as it is.
        evidence: what was seen.
        found: what the gates say of it, and what ``permits`` says.
        requests: what was asked since; to go back comes first.
        now: seconds since 1970.
    """
    ordered = sorted(requests, key=lambda each: each.verb != "abort")
    asked = next((event for event in (_asked(request, now) for request in ordered) if _may(rollout, event)), None)
    if asked is not None:
        return asked
    if rollout.waits is not None and now - rollout.entered > rollout.plan.hold:
        return Failed(now, (*rollout.because, f"nobody decided within {rollout.plan.hold:g} s"))
    seen = [each for each in found if each.gate not in PERMITS]
    missing = tuple(each.because for each in found if each.gate in PERMITS)
    return _judged(rollout, evidence, seen, missing, now) if seen else None


def _judged(rollout: Rollout, evidence: Evidence, found: Sequence[Finding], missing: tuple[str, ...], now: float) -> Event | None:
    verdict = verdict_of(found)
    if verdict is Verdict.FAIL:
        return Failed(now, _said(found, Verdict.FAIL))
    if evidence.unseen > rollout.plan.blind:
        return Failed(now, _said(found, Verdict.BLIND))
    if rollout.waits is Wait.PERSON and (verdict is Verdict.PASS or rollout.phase is Phase.HELD):
        return None
    if verdict is Verdict.PASS:
        return _wait(rollout, missing, now) if missing else _onward(rollout, found, now)
    return None if rollout.phase is Phase.HELD else _limit(rollout, evidence, found, verdict, now)


def _asked(request: Request, now: float) -> Event | None:
    verbs: Mapping[str, Event] = {
        "abort": Aborted(now, request.by, request.why),
        "pause": Held(now, (f"paused by {request.by}" + (f": {request.why}" if request.why else ""),)),
        "resume": Resumed(now, request.by),
    }
    return verbs.get(request.verb)


def _may(rollout: Rollout, event: Event | None) -> bool:
    if isinstance(event, Held):  # once is enough, or its deadline would never come
        return Held in TABLE[rollout.phase] and rollout.waits is not Wait.PERSON
    if isinstance(event, Resumed):
        return Resumed in TABLE[rollout.phase] and rollout.waits is Wait.PERSON
    return type(event) in TABLE[rollout.phase]


def _wait(rollout: Rollout, missing: tuple[str, ...], now: float) -> Event | None:
    """All is shown, and it may not go on yet: the step is held. While the candidate is proved there is nothing to hold."""
    if rollout.phase is Phase.BAKING:
        return Held(now, missing, permit=True)
    late = rollout.phase is Phase.PROVING and now - rollout.entered > rollout.plan.hold
    return Failed(now, (*missing, f"nobody decided within {rollout.plan.hold:g} s")) if late else None


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
