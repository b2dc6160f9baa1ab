"""What became of each request and each session, and whose fault it was."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise
from math import sqrt
from operator import attrgetter

from smoke.rollout import Looked
from smoke.traffic import Entry, Loss
from soaking.acts import RUNTIMES
from soaking.past import Past, Window
from soaking.sessions import LIFETIME, OK, Visit

OWN = frozenset({Loss.CROWDED, Loss.UNSENT, Loss.OURS, Loss.GIVEN_UP})
"""What the generator itself could not do; it says nothing of the stack."""
POINTS = 2.0
"""Percent by which a share may be off."""
SIGMA = 3.0
"""Standard deviations beyond that which chance is given."""
NOTHING = "nothing explains it"
SHOWN = 20
"""Of what should not be, as many are told one by one."""
_ERRORS = range(500, 600)
_SETTLE = 0.2
"""Seconds after a step's beginning that are not counted: its first requests were under way before."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that was not answered with 200."""

    began: float
    """Seconds since 1970, as ``ended``."""
    ended: float
    outcome: int | str
    slot: str | None
    """Whose answer it was; None: no slot's."""


def failures_of(entries: Iterable[Entry], offset: float) -> Iterator[Failure]:
    """Those of a record; ``offset`` is what the time of day is ahead of the record's clock, in seconds."""
    for entry in entries:
        if entry.outcome != OK:
            slot = next((each for each, runtime in RUNTIMES.items() if (entry.version or "").startswith(f"{runtime}-")), None)
            began = entry.due + offset
            yield Failure(began, began + entry.latency_ms / 1000, entry.outcome, slot)


def failures_in(visits: Iterable[Visit]) -> Iterator[Failure]:
    """Those of sessions."""
    return (Failure(each.began, each.ended, each.outcome, each.slot) for each in visits if each.outcome != OK)


def account(failures: Iterable[Failure], pasts: Sequence[Past], faulty: set[str]) -> dict[str, dict[str, int]]:
    """What became of failures, by whose they are: ``candidate``, ``generator``, and ``lost``, which should have none."""
    found: dict[str, Counter[str]] = {"candidate": Counter(), "generator": Counter(), "lost": Counter()}
    told = [past for past in pasts if past.name in faulty]
    for each in failures:
        found[_whose(each, told)][f"{each.outcome} of {each.slot or 'no slot'}"] += 1
    return {whose: dict(each) for whose, each in found.items()}


def lost(failures: Iterable[Failure], pasts: Sequence[Past], faulty: set[str]) -> dict[str, dict[str, object]]:
    """What was lost, by what had happened last in a rollout: how many, and when the first, for whoever looks for the reason."""
    told = [past for past in pasts if past.name in faulty]
    found: dict[str, dict[str, object]] = {}
    for each in sorted(failures, key=attrgetter("began")):
        if _whose(each, told) == "lost":
            event, first = _going_on(each.ended, pasts)
            row = found.setdefault(f"{each.outcome} of {each.slot or 'no slot'}, after {event}", {"count": 0, "first": first})
            row["count"] = int(str(row["count"])) + 1
    return found


def _going_on(at: float, pasts: Sequence[Past]) -> tuple[str, str]:
    """The last event before, and where it is in the journals."""
    past = next((each for each in reversed(pasts) if each.opened.at <= at), None)
    if past is None:
        return "nothing", "before the first rollout"
    last = [event for event in past.events if event.at <= at and not isinstance(event, Looked)][-1]
    return type(last).__name__, f"{at:.3f}: {at - last.at:.3f} s after it in {past.name}"


def _whose(failure: Failure, faulty: Sequence[Past]) -> str:
    if failure.outcome in OWN:
        return "generator"
    if failure.outcome in _ERRORS and any(
        past.opened.candidate == failure.slot and past.opened.at <= failure.ended and failure.began <= past.until
        for past in faulty
    ):
        return "candidate"
    return "lost"


@dataclass(frozen=True, slots=True)
class Change:
    """A session that was on one side, and is on the other."""

    why: str
    """What explains it: taken back, reverted, or nothing does."""
    session: int
    told: str


def changes(visits: Sequence[Visit], pasts: Sequence[Past]) -> list[Change]:
    """Every change of side of a session."""
    moves = [move for past in pasts for move in past.moves()]
    found: list[Change] = []
    for session in _sessions(visits):
        answered = [visit for visit in session if visit.slot is not None]
        for before, after in pairwise(answered):
            if before.slot != after.slot:
                why = (why for start, end, why in moves if start <= after.ended and before.began <= end)
                told = (
                    f"{before.slot} at {before.began:.3f}, {after.slot} at {after.began:.3f}; {_going_on(after.ended, pasts)[1]}"
                )
                found.append(Change(next(why, NOTHING), before.session, told))
    return found


def _sessions(visits: Sequence[Visit]) -> list[list[Visit]]:
    ordered = sorted(visits, key=attrgetter("session", "began"))
    return [list(each) for _, each in groupby(ordered, key=attrgetter("session"))]


@dataclass(frozen=True, slots=True)
class Share:
    """What a candidate got while its weight was in force."""

    of: str
    weight: int
    """Percent that it was to have."""
    count: int
    share: float
    """Percent that it had."""
    sigma: float
    """Standard deviation of that by chance alone, in points."""

    @property
    def verdict(self) -> str:
        """Within two points, or beyond them; undecided where chance alone may be as large as what is off."""
        if abs(self.share - self.weight) <= POINTS:
            return "within"
        return "beyond" if abs(self.share - self.weight) > POINTS + SIGMA * self.sigma else "undecided"

    def to_json(self) -> dict[str, object]:
        """With its verdict."""
        return {**asdict(self), "verdict": self.verdict}


def shares(visits: Sequence[Visit], pasts: Sequence[Past], long: float) -> list[Share]:
    """Of new sessions by weight; and of all requests of a step that was held ``long`` seconds, once older sessions were gone."""
    windows = [window for past in pasts for window in past.windows()]
    sessions = _sessions(visits)
    new: dict[int, list[bool]] = defaultdict(list)
    held: dict[int, list[list[bool]]] = defaultdict(list)
    for session in sessions:
        if (window := _window(session[0], windows, _SETTLE)) is not None and session[0].slot is not None:
            new[window.share].append(session[0].slot == window.candidate)
    for window in windows:
        if window.end - window.start >= long:
            inside = ([each for each in session if _within(each, window, LIFETIME + _SETTLE)] for session in sessions)
            held[window.share] += [[visit.slot == window.candidate for visit in each] for each in inside if each]
    return [
        *(_share("new sessions", weight, [[each] for each in found]) for weight, found in sorted(new.items())),
        *(_share("requests of a step held long", weight, found) for weight, found in sorted(held.items()) if found),
    ]


def _window(visit: Visit, windows: Sequence[Window], after: float) -> Window | None:
    return next((window for window in windows if _within(visit, window, after)), None)


def _within(visit: Visit, window: Window, after: float) -> bool:
    return visit.began >= window.start + after and visit.ended <= window.end


def _share(of: str, weight: int, sessions: Sequence[Sequence[bool]]) -> Share:
    """A session's requests are not independent of each other: chance is as large as for the sessions."""
    count = sum(map(len, sessions))
    share, wanted = sum(map(sum, sessions)) / count, weight / 100
    spread = sqrt(wanted * (1 - wanted) * sum(len(each) ** 2 for each in sessions)) / count
    return Share(of, weight, count, round(100 * share, 2), round(100 * spread, 2))
