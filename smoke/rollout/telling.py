"""A rollout in words: one sentence an event, and the document that machines get."""

from collections.abc import Mapping
from typing import Any

from smoke.rollout.events import (
    Aborted,
    Approved,
    Cleared,
    Drifted,
    Event,
    Failed,
    Finished,
    Held,
    Opened,
    Passed,
    Proved,
    Resumed,
    Retried,
    Reverted,
    Settled,
    Shifted,
    Stuck,
)
from smoke.rollout.machine import Phase, Rollout, Wait
from smoke.rollout.record import to_record

_RAW = frozenset({"rows", "grids"})
"""What of a look is for a replay alone."""


def sentence(event: Event, rollout: Rollout) -> str:  # noqa: PLR0911, C901, PLR0912 - one line an event
    """What a person is told of an event; ``rollout`` is the one it led to."""
    opened = rollout.opened
    share = f"{rollout.share} %"
    match event:
        case Opened():
            return f"{opened.rollout}: {opened.candidate} ({opened.release}) is the candidate, {opened.live} is live"
        case Proved():
            return f"{opened.candidate} is itself and healthy"
        case Shifted():
            what = _handed_over(event) if rollout.current.singletons else f"weights are {share}"
            return f"step {rollout.step + 1} of {len(rollout.plan.steps)}: {what}, watched for {rollout.current.bake:g} s or more"
        case Passed(because=because) | Finished(because=because):
            # What each gate saw is in the report: here it would hide what happens.
            return f"passed: all {len(because)} gates; {because[-1]}" if because else "passed"
        case Failed(because=because):
            return "FAILED: " + "; ".join(because)
        case Aborted():
            return rollout.because[0]
        case Held(because=because):
            on = "it goes on by itself once they are there" if rollout.waits is Wait.PERMIT else "crossfade resume goes on"
            ways = f"{on}, crossfade abort goes back, and so does it after {rollout.plan.hold:g} s"
            return f"HELD at {share}: {'; '.join(because)}; {ways}"
        case Approved(by=by, step=step):
            return f"{by} approves step {step + 1}, {rollout.plan.steps[step].share} %"
        case Resumed(by=by):
            return f"resumed by {by}"
        case Settled():
            return f"promoted: {opened.candidate} is live"
        case Cleared(idle=idle):
            waits = "".join(f"; {name} may work there, and does not yet: {why}" for name, why in idle.items())
            return f"all traffic is on {opened.live}; the stack goes back{waits}"
        case Reverted(differs=differs):
            return f"rolled back: {differs}"
        case Stuck(because=because):
            return "STUCK, a person is needed: " + "; ".join(because)
        case Retried(by=by):
            return f"going back is tried again, asked by {by}"
        case Drifted(service=service, found=found, wanted=wanted):
            return f"{service}: weights were {found}, not {wanted}; set again"
        case _:
            return type(event).__name__.lower()


def _handed_over(event: Shifted) -> str:
    return ", ".join(f"{name} handed over within {gap:g} s" for name, gap in event.gaps.items()) or "singletons handed over"


def describe(rollout: Rollout) -> Mapping[str, Any]:
    """A rollout as ``status`` and ``report`` print it in JSON."""
    opened = rollout.opened
    look = rollout.look
    return {
        "rollout": opened.rollout,
        "phase": rollout.phase.value,
        "live": opened.candidate if rollout.phase is Phase.PROMOTED else opened.live,
        "candidate": opened.candidate,
        "release": opened.release,
        "step": rollout.step + 1,
        "steps": [step.share for step in rollout.plan.steps],
        "share": rollout.share,
        "by": opened.by,
        "since": rollout.entered,
        "because": list(rollout.because),
        "waits": None if rollout.waits is None else rollout.waits.value,
        "approvals": [{"by": each.by, "at": each.at, "step": each.step + 1, "why": each.why} for each in rollout.approvals],
        "differs": rollout.differs,
        "queries": dict(opened.queries),
        "seen": None if look is None else {name: value for name, value in to_record(look).items() if name not in _RAW},
    }
