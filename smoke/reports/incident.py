"""An incident: what is known of a rollout that went back with traffic. A fold of its events, and pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from smoke.model import Verdict
from smoke.reports.telling import Entry, entries
from smoke.rollout import Aborted, Cleared, Event, Failed, Looked, Phase, Proved, Retried, Reverted, Rollout, Shifted
from smoke.rollout.opening import reverts
from smoke.rollout.request import WATCHDOG

_BAD = frozenset({Verdict.FAIL.value, Verdict.BLIND.value})
_GONE_BACK = (Failed, Aborted)


class Trigger(Enum):
    """What it went back by."""

    VERDICT = "verdict"
    """A gate failed, or a limit of the plan was reached."""
    PERSON = "person"
    """Somebody asked for it while it ran."""
    ABSENCE = "absence"
    """Nobody drove it, so that the watchdog took it back."""
    REVERT = "revert"
    """Somebody went back to what was live before, after the promotion."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted of the slot that was given up, while it was watched: at least that was so."""

    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Incident:
    """One rollout that went back, in numbers. Times are in seconds since 1970; None: the journal does not tell."""

    rollout: Rollout
    """As it stands by now."""
    trigger: Trigger
    decided: float
    """When it was decided to go back."""
    because: tuple[str, ...]
    share: int
    """Percent that the candidate had when it was decided, as read back last."""
    setting: int | None = None
    """Percent that was being set at that moment; None: the weights stood still."""
    traffic: float | None = None
    """When the candidate had its first weight, as read back."""
    bad: float | None = None
    """The first look that showed what was decided on, and after which no look was good."""
    home: float | None = None
    """When all weights were back, as read back."""
    reverted: float | None = None
    """When the stack was as before, too."""
    asked: tuple[tuple[str, str], ...] = ()
    """Who did what: ``(what, who)``."""
    look: Looked | None = None
    """The one that it was decided on."""
    seen: Mapping[str, Seen] = field(default_factory=dict)
    """By service that is counted."""

    @property
    def given_up(self) -> str:
        """The slot that lost its traffic."""
        opened = self.rollout.opened
        return opened.live if self.trigger is Trigger.REVERT else opened.candidate

    @property
    def kept(self) -> str:
        """The slot that users were put on."""
        opened = self.rollout.opened
        return opened.candidate if self.trigger is Trigger.REVERT else opened.live

    @property
    def weights(self) -> Mapping[str, int]:
        """Percent by slot when it was decided."""
        opened = self.rollout.opened
        return {opened.live: 100 - self.share, opened.candidate: self.share}

    @property
    def detection(self) -> float | None:
        """Seconds from the candidate's first traffic to the decision."""
        return _between(self.traffic, self.decided)

    @property
    def hesitation(self) -> float | None:
        """Seconds from the first bad look to the decision."""
        return _between(self.bad, self.decided)

    @property
    def recovery(self) -> float | None:
        """Seconds from the decision until all weights were back."""
        return _between(self.decided, self.home)


def incident(events: Sequence[Event]) -> Incident | None:
    """What is known of a rollout that went back with traffic; None: it did not, or it never had any."""
    if not events:
        return None
    told = entries(events)
    place = next((place for place, entry in enumerate(told) if isinstance(entry.event, _GONE_BACK)), None)
    if place is None:
        return _left(told) if reverts(told[0].rollout.opened) else None
    # Weights are written right after that event, before it is known whether they hold.
    return _taken_back(told, place) if any(isinstance(entry.event, Proved) for entry in told[:place]) else None


def _taken_back(told: Sequence[Entry], place: int) -> Incident:
    decision, before, end = told[place], told[place - 1].rollout, told[-1].rollout
    opened = end.opened
    shifts = [entry for entry in told[:place] if isinstance(entry.event, Shifted)]
    share = shifts[-1].rollout.share if shifts else 0
    moving = before.phase in {Phase.SHIFTING, Phase.SETTLING} and before.share != share
    looks = [(entry.rollout, entry.event) for entry in told[:place] if isinstance(entry.event, Looked) and entry.rollout.share]
    return Incident(
        rollout=end,
        trigger=_trigger(decision.event),
        decided=decision.event.at,
        because=decision.rollout.because,
        share=share,
        setting=before.share if moving else None,
        traffic=shifts[0].event.at if shifts else None,
        bad=_first_bad([look for _, look in looks]),
        home=_when(told[place:], Cleared),
        reverted=_when(told[place:], Reverted),
        asked=(("began it", opened.by), *_askers(told)),
        look=looks[-1][1] if looks else None,
        seen=_seen(told[:place], opened.candidate),
    )


def _left(told: Sequence[Entry]) -> Incident | None:
    """A way back that was gone without a fault; None where it has moved nothing yet."""
    opened, home = told[0].rollout.opened, _when(told, Shifted)
    if home is None:
        return None
    why = f": {opened.why}" if opened.why else ""
    because = f"{opened.by} went back to what was live before{why}"
    asked = (("asked for the way back", opened.by),)
    return Incident(told[-1].rollout, Trigger.REVERT, opened.at, (because,), share=0, home=home, asked=asked)


def _trigger(event: Event) -> Trigger:
    if not isinstance(event, Aborted):
        return Trigger.VERDICT
    return Trigger.ABSENCE if event.by == WATCHDOG else Trigger.PERSON


def _askers(told: Sequence[Entry]) -> Sequence[tuple[str, str]]:
    verbs = {Aborted: "took it back", Retried: "had going back tried again"}
    return [(verbs[type(each.event)], each.event.by) for each in told if isinstance(each.event, (Aborted, Retried))]


def _when(told: Sequence[Entry], kind: type[Event]) -> float | None:
    return next((entry.event.at for entry in told if isinstance(entry.event, kind)), None)


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


# When it was seen


def _first_bad(looks: Sequence[Looked]) -> float | None:
    """The first of the bad looks that nothing good was seen after; None where the last one is not bad."""
    failed = {_gate(each) for each in looks[-1].numbers if each.get("verdict") == Verdict.FAIL.value} if looks else set()
    found = None
    for look in reversed(looks):
        if not _is_bad(look, failed):
            break
        found = look.at
    return found


def _is_bad(look: Looked, failed: Collection[tuple[str, str]]) -> bool:
    """Whether its verdict is, or a gate that failed in the end had its number beyond what is allowed already."""
    return look.verdict in _BAD or any(_gate(each) in failed and _beyond(each) for each in look.numbers)


def _gate(numbers: Mapping[str, Any]) -> tuple[str, str]:
    return str(numbers.get("service")), str(numbers.get("gate"))


def _beyond(numbers: Mapping[str, Any]) -> bool:
    limit = numbers.get("limit")
    known = [numbers[name] for name in ("estimate", "low") if numbers.get(name) is not None]
    return limit is not None and any(each > limit for each in known)


# What users saw


def _seen(told: Sequence[Entry], slot: str) -> Mapping[str, Seen]:
    """Sums over all that was counted. Counts begin anew with each step, and whenever it is watched anew."""
    totals: dict[str, Seen] = {}
    before: dict[str, Seen] = {}
    for entry in told:
        if isinstance(entry.event, Looked):
            if entry.rollout.share:
                now = _counted(entry.event, slot)
                totals |= {name: _sum(totals.get(name, Seen()), before.get(name, Seen()), each) for name, each in now.items()}
                before = {**before, **now}
        elif entry.rollout.phase is Phase.BAKING:
            before = {}
    return totals


def _counted(look: Looked, slot: str) -> Mapping[str, Seen]:
    """By service; the user's own metrics count no requests of users."""
    found = {name: slots[slot] for name, slots in look.counts.items() if "/" not in name and slot in slots}
    return {name: Seen(each["requests"], each["errors"]) for name, each in found.items()}


def _sum(total: Seen, before: Seen, now: Seen) -> Seen:
    anew = now.requests < before.requests or now.errors < before.errors
    start = Seen() if anew else before
    return Seen(total.requests + now.requests - start.requests, total.errors + now.errors - start.errors)
