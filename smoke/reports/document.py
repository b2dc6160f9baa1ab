"""The evidence of a rollout for machines."""

from collections.abc import Mapping, Sequence
from typing import Any

from smoke.reports.telling import entries
from smoke.rollout import Event, describe
from smoke.rollout.record import to_record


def document(events: Sequence[Event]) -> Mapping[str, Any]:
    """Everything that is known of a rollout, as JSON: how it stands, and every event with its numbers."""
    return {"format": 1, **describe(entries(events)[-1].rollout), "events": [to_record(event) for event in events]}
