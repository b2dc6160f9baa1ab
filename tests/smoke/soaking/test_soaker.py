"""A soak is watched look by look, and kept: two days in a moment of a fake clock, over restarts of whoever watches."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from simulation import FrontDoor, Side

from smoke.clock import FakeClock
from smoke.evidence import Outcome
from smoke.journals.memory import MemoryJournal
from smoke.model import Answer, Reading
from smoke.routers.memory import MemoryRouter
from smoke.soaker import Soaker, soak
from smoke.soaking import Look, Soak, Wanted

EVERY = 300.0
DAYS2 = Wanted(48 * 3600.0, EVERY)
RELEASE = "r1"


@dataclass
class Stack:
    """A service in two slots, with all users on green; a test says how it behaves."""

    clock: FakeClock = field(default_factory=FakeClock)
    sides: dict[str, Side] = field(default_factory=lambda: {"blue": Side(), "green": Side()})
    leak: float = 0.0
    """Megabytes an hour."""

    def __post_init__(self) -> None:
        router = MemoryRouter()
        router.write({"blue": 0, "green": 100}, frozenset())
        self.meter = FrontDoor(self.clock, router, self.sides, 10.0)
        self.journal = MemoryJournal(self.clock)
        self.zero = self.clock.now()

    def ask(self) -> Sequence[Reading]:
        """One reading of each side, by two probes; only one of them says who answers."""
        hours = (self.clock.now() - self.zero) / 3600
        return [
            Reading(
                "api",
                slot,
                probe,
                Answer.OK if side.well else Answer.FAILED,
                "status 200" if side.well else "connection refused",
                self.clock.now(),
                instance=f"{slot}-{side.started}" if probe == "http /" else None,
                numbers={"rss_mb": 100.0 + self.leak * hours},
            )
            for slot, side in self.sides.items()
            for probe in ("http /", "tcp")
        ]

    def soak(self, wanted: Wanted = DAYS2, ends_after: int | None = None) -> Soak:
        """Watch, as the command does; it is ended after so many looks."""
        told: list[Soak] = []

        def tell(found: Soak) -> None:
            told.append(found)
            if len(told) == ends_after:
                raise KeyboardInterrupt

        looks = [Look.from_record(each) for each in self.journal.records(RELEASE)]
        with self.journal.open(RELEASE) as writer:
            try:
                return soak(Soaker("green", self.ask, {"api": self.meter}, self.clock), writer, looks, wanted, tell)
            except KeyboardInterrupt:
                return told[-1]


def test_two_days_pass_in_two_days() -> None:
    """A look every five minutes, and not one more than it takes."""
    stack = Stack()
    found = stack.soak()
    assert (found.outcome, found.counted) == (Outcome.PASS, 48 * 3600.0)
    assert found.requests == pytest.approx(48 * 3600 * 10, rel=0.001)
    assert len(stack.journal.records(RELEASE)) == 48 * 12 + 1


def test_whoever_goes_on_loses_nothing() -> None:
    """Ended after a day, and gone on with three hours later: the day counts, the hours do not."""
    stack = Stack()
    first = stack.soak(ends_after=24 * 12 + 1)
    assert (first.outcome, first.counted) == (Outcome.UNDECIDED, 24 * 3600.0)
    stack.clock.sleep(3 * 3600.0)
    found = stack.soak()
    assert (found.outcome, found.counted) == (Outcome.PASS, 48 * 3600.0)
    assert stack.clock.now() - stack.zero == pytest.approx(51 * 3600.0, abs=2 * EVERY)


def test_an_outage_ends_it_at_once() -> None:
    """Once the time that may be bad is used up nothing can mend it, and nobody has to wait for two days."""
    stack = Stack()
    stack.soak(ends_after=60)
    stack.sides["green"].well = False
    found = stack.soak()
    assert (found.outcome, "api green: http /: connection refused" in found.why) == (Outcome.FAIL, True)
    assert stack.clock.now() - stack.zero < 7 * 3600.0


def test_a_restart_between_two_looks_is_seen() -> None:
    """By who answers: every probe was well before it and after it."""
    stack = Stack()
    stack.soak(ends_after=60)
    stack.sides["green"].started = 2
    assert stack.soak().restarts == 1


def test_a_leak_is_found_before_the_time_is_over() -> None:
    """2 MiB an hour: the trend is known once there are blocks enough, and it is not waited for the rest."""
    stack = Stack(leak=2.1)
    found = stack.soak(replace(DAYS2, memory={"api": 150.0}))
    assert (found.outcome, "reaches 150 MB" in found.why) == (Outcome.FAIL, True)
    assert found.counted < 24 * 3600.0


def test_a_meter_that_cannot_be_read_counts_nothing() -> None:
    """While it is off no time counts, and it is no fault of the release; when it is back it goes on."""
    stack = Stack()
    stack.soak(ends_after=60)
    stack.meter.blind = True
    blind = stack.soak(ends_after=60)
    assert (blind.outcome, blind.counted) == (Outcome.UNDECIDED, 59 * EVERY)
    stack.meter.blind = False
    assert stack.soak().outcome is Outcome.PASS


def test_users_of_the_other_slot_are_no_load() -> None:
    """Where nobody uses the live one, no time counts."""
    stack = Stack()
    stack.meter = FrontDoor(stack.clock, MemoryRouter(), stack.sides, 10.0)
    assert stack.soak(ends_after=200).outcome is Outcome.UNMEASURED
