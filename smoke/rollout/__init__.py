"""The rollout: a state machine that is the fold of its events, and the decision what comes next. Pure.

Here belong phases, events, the table of transitions, ``decide``, and the codec between events and journal records.
What must not be here: anything that acts; a driver does that, and it never changes a rollout but through ``apply``.

``decision`` and ``tick`` are imported by their own names: they need the analysis, which `status` does not wait for.
"""

from smoke.rollout.events import (
    Aborted,
    Approved,
    Cleared,
    Drifted,
    Event,
    Failed,
    Finished,
    Held,
    Looked,
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
from smoke.rollout.machine import ENDED, TABLE, IllegalEvent, Phase, Rollout, Wait, apply, replay
from smoke.rollout.record import from_record, to_record
from smoke.rollout.request import Request
from smoke.rollout.telling import describe, sentence

__all__ = [
    "ENDED",
    "TABLE",
    "Aborted",
    "Approved",
    "Cleared",
    "Drifted",
    "Event",
    "Failed",
    "Finished",
    "Held",
    "IllegalEvent",
    "Looked",
    "Opened",
    "Passed",
    "Phase",
    "Proved",
    "Request",
    "Resumed",
    "Retried",
    "Reverted",
    "Rollout",
    "Settled",
    "Shifted",
    "Stuck",
    "Wait",
    "apply",
    "describe",
    "from_record",
    "replay",
    "sentence",
    "to_record",
]
