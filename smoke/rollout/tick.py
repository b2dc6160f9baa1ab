"""What listeners hear of a rollout, tick by tick: display, notification and report are all listeners, or folds of the events."""

from collections.abc import Callable
from dataclasses import dataclass

from smoke.analysis import Evidence
from smoke.model import Finding
from smoke.rollout.events import Event
from smoke.rollout.machine import Rollout


@dataclass(frozen=True, slots=True)
class Tick:
    """What listeners hear: the rollout as it is, what was seen, and the event that followed, if any."""

    rollout: Rollout
    evidence: Evidence
    findings: tuple[Finding, ...]
    event: Event | None


Listener = Callable[[Tick], None]
