"""How a rollout begins: what earlier rollouts left behind, and whether a new one may start. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from infra.contract import Contract, Json, fingerprint
from smoke.errors import Forbidden, GateClosed, RollbackFailed, UsageError
from smoke.plan import Gates, Plan, Step
from smoke.rollout.events import Opened
from smoke.rollout.hours import closed
from smoke.rollout.machine import Phase, Rollout

_SLOTS = ("blue", "green")
_NOTHING_YET = "nothing was promoted yet, so there is nothing to go back to"


class NothingToDo(Exception):
    """The stack is where it was wanted; says so in one sentence."""


@dataclass(frozen=True, slots=True)
class History:
    """What the rollouts of a stack, oldest first, say about it now."""

    rollouts: tuple[Rollout, ...] = ()
    """Those that still say something: all from the last promotion on, and the last one of each release that is in question."""
    count: int = 0
    """How many there ever were, also of an earlier stack of the same name."""

    @classmethod
    def of(cls, rollouts: Sequence[Rollout], born: str, count: int | None = None) -> Self:
        """The history that these rollouts make of the stack that was created then; ``count`` where they are not all."""
        own = tuple(each for each in rollouts if each.opened.born == born)
        return cls(own, len(rollouts) if count is None else count)

    @property
    def last(self) -> Rollout | None:
        """The newest rollout."""
        return self.rollouts[-1] if self.rollouts else None

    @property
    def running(self) -> Rollout | None:
        """The rollout that has not ended; somebody drives it, or must."""
        return self.last if self.last is not None and not self.last.ended else None

    @property
    def settled(self) -> Opened | None:
        """How the last promoted rollout began: its inputs are the settled ones."""
        return next((each.opened for each in reversed(self.rollouts) if each.phase is Phase.PROMOTED), None)

    def live(self, contract: Contract) -> str:
        """The slot that is trusted and serving."""
        return contract.start if self.settled is None else self.settled.candidate

    def held(self, slot: str) -> str | None:
        """Fingerprint of what a slot held when the last promotion began; None: nothing, or nothing was promoted."""
        return fingerprint(self.settled.inputs[slot]) if self.settled is not None and slot in self.settled.inputs else None

    def refused(self, release: str) -> Rollout | None:
        """The rollout that made this release unwanted: the last one of it, if that was rolled back."""
        last = next((each for each in reversed(self.rollouts) if each.opened.release == release), None)
        return last if last is not None and last.phase is Phase.ROLLED_BACK else None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for."""

    by: str
    at: float
    """Seconds since 1970."""
    to: str | None = None
    """The slot to promote, or None: the one that is not live, if it holds something new."""
    again: str = ""
    """Why a release that was rolled back is tried again."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """By slot: fingerprint of what the settings ask for, which may not be deployed yet, or any more."""
    override: str = ""
    """Why it may begin, and go forward, at an hour at which it may not."""
    forward: str = ""
    """Why the live slot is known to be broken, so that the candidate is not compared with it."""


def promotion(contract: Contract, history: History, wish: Wish) -> Opened:
    """How a promotion of what the stack declares begins.

    Raises:
        NothingToDo: what the candidate slot holds was settled before, and nobody named it.
        GateClosed: the slot is not placed, or not as the settings ask; or its release was rolled back and is unchanged.
        RollbackFailed: the last rollout is stuck.
        UsageError: there is no such slot.
        Forbidden: it is outside the hours, and nobody said why it may begin all the same.
    """
    _not_stuck(history)
    live = history.live(contract)
    candidate = _candidate(live, wish.to)
    release = _placed(contract, candidate)
    if wish.to is None and history.settled is not None and release == history.held(candidate):
        _deployed(contract, history, candidate, wish)
        raise NothingToDo(f"{live} ({contract.releases.get(live, 'gone')}) is live, and {candidate} holds nothing new")
    refused = history.refused(release)
    if refused is not None and not wish.again:
        raise GateClosed(
            f"release {release} was rolled back and has not changed",
            where=f"{contract.stack} · {candidate}",
            cause="\n".join(refused.because),
            hint='change it and run pulumi up, or: crossfade promote --again "why it is worth another try"',
        )
    plan = Plan.from_json(contract.plan)
    _open_hours(contract, plan, wish)
    return _opened(contract, history, wish, (live, candidate), past_live(plan) if wish.forward else plan)


def in_question(contract: Contract, history: History, asked: Mapping[str, str]) -> str:
    """The release that a migration is about: the one that is to be promoted; or what was promoted, until something new is wanted.

    New is what was placed in the idle slot since, and what the settings ask for now that they ask for another live slot too. An
    idle slot that is not what they ask for may only be old: what has traffic stays as it is, whatever they ask for meanwhile.

    Args:
        contract: what is placed.
        history: of the stack's rollouts.
        asked: by slot, fingerprint of what the settings ask for.
    """
    live = history.live(contract)
    idle = _candidate(live, None)
    promoted, wanted, held = contract.releases.get(live, asked.get(live, "")), asked.get(idle), history.held(idle)
    if wanted is None:
        return promoted
    placed = contract.releases.get(idle) not in {None, held}
    edited = asked.get(live) != promoted and wanted != held
    return wanted if history.settled is None or placed or edited else promoted


def past_live(plan: Plan) -> Plan:
    """The plan of a way forward from a live slot that is broken: the candidate is judged by itself, and by its objectives."""
    gates, own = _uncompared(plan.gates), {service: _uncompared(each) for service, each in plan.own.items()}
    return replace(plan, gates=gates, own=own, forward=True)


def _uncompared(gates: Gates) -> Gates:
    return replace(gates, error_ratio=0.0, latency_ratio=0.0)


def _open_hours(contract: Contract, plan: Plan, wish: Wish) -> None:
    shut = None if wish.override else closed(plan, wish.at)
    if shut is not None:
        raise Forbidden(
            "it may not begin now",
            where=f"{contract.stack} · plan",
            cause=shut,
            hint='wait, or: crossfade promote --because "why it cannot wait"',
        )


def way_back(contract: Contract, history: History, wish: Wish) -> Opened:
    """How the way back to the slot that was live before begins: proved, then in one step, without analysis.

    Raises:
        GateClosed: nothing was promoted yet, or the other slot no longer holds what was live.
        RollbackFailed: the last rollout is stuck.
    """
    _not_stuck(history)
    if history.settled is None:
        raise GateClosed(_NOTHING_YET, where=contract.stack, hint="crossfade promote")
    live = history.live(contract)
    candidate = _candidate(live, None)
    if _placed(contract, candidate) != history.held(candidate):
        raise GateClosed(
            f"slot {candidate} no longer holds what was live before",
            where=f"{contract.stack} · {candidate}",
            hint="put its earlier settings back, run pulumi up, and then: crossfade promote",
        )
    return _opened(contract, history, wish, (live, candidate), at_once(Plan.from_json(contract.plan)))


def cold(contract: Contract, history: History) -> Mapping[str, Mapping[str, Json]] | None:
    """What the slot held that was live before, by service, where it no longer does; None where it still does.

    Raises:
        GateClosed: nothing was promoted yet, or what was live before is not on record.
    """
    if history.settled is None:
        raise GateClosed(_NOTHING_YET, where=contract.stack, hint="crossfade promote")
    candidate = _candidate(history.live(contract), None)
    if contract.releases.get(candidate) == history.held(candidate):
        return None
    if candidate not in history.settled.inputs:
        raise GateClosed(
            "what was live before is not on record",
            where=f"{contract.stack} · {candidate}",
            hint="put its earlier settings back, run pulumi up, and then: crossfade promote",
        )
    return history.settled.inputs[candidate]


def at_once(plan: Plan) -> Plan:
    """The plan of a way back: all traffic in one step, at any hour, nothing to wait for but health."""
    steps = [Step(share=100, bake=0.0, requests=0, limit=60.0)]
    if any(step.singletons for step in plan.steps):
        steps.append(Step(share=100, bake=0.0, requests=0, limit=60.0, singletons=True))
    # What is left may be broken: it is not asked whether it is well, and the way back is no less open for that.
    return past_live(replace(plan, steps=tuple(steps), windows=(), freezes=()))


def reverts(opened: Opened) -> bool:
    """Whether a rollout is a way back: its plan is that of one, and nothing else of it says so."""
    return opened.plan == at_once(opened.plan)


def _opened(contract: Contract, history: History, wish: Wish, slots: tuple[str, str], plan: Plan) -> Opened:
    live, candidate = slots
    _placed(contract, live)
    release = contract.releases[candidate]
    settled = {} if history.settled is None else history.settled.inputs
    return Opened(
        at=wish.at,
        rollout=f"{history.count + 1:04d}-{release}",
        live=live,
        candidate=candidate,
        release=release,
        plan=plan,
        services=tuple(service.name for service in contract.services if service.router is not None),
        singletons=tuple(service.name for service in contract.services if service.handover is not None),
        inputs=contract.placed(),
        back=settled.get(candidate, {}),
        by=wish.by,
        born=contract.born,
        why="; ".join(filter(None, (wish.again, wish.forward))),
        queries=_queries(contract),
        override=wish.override,
    )


def _queries(contract: Contract) -> Mapping[str, str]:
    meters = {service.name: service.meter for service in contract.services if service.meter is not None}
    meters |= {f"{service.name}/{each.name}": each.meter for service in contract.services for each in service.metrics}
    return {name: f"{meter.kind} {json.dumps(meter.settings, sort_keys=True)}" for name, meter in meters.items()}


def _candidate(live: str, wanted: str | None) -> str:
    if wanted is None:
        return next(slot for slot in _SLOTS if slot != live)
    if wanted not in _SLOTS:
        raise UsageError(f"there is no slot {wanted!r}", hint=f"--to {' or --to '.join(_SLOTS)}")
    if wanted == live:
        raise NothingToDo(f"{wanted} is live already")
    return wanted


def _deployed(contract: Contract, history: History, slot: str, wish: Wish) -> None:
    """Refuse to find nothing to do where the settings ask for something: it was not deployed, or was taken back since."""
    asked = wish.asked.get(slot)
    if asked in {None, contract.releases[slot]}:
        return
    refused = history.refused(str(asked))
    raise GateClosed(
        f"the settings ask for another {slot} ({asked}) than is deployed ({contract.releases[slot]})",
        where=f"{contract.stack} · {slot}",
        cause="\n".join(("it was rolled back:", *refused.because)) if refused else "they were edited since the last pulumi up",
        hint=f"pulumi up --stack {contract.stack}, which puts it there without traffic; then: crossfade promote",
    )


def _placed(contract: Contract, slot: str) -> str:
    if slot not in contract.releases:
        raise GateClosed(
            f"slot {slot} is not placed, so there is nothing to promote",
            where=f"{contract.stack} · {slot}",
            hint=f"pulumi up --stack {contract.stack}",
        )
    return contract.releases[slot]


def _not_stuck(history: History) -> None:
    if history.last is not None and history.last.phase is Phase.STUCK:
        raise RollbackFailed(
            "the last rollout could not go back by itself",
            where=history.last.opened.rollout,
            cause="\n".join(history.last.because),
            hint="mend what it names, then: crossfade abort",
        )
