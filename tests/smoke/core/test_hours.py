"""When a rollout may go forward: against clocks that are read minute by minute, where they are put forward and back too."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from smoke.errors import UsageError
from smoke.plan import Freeze, Gates, Plan, Window
from smoke.rollout.hours import closed, opens

BERLIN = "Europe/Berlin"
WORKING = Window((0, 1, 2, 3, 4), 9 * 60, 17 * 60, BERLIN)
DAY = 24 * 60
CHANGES = {
    BERLIN: ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Pacific/Auckland": ("2026-04-05", "2026-09-27"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),  # by half an hour
    "Africa/Cairo": ("2026-04-24", "2026-10-30"),  # at midnight
    "Asia/Kolkata": ("2026-06-01",),
    "UTC": ("2026-06-01",),
}
"""Days on which the clocks of a zone change; of those that keep theirs, any day."""

minutes = some.integers(0, DAY - 1)
early = some.integers(0, 4 * 60)
"""Where clocks change."""


@some.composite
def windows(draw: some.DrawFn, zone: str) -> Window:
    """A window, often one that begins or ends where clocks change."""
    days = draw(some.sets(some.integers(0, 6), min_size=1).map(sorted))
    return Window(tuple(days), draw(early | minutes), draw(early | some.integers(0, DAY)), zone)


days = some.sampled_from([(zone, day) for zone, each in CHANGES.items() for day in each])


def plan(windows: Iterable[Window] = (), freezes: Iterable[Freeze] = ()) -> Plan:
    """A plan with these hours."""
    return Plan(steps=(), gates=Gates(), windows=tuple(windows), freezes=tuple(freezes))


def at(text: str, zone: str = "UTC") -> float:
    """Seconds since 1970 when the clocks of a zone show this first."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def shown(window: Window) -> set[tuple[int, int]]:
    """Every weekday and minute that clocks show while a window is open: walked from its first minute to its last."""
    length = (window.end - window.start) % DAY or DAY
    walked = ((day, window.start + each) for day in window.days for each in range(length))
    return {((day + minute // DAY) % 7, minute % DAY) for day, minute in walked}


def read(now: float, zone: str) -> tuple[int, int]:
    """What the clocks of a zone show: weekday and minute."""
    clocks = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=now)).astimezone(ZoneInfo(zone))
    return clocks.weekday(), clocks.hour * 60 + clocks.minute


@settings(max_examples=25, deadline=None)
@given(some.data(), days)
def test_open_while_the_clocks_say_so(data: some.DataObject, change: tuple[str, str]) -> None:
    """Minute by minute around a change of the clocks, a window is open where the clocks show an hour of it, and nowhere else."""
    zone, day = change
    drawn = data.draw(some.lists(windows(zone), min_size=1, max_size=2))
    first = int(at(day, zone)) - 3600
    moments = range(first, first + DAY * 60, 60)
    expected = set().union(*map(shown, drawn))
    told = plan(drawn)

    assert [now for now in moments if read(now, zone) in expected] == [now for now in moments if closed(told, now) is None]


@settings(max_examples=60, deadline=None)
@given(some.data(), days, some.integers(0, DAY * 60), some.integers(0, DAY), some.integers(0, DAY))
def test_it_opens_at_the_next_minute_that_is_open(
    data: some.DataObject, change: tuple[str, str], later: int, begins: int, ends: int
) -> None:
    """What is said to be the next opening is the first minute from now on that is open and not frozen."""
    zone, day = change
    window = data.draw(windows(zone))
    now = at(day, zone) - DAY * 30 + later
    freeze = Freeze(now - now % 60 + 60 * begins, now - now % 60 + 60 * ends, "it snows")
    expected = shown(window)

    def may(moment: float) -> bool:
        return read(moment, zone) in expected and not freeze.start <= moment < freeze.end

    whole = range(int(now - now % 60) + 60, int(now) + 9 * DAY * 60, 60)
    found = opens(plan([window], [freeze]), now)

    assert found == (now if may(now) else next((float(each) for each in whole if may(each)), found))
    assert found is None or closed(plan([window], [freeze]), found) is None


@given(some.floats(0, 4e9))
def test_without_hours_it_is_always_open(now: float) -> None:
    """A plan that says nothing of hours never closes."""
    assert closed(plan(), now) is None
    assert opens(plan(), now) == now


@pytest.mark.parametrize(
    ("windows", "now", "said"),
    [
        (
            [WORKING],
            "2026-11-28 12:00",
            "outside the window mon-fri 09:00-17:00 Europe/Berlin; it opens Mon 2026-11-30 09:00 CET",
        ),
        (
            [WORKING],
            "2026-07-03 15:00",
            "outside the window mon-fri 09:00-17:00 Europe/Berlin; it opens Mon 2026-07-06 09:00 CEST",
        ),
        ([WORKING], "2026-11-30 08:00", None),
        ([WORKING], "2026-11-30 15:59:59", None),
        (
            [WORKING, Window((5,), 22 * 60, 2 * 60, "UTC")],
            "2026-11-28 12:00",
            "outside the windows mon-fri 09:00-17:00 Europe/Berlin and sat 22:00-02:00 UTC; it opens Sat 2026-11-28 22:00 UTC",
        ),
        (
            [Window((0, 1, 2, 3, 4, 5, 6), 0, 60, "Asia/Kolkata")],
            "2026-11-28 12:00",
            "outside the window daily 00:00-01:00 Asia/Kolkata; it opens Sun 2026-11-29 00:00 IST",
        ),
        (
            [Window((0, 1, 3, 5, 6), 18 * 60, DAY, "UTC")],
            "2026-11-28 12:00",
            "outside the window mon,tue,thu,sat,sun 18:00-24:00 UTC; it opens Sat 2026-11-28 18:00 UTC",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_why_it_is_closed(windows: list[Window], now: str, said: str | None) -> None:
    """Outside its windows a plan says which they are, and when it opens by the clocks of the one that opens first."""
    assert closed(plan(windows), at(now)) == said


def test_an_hour_that_is_shown_twice() -> None:
    """Where the clocks are put back, a window in the hour that they show twice is open twice; put forward, not at all."""
    hour = plan([Window((6,), 2 * 60, 3 * 60, BERLIN)])
    first = at("2026-10-25 00:00")

    assert [closed(hour, first + each * 3600) is None for each in range(-1, 4)] == [False, True, True, False, False]
    assert opens(hour, at("2026-03-28 12:00")) == at("2026-04-05 00:00")
    half = plan([Window((6,), 2 * 60 + 30, 3 * 60, BERLIN)])
    assert [opens(half, first + each * 60) for each in (0, 60)] == [first + 30 * 60, first + 90 * 60]


def test_a_window_that_begins_in_an_hour_that_is_not_shown() -> None:
    """A window that begins while the clocks are put forward opens with what they show next."""
    assert opens(plan([Window((6,), 2 * 60 + 30, 5 * 60, BERLIN)]), at("2026-03-28 12:00")) == at("2026-03-29 01:00")


@example(0.0)
@given(some.floats(0, 1, exclude_max=True))
def test_frozen_until_the_last_freeze_ends(part: float) -> None:
    """Of freezes that overlap the one that ends last is told, from its first second to its last."""
    begins, ends = at("2026-12-20", BERLIN), at("2027-01-04", BERLIN)
    frozen = plan([WORKING], [Freeze(begins, ends - 1, "other"), Freeze(begins, ends, "holidays", BERLIN)])
    now = min(begins + part * (ends - begins), ends - 1)

    assert closed(frozen, now) == "frozen until 2027-01-04 00:00 CET: holidays"
    assert opens(frozen, now) == at("2027-01-04 09:00", BERLIN)
    assert closed(frozen, at("2027-01-04 09:00", BERLIN)) is None


def test_a_freeze_without_windows() -> None:
    """Where there are no windows it may go forward as soon as the freezes that follow each other have ended."""
    frozen = plan(freezes=[Freeze(100, 200, "b"), Freeze(0, 100, "a"), Freeze(300, 400, "c")])

    assert (closed(frozen, 50), opens(frozen, 50)) == ("frozen until 1970-01-01 00:01 UTC: a", 200)
    assert (closed(frozen, 250), opens(frozen, 250)) == (None, 250)


def test_frozen_for_years() -> None:
    """What does not open within a year is said not to."""
    now = at("2026-11-28 12:00")
    frozen = plan([WORKING], [Freeze(now + 1, now + 400 * 86400, "sold")])

    assert opens(frozen, now) is None
    assert closed(frozen, now) == "outside the window mon-fri 09:00-17:00 Europe/Berlin; it does not open within a year"


@pytest.mark.parametrize("name", ["Europe/Berln", "Europe", "../etc/passwd", "zone.tab", "", "a" * 999, "\0", "\ud800"])
def test_a_zone_that_this_machine_does_not_know(name: str) -> None:
    """A plan with a zone that this machine does not know is an error that says so, never a plan that is open."""
    for unknown in (plan([Window((0,), 0, 60, name)]), plan(freezes=[Freeze(0, 9, "x", name)])):
        with pytest.raises(UsageError, match="knows no time zone"):
            closed(unknown, 5)
