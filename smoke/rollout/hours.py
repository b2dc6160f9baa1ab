"""When a rollout may go forward: windows of the week, and freezes. Pure but for the tz database, which is read.

A window is open while the clocks of its zone show an hour of it. So where they are put back, an hour that they show twice is
open twice; and where they are put forward, one that they do not show is not open at all.
"""

import heapq
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from smoke.errors import UsageError
from smoke.plan import Freeze, Plan, Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_YEAR = timedelta(days=366)


def closed(plan: Plan, now: float) -> str | None:
    """Why a rollout may not go forward and until when, in one sentence; None: it may.

    Args:
        plan: its windows and freezes.
        now: seconds since 1970.

    Raises:
        UsageError: this machine does not know a time zone of the plan.
    """
    if freeze := _frozen(plan, now):
        return f"frozen until {_shown(freeze.end, freeze.zone)}: {freeze.why}"
    if not plan.windows or _open(plan, now):
        return None
    outside = f"outside the window{'' if len(plan.windows) == 1 else 's'} {' and '.join(map(_named, plan.windows))}"
    at = opens(plan, now)
    window = None if at is None else _open(plan, at)
    if at is None or window is None:
        return f"{outside}; it does not open within a year"
    return f"{outside}; it opens {DAYS[_local(at, window.zone).weekday()]} {_shown(at, window.zone)}"


def opens(plan: Plan, now: float) -> float | None:
    """When a rollout may go forward next, in seconds since 1970: now, if it may; None: never within a year.

    Raises:
        UsageError: this machine does not know a time zone of the plan.
    """
    edges = (_edges(zone, now) for zone in sorted({window.zone for window in plan.windows}))
    starts = (_starts(window, now) for window in plan.windows)
    thawed = sorted(freeze.end for freeze in plan.freezes)
    for at in heapq.merge([now], thawed, *edges, *starts):
        if at > now + _YEAR.total_seconds():
            return None
        if at >= now and not _frozen(plan, at) and (not plan.windows or _open(plan, at)):
            return at
    return None


def _frozen(plan: Plan, at: float) -> Freeze | None:
    """Of the freezes in force, the one that ends last."""
    return max((each for each in plan.freezes if each.start <= at < each.end), key=lambda each: each.end, default=None)


def _open(plan: Plan, at: float) -> Window | None:
    """The first window that is open."""
    return next((window for window in plan.windows if _within(window, at)), None)


def _within(window: Window, at: float) -> bool:
    shown = _local(at, window.zone)
    minute, today = 60 * shown.hour + shown.minute, shown.weekday()
    if window.start < window.end:
        return today in window.days and window.start <= minute < window.end
    yesterday = (today - 1) % len(DAYS)
    return (today in window.days and minute >= window.start) or (yesterday in window.days and minute < window.end)


def _starts(window: Window, now: float) -> Iterator[float]:
    """Every time at which the clocks show its first minute, in order."""
    hour, minute = divmod(window.start, 60)
    for day in _days(window.zone, now):
        shown = datetime(day.year, day.month, day.day, hour, minute, tzinfo=_zone(window.zone))
        yield from sorted({shown.replace(fold=fold).timestamp() for fold in (0, 1)})


def _edges(name: str, now: float) -> Iterator[float]:
    """Every midnight and every time at which the clocks of a zone are put forward or back, in order."""
    # Midnights, so that nobody who wants the next of them looks for a change months ahead.
    midnights = (int(datetime(day.year, day.month, day.day, tzinfo=_zone(name)).timestamp()) for day in _days(name, now))
    for start, end in pairwise(midnights):
        yield start
        before, after = (_local(at, name).utcoffset() for at in (start, end))
        if before != after:
            yield next(at for at in range(start, end + 1, 60) if _local(at, name).utcoffset() != before)


def _days(name: str, now: float) -> Iterator[date]:
    """The days of a year and two more, as the clocks of a zone have them."""
    today = _local(now, name).date()
    return (today + timedelta(days=each) for each in range(_YEAR.days + 2))


def _local(at: float, name: str) -> datetime:
    """What the clocks of a zone show."""
    return datetime.fromtimestamp(at, _zone(name))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        hint = "take over on the machine that the stack is on, or give this one the tz database: apt-get install tzdata"
        raise UsageError(f"this machine knows no time zone {name}", hint=hint) from error


def _named(window: Window) -> str:
    """A window as it is written in the settings."""
    days = "daily" if len(set(window.days)) == len(DAYS) else ",".join(_runs(sorted(set(window.days))))
    return f"{days} {_clock(window.start)}-{_clock(window.end)} {window.zone}"


def _runs(days: list[int]) -> Iterator[str]:
    """Days that follow each other, as ``mon-fri``; of two, each by itself."""
    while days:
        length = next((at for at, day in enumerate(days) if day != days[0] + at), len(days))
        run, days = [DAYS[day].lower() for day in days[: max(1, length)]], days[length:]
        yield f"{run[0]}-{run[-1]}" if length > 2 else ",".join(run)  # noqa: PLR2004 - a pair is no run


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _shown(at: float, name: str) -> str:
    return f"{_local(at, name):%Y-%m-%d %H:%M %Z}"
