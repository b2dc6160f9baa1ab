"""How the rows stand: by gates that name them, by rollouts, by what a person said does not apply. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smoke.checklist.rows import ROWS, How, Row
from smoke.evidence import Standing, State
from smoke.plan import Plan
from smoke.rollout import Cleared, Event, Finished, Opened, Passed, Proved, Settled, Shifted

OPEN, NOT_ASKED, SKIPPED, MEASURED = "open", "no gate names it", "not applicable", "measured"
_CONTRACT = "the stack's contract"
_WORDS = {State.PASSED: MEASURED}


@dataclass(frozen=True, slots=True)
class Fact:
    """What a rollout left in its journal."""

    says: str
    by: str
    """The rollout, or what else it is by."""
    counts: bool = True
    """Whether it answers its row; else it says why not."""


@dataclass(frozen=True, slots=True)
class Told:
    """How one row stands."""

    row: Row
    state: str
    """``measured``, ``attested``, ``waived``, ``not applicable``; or why it is not done, in a word or two."""
    why: str
    by: tuple[str, ...] = ()
    """Gates and rollouts that it is by."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do; said by no tick."""
        return self.state in {MEASURED, State.ATTESTED.value, State.WAIVED.value, SKIPPED}


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a release is placed."""

    slot: str
    images: bool = False
    """It is made from images."""
    alone: bool = False
    """Nothing is in the other slot."""


def facts_of(
    rollouts: Mapping[str, Sequence[Event]], release: str, placed: Placed | None, plan: Plan | None = None
) -> Mapping[str, Fact]:
    """What is known without a gate.

    Args:
        rollouts: the events of each rollout of the stack, oldest first.
        release: fingerprint of what is asked for.
        placed: where it is; None: nowhere.
        plan: what is asked for now; None: nobody knows. A way back by another one is no rehearsal of it.
    """
    found = {"known": Fact("computed from evidence and journals, at every look", "crossfade checklist")}
    if placed is not None:
        found["placed"] = Fact(f"slot {placed.slot} holds {release}", _CONTRACT)
        found |= {"imaged": Fact(f"slot {placed.slot} runs images of {release}", _CONTRACT)} if placed.images else {}
    for name, events in rollouts.items():
        opened = next((each for each in events if isinstance(each, Opened)), None)
        if opened is not None:
            found |= _of(name, opened, events) if opened.release == release else {}
            back, known = _back(name, events, same=plan is None or opened.plan == plan), found.get("rehearsed")
            if back is not None and (back.counts or known is None or not known.counts):
                found["rehearsed"] = back
    if placed is not None and placed.alone and "settled" in found:
        found["retired"] = Fact(f"slot {placed.slot} is alone: what was live before it is removed", _CONTRACT)
    return found


def _of(name: str, opened: Opened, events: Sequence[Event]) -> Mapping[str, Fact]:
    """What one rollout of the release shows."""
    hours = f"passed over by {opened.by}: {opened.override}" if opened.override else "no window or freeze was in the way"
    found = {"opened": Fact(f"{name} began: {hours}", name)}
    kinds = {type(each) for each in events}
    shares = [str(each.share) for each in opened.plan.steps]
    steps = sum(isinstance(each, Passed) for each in events)
    if Proved in kinds:
        found["proved"] = Fact(f"every probe of {opened.candidate} was well before it had traffic", name)
    if steps or Finished in kinds:
        found["watched"] = Fact(f"{shares[0]} % was watched for {opened.plan.steps[0].bake:g} s or more, and passed", name)
    if Finished in kinds:
        found["stepped"] = Fact(f"{', '.join(dict.fromkeys(shares))} %, each with its evidence", name)
    if Settled in kinds:
        found["settled"] = Fact(f"promoted: every gate held to the last step, {opened.plan.steps[-1].bake:g} s of it", name)
    return found


def _back(name: str, events: Sequence[Event], *, same: bool) -> Fact | None:
    """The way back that was gone, with traffic, and how long that took; it counts where the plan is the ``same`` as now."""
    moved = any(isinstance(each, Shifted) for each in events)
    cleared = next((each for each in events if isinstance(each, Cleared)), None)
    if not moved or cleared is None:
        return None
    before = max((each.at for each in events if each.at <= cleared.at and not isinstance(each, Cleared)), default=cleared.at)
    says = f"{name} went back: all traffic within {cleared.at - before:.1f} s of the decision"
    return Fact(says if same else f"{says}; by another plan than there is now", name, same)


def told(
    named: Mapping[int, Sequence[Standing]], facts: Mapping[str, Fact], skipped: Mapping[int, str], rows: Sequence[Row] = ROWS
) -> Sequence[Told]:
    """How every row stands.

    Args:
        named: how the gates stand that name a row, by its number.
        facts: as ``facts_of`` has them.
        skipped: why a row does not apply, by its number.
        rows: those that are asked for.
    """
    found: list[Told] = []
    for row in rows:
        found.append(_told(row, named.get(row.number, ()), facts, skipped.get(row.number), found))
    return found


def _told(row: Row, gates: Sequence[Standing], facts: Mapping[str, Fact], skipped: str | None, before: Sequence[Told]) -> Told:
    if skipped is not None:
        return Told(row, SKIPPED, skipped)
    fact = facts.get(row.fact) if row.how is How.ROLLOUT else None
    if gates:
        # The one that stands worst: a row is done when all that it names is.
        worst = next((each for each in gates if not each.open), None) or next(
            (each for each in gates if each.state is not State.PASSED), gates[0]
        )
        names = tuple(each.gate.id for each in gates)
        return Told(row, _WORDS.get(worst.state, worst.state.value), f"{worst.gate.id}: {worst.why}", names)
    if fact is not None:
        return Told(row, MEASURED if fact.counts else OPEN, fact.says, (fact.by,))
    if row.how is How.BEFORE:
        return _summed(row, before)
    if row.how is How.ROLLOUT:
        return Told(row, OPEN, "no rollout of this release has shown it yet")
    return Told(row, NOT_ASKED, f"crossfade:checks: NAME: {{phase: {row.phase}, rows: [{row.number}], command: ...}}")


def _summed(row: Row, before: Sequence[Told]) -> Told:
    """What all rows before it come to."""
    left = [str(each.row.number) for each in before if not each.done]
    if left:
        return Told(row, OPEN, f"{len(left)} of the {len(before)} rows before it are not done: {', '.join(left)}")
    return Told(row, MEASURED, f"all {len(before)} rows before it are done", ("crossfade checklist",))


def counted(rows: Sequence[Told]) -> Mapping[str, Mapping[str, int]]:
    """How many rows each phase has, and how many of them are done."""
    found: dict[str, dict[str, int]] = {}
    for each in rows:
        counts = found.setdefault(each.row.phase, {"rows": 0, "done": 0})
        counts["rows"] += 1
        counts["done"] += each.done
    return found
