"""A router that waits for what its meter shows: with a data plane that follows late, or never, by a seeded draw of requests."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.clock import FakeClock
from smoke.errors import MeterError, RouterError
from smoke.model import Counts, Sample
from smoke.routers.memory import Fault, MemoryRouter
from smoke.seeing import Change, Seeing

LIMIT = 10.0
STEPS = [(0, 5), (5, 25), (25, 50), (50, 100), (95, 100), (100, 0), (50, 0), (5, 0), (0, 100)]


@dataclass
class Plane:
    """Counts what falls on the slots while the clock goes on, by shares that follow the router ``late`` seconds."""

    router: MemoryRouter
    clock: FakeClock
    late: float
    rate: float
    blind: bool = False
    kept: int = 0
    """Requests for each by weight that come to blue by name, whatever the weights."""
    began: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: {"blue": 1000, "green": 1000})
    _drawn: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - seeded on purpose
    _last: float = 0.0
    _old: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._old = dict(self.router.weights)
        self.clock.on_sleep(self._pass)

    def read(self) -> Sample:
        """What was counted so far."""
        if self.blind:
            raise MeterError("it cannot be read, as scripted")
        total = {slot: Counts(count) for slot, count in self.counts.items()}
        named = self.kept * sum(self.counts.values())
        return Sample(self.clock.now(), {**total, "blue": Counts(total["blue"].requests + named, named=named)})

    def _pass(self, now: float) -> None:
        for _ in range(round((now - self._last) * self.rate)):
            shares = self.router.weights if now - self.began >= self.late else self._old
            self.counts[self._drawn.choices(list(shares), list(shares.values()))[0]] += 1
        self._last = now


def stage(share: int, *, late: float = 0.0, rate: float = 500.0) -> tuple[Seeing, Plane, MemoryRouter, FakeClock]:
    """A stack whose green has that share."""
    router, clock = MemoryRouter({"blue": 100 - share, "green": share}), FakeClock()
    plane = Plane(router, clock, late, rate)
    return Seeing(router, lambda: plane, clock, LIMIT), plane, router, clock


@pytest.mark.parametrize(("before", "after"), STEPS)
@pytest.mark.parametrize("late", [0.0, 0.4, 2.0])
def test_it_returns_once_it_is_seen(before: int, after: int, late: float) -> None:
    """Whatever the step and however late the data plane follows, the write returns after that, and not long after."""
    router, _, _, clock = stage(before, late=late)
    router.write({"blue": 100 - after, "green": after})
    assert late <= clock.now() <= late + 1.5
    assert router.read() == {"blue": 100 - after, "green": after}


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_it_is_told_that_nothing_followed(before: int, after: int) -> None:
    """A data plane that accepts and never follows is an error that says what was asked and how many requests did not heed it."""
    router, _, _, clock = stage(before, late=1e9)
    with pytest.raises(RouterError, match=r"is accepted, and \d+ requests in 10 s do not fall so"):
        router.write({"blue": 100 - after, "green": after})
    assert clock.now() == pytest.approx(LIMIT, abs=0.1)


@pytest.mark.parametrize("late", [0.0, 2.0])
def test_sessions_are_no_sign_of_old_shares(late: float) -> None:
    """Requests of browsers that are kept where they are, whatever the weights, neither confirm a write nor speak against it."""
    router, plane, _, clock = stage(5, late=late)
    plane.kept = 9
    router.write({"blue": 50, "green": 50})
    assert late <= clock.now() <= late + 1.5


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_too_few_requests_hold_nobody_up(rate: float) -> None:
    """Without enough requests to tell, the router's word counts once the limit is over."""
    router, _, _, clock = stage(0, late=1e9, rate=rate)
    router.write({"blue": 95, "green": 5})
    assert clock.now() == pytest.approx(LIMIT, abs=0.1)


def test_a_write_that_changes_nothing_waits_for_nothing() -> None:
    """What is in force already is not waited for."""
    router, _, _, clock = stage(20)
    router.write({"blue": 80, "green": 20})
    assert clock.now() == 0.0


def test_without_a_meter_the_word_counts() -> None:
    """Where nothing can be counted, the router's word counts at once: an abort needs nothing that may be broken."""
    router, plane, _, clock = stage(20)
    plane.blind = True
    router.write({"blue": 100, "green": 0})
    assert clock.now() == 0.0


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.LIE])
def test_the_router_s_own_error_comes_first(fault: Fault) -> None:
    """What the router refuses or cannot confirm is not waited for."""
    router, _, inner, clock = stage(20)
    inner.faults.append(fault)
    with pytest.raises(RouterError, match="as scripted"):
        router.write({"blue": 100, "green": 0})
    assert clock.now() == 0.0


@given(
    before=some.integers(0, 100),
    after=some.integers(0, 100),
    counted=some.lists(some.tuples(some.integers(0, 50), some.integers(0, 50))),
)
def test_evidence_is_never_negative(before: int, after: int, counted: list[tuple[int, int]]) -> None:
    """Whatever is counted, evidence stays at 0 or above: what was seen before a change does not delay that it is believed."""
    change = Change.between({"blue": 100 - before, "green": before}, {"blue": 100 - after, "green": after})
    for blue, green in counted:
        change = change.seen({"blue": blue, "green": green})
        assert change.evidence >= 0
    assert change.worth >= -1e-12


def test_old_shares_are_seldom_taken_for_new() -> None:
    """In a million requests by the old shares, a step from 5 to 25 % is believed once at most."""
    drawn, believed = random.Random(11), 0  # noqa: S311 - dito
    change = fresh = Change.between({"blue": 95, "green": 5}, {"blue": 75, "green": 25})
    for _ in range(1_000_000 // 25):
        green = sum(drawn.random() < 0.05 for _ in range(25))
        change = change.seen({"blue": 25 - green, "green": green})
        if change.arrived:
            believed, change = believed + 1, fresh
    assert believed <= 1
