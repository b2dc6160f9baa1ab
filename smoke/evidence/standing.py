"""How a gate stands now, by all evidence there is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from smoke.evidence.item import Evidence, Gate, Outcome, Waiver

_DAY = 24 * 3600.0


class State(Enum):
    """How it stands."""

    PASSED = "passed"
    ATTESTED = "attested"
    """A person says so; never shown as measured."""
    WAIVED = "waived"
    FAILED = "failed"
    UNDECIDED = "undecided"
    UNMEASURED = "not measured"
    STALE = "stale"
    """It passed too long ago."""
    OTHER = "of another release"
    """It passed, and what is asked for now is something else."""


_OPEN = frozenset({State.PASSED, State.ATTESTED, State.WAIVED})
_STATES = {
    Outcome.PASS: State.PASSED,
    Outcome.FAIL: State.FAILED,
    Outcome.UNDECIDED: State.UNDECIDED,
    Outcome.UNMEASURED: State.UNMEASURED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one gate stands, and why."""

    gate: Gate
    state: State
    why: str
    evidence: Evidence | None = None
    """What that is by; None: there is none."""

    @property
    def open(self) -> bool:
        """Whether one may go on."""
        return self.state in _OPEN


def stand(gate: Gate, evidence: Sequence[Evidence], release: str, now: float, waivers: Sequence[Waiver] = ()) -> Standing:
    """How a gate stands for a release. The last answer counts: one that passed before is no excuse for one that failed since."""
    found = _by_evidence(gate, [each for each in evidence if each.gate == gate.id], release, now)
    waiver = next((each for each in waivers if each.gate == gate.id and now < each.until), None)
    if found.open or waiver is None:
        return found
    days = (waiver.until - now) / _DAY
    why = f"{waiver.owner} answers for it for {days:.0f} days more: {waiver.why} ({found.state.value}: {found.why})"
    return Standing(gate, State.WAIVED, why, found.evidence)


def _by_evidence(gate: Gate, own: Sequence[Evidence], release: str, now: float) -> Standing:
    about = [each for each in own if each.release == release]
    if not about:
        last = own[-1] if own else None
        if last is None:
            return Standing(gate, State.UNMEASURED, "nobody asked yet")
        return Standing(gate, State.OTHER, f"the last answer is about {last.release or 'none'}, {release} is asked for", last)
    last = about[-1]
    state = _STATES[last.outcome]
    age = now - last.at
    if state is State.PASSED and not 0 <= age <= gate.fresh:
        when = f"{age / _DAY:.1f} days ago" if age > 0 else "in the future: a clock was set back"
        return Standing(gate, State.STALE, f"it passed {when}, {gate.fresh / _DAY:g} days count", last)
    if state is State.PASSED and last.attested:
        return Standing(gate, State.ATTESTED, f"{last.by} says so: {last.detail}", last)
    return Standing(gate, state, last.detail, last)
