"""What is foreseen is what the engine does, and never more than is possible."""

from bisect import bisect_right
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from math import inf, log
from random import Random
from statistics import median

import pytest
from canary.limits import Allowed, Slowdown, Traffic, certified, errors, shifted
from hypothesis import given, settings
from hypothesis import strategies as some

from smoke.analysis.counts import Increment, Slice
from smoke.analysis.foresight import ERROR_RATES, SLOWDOWNS, Foresight, advice, foresee
from smoke.analysis.load import LEAST_ERRORS, Latency, Load
from smoke.analysis.mixture import log_total
from smoke.analysis.trial import ERROR_OBJECTIVE, ERRORS, LATENCY, LATENCY_OBJECTIVE, WEIGHTS, Trial, step_weight
from smoke.model import Counts
from smoke.plan import Gates, Plan, Step

LIVE = Latency.assumed(1000.0)
DEFAULT = Plan(tuple(Step(share, 600.0 if share == 100 else 60.0, 100, 1800.0) for share in (5, 25, 50, 100)), Gates())
PROVED = 5.0
"""Seconds for which the live slot is seen before the first step."""
STEADY = settings(max_examples=40)


def only(share: int, gates: Gates = DEFAULT.gates, tick: float = 0.25) -> Plan:
    """A plan of one step."""
    return Plan((Step(share, 0.0, 1, 1800.0),), gates, tick=tick)


def single(share: int, load: Load, gates: Gates = DEFAULT.gates, tick: float = 0.25) -> Foresight:
    """What is foreseen of it."""
    [found] = foresee(only(share, gates, tick), "api", load, 1)
    return found


# Against the engine itself


class Slot:
    """One slot's requests, drawn."""

    def __init__(self, random: Random, rate: float, bad: float, latency: Latency | None) -> None:
        self._random, self._rate, self._bad = random, rate, bad
        self._upto = [] if latency is None else [*accumulate(latency.bins)]

    def serve(self, seconds: float) -> Slice:
        """What it answered in so many seconds."""
        requests, passed = 0, self._random.expovariate(self._rate)
        while passed < seconds:
            requests, passed = requests + 1, passed + self._random.expovariate(self._rate)
        failed = sum(self._random.random() < self._bad for _ in range(requests))
        bins: dict[int, int] = {}
        for _ in range(requests if self._upto else 0):
            place = bisect_right(self._upto, self._random.random() * self._upto[-1])
            bins[place] = bins.get(place, 0) + 1
        return Slice(requests, failed, tuple(sorted(bins)), tuple(bins[place] for place in sorted(bins)))


def seconds_until(done: str, share: int, load: Load, candidate: tuple[float, float], seed: int) -> float:
    """Until the engine sees that the candidate is worse, or is sure in a gate that it is not."""
    plan, random = only(share), Random(seed)  # noqa: S311 - not for secrets
    measured = done not in {ERRORS, ERROR_OBJECTIVE, "worse errors"}
    rate, (bad, ratio) = share / 100.0, candidate
    alone = Slot(random, load.rate, load.errors, LIVE if measured else None)
    live = Slot(random, load.rate * (1.0 - rate), load.errors, LIVE if measured else None)
    green = Slot(random, load.rate * rate, bad, LIVE.slowed(ratio) if measured else None)
    trial = Trial(plan.gates)
    for _ in range(round(PROVED / plan.tick)):
        trial = trial.after(Increment(plan.tick, alone.serve(plan.tick)), LIVE.grid)
    trial = trial.for_step(step_weight(0, 1), LIVE.grid)
    seconds = 0.0
    while seconds < 5000.0:
        seconds += plan.tick
        trial = trial.after(Increment(plan.tick, live.serve(plan.tick), green.serve(plan.tick)), LIVE.grid)
        if _decided(trial, plan, done):
            return seconds
    return inf


def _decided(trial: Trial, plan: Plan, done: str) -> bool:
    tests = trial.tests()
    if done in tests:
        return tests[done].better.log() >= log(1.0 / plan.false_passes)
    parts = [log(WEIGHTS[gate]) + test.worse.log() for gate, test in tests.items()]
    return log_total([*parts, log(1.0 - sum(WEIGHTS.values()))]) >= log(1.0 / plan.false_aborts)


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate, and what is waited for."""

    done: str
    load: Load
    share: int
    runs: int
    bad: float = 0.001
    ratio: float = 1.0

    def foreseen(self) -> float:
        """What is said beforehand."""
        found = single(self.share, self.load)
        if self.done in found.certify:
            return found.certify[self.done]
        errors, latency = dict(zip(ERROR_RATES, found.errors, strict=True)), dict(zip(SLOWDOWNS, found.latency, strict=True))
        return errors[self.bad] if self.done == "worse errors" else latency[self.ratio]


CASES = [
    Case("worse errors", Load(100, 1e-3, LIVE), 5, 60, bad=0.05),
    Case("worse errors", Load(1000, 1e-4, LIVE), 5, 20, bad=0.01),
    Case("worse errors", Load(100, 1e-4, LIVE), 25, 40, bad=0.01),
    Case("worse errors", Load(20, 1e-3, LIVE), 50, 60, bad=0.05),
    Case("worse latency", Load(100, 1e-3, LIVE), 5, 60, ratio=1.5),
    Case("worse latency", Load(100, 1e-3, LIVE), 50, 60, ratio=1.2),
    Case("worse latency", Load(20, 1e-3, LIVE), 25, 60, ratio=1.5),
    Case(ERRORS, Load(200, 1e-3, LIVE), 50, 30),
    Case(ERRORS, Load(200, 1e-4, LIVE), 25, 25, bad=1e-4),
    Case(ERROR_OBJECTIVE, Load(100, 1e-3, LIVE), 25, 40),
    Case(LATENCY, Load(100, 1e-3, LIVE), 25, 70),
    Case(LATENCY_OBJECTIVE, Load(20, 1e-3, LIVE), 50, 40),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.done}-{case.load.rate}-{case.share}")
def test_the_engine_takes_as_long_as_foreseen(case: Case) -> None:
    """Half of the rollouts are decided within the time that was said, give or take a third of it."""
    seen = median(seconds_until(case.done, case.share, case.load, (case.bad, case.ratio), seed) for seed in range(case.runs))
    assert seen == pytest.approx(case.foreseen(), rel=0.35)


# Against what is possible


@STEADY
@given(rate=some.floats(1.0, 5000.0), share=some.integers(1, 99), live=some.sampled_from([1e-4, 1e-3, 5e-3]))
def test_errors_are_never_seen_sooner_than_possible(rate: float, share: int, live: float) -> None:
    """No time is below the logarithm of 1 / alpha over the information that a second brings, at any share."""
    gates = Gates(error_margin=0.0, errors=1.0)
    found = single(share, Load(rate, live, LIVE), gates)
    for bad, seconds in zip(ERROR_RATES, found.errors, strict=True):
        if bad > 2.0 * live:
            assert seconds >= errors(Traffic(rate, share / 100.0), bad, live, Allowed(2.0))
    assert found.certify[ERRORS] >= certified(Traffic(rate, share / 100.0), live)


@STEADY
@given(rate=some.floats(1.0, 5000.0), share=some.integers(1, 99))
def test_slowdowns_are_never_seen_sooner_than_possible(rate: float, share: int) -> None:
    """The same of latency, for who knows the form of its distribution beforehand."""
    found = single(share, Load(rate, latency=LIVE), Gates(p95_ms=1e6))
    for ratio, seconds in zip(SLOWDOWNS, found.latency, strict=True):
        assert seconds >= shifted(Traffic(rate, share / 100.0), Slowdown(ratio))


# What must hold between two plans


def all_times(found: Foresight) -> list[float]:
    """Everything that is said of a step."""
    return [*found.errors, *found.latency, *found.certify.values(), found.requests]


@STEADY
@given(rate=some.floats(1.0, 2000.0), more=some.floats(1.2, 10.0), share=some.sampled_from([1, 5, 25, 50, 75, 100]))
def test_more_traffic_is_never_later(rate: float, more: float, share: int) -> None:
    """With more requests a second nothing is seen or shown later, to one in fifty and a look."""
    few, many = (single(share, Load(each, latency=LIVE)) for each in (rate, rate * more))
    for less, greater in zip(all_times(few), all_times(many), strict=True):
        assert greater <= 1.02 * less + 1.0


@STEADY
@given(rate=some.floats(5.0, 2000.0), shares=some.lists(some.integers(1, 50), min_size=2, max_size=2))
def test_a_greater_share_is_never_later(rate: float, shares: list[int]) -> None:
    """Up to a half of the traffic a greater share sees and shows nothing later, to one in ten.

    But for errors: there are so few of them that the live slot's own must be known, and from a quarter on it has too little.
    """
    few, many = (single(each, Load(rate, latency=LIVE)) for each in sorted(shares))
    begin = 0 if max(shares) <= 25 else len(ERROR_RATES)
    for less, greater in zip(all_times(few)[begin:], all_times(many)[begin:], strict=True):
        assert greater <= 1.1 * less + 1.0


@given(rate=some.floats(1.0, 2000.0), share=some.integers(1, 100), live=some.floats(1e-4, 0.02))
def test_more_wrong_is_never_later(rate: float, share: int, live: float) -> None:
    """What is worse is seen sooner."""
    found = single(share, Load(rate, live, LIVE))
    assert list(found.errors) == sorted(found.errors, reverse=True)
    assert list(found.latency) == sorted(found.latency, reverse=True)


def test_services_share_what_is_allowed() -> None:
    """With more services the same is seen later, and shown as soon."""
    alone, among = (foresee(DEFAULT, "api", Load(100, latency=LIVE), services)[0] for services in (1, 10))
    assert all(less < more for less, more in zip(alone.errors[1:], among.errors[1:], strict=True))
    assert alone.certify == among.certify


# What is asked, and of what


def test_at_all_of_the_traffic_only_objectives_count() -> None:
    """Where the live slot is asked nothing there is no comparison: what is within the objectives is never seen."""
    found = single(100, Load(200, 1e-3, LIVE))
    assert (found.errors[:2], found.latency) == ((inf, inf), (inf, inf, inf))
    assert found.errors[2] < 60.0
    assert set(found.certify) == {ERROR_OBJECTIVE, LATENCY_OBJECTIVE}


def test_what_is_off_is_not_asked() -> None:
    """A comparison and an objective that are switched off are neither waited for nor of help."""
    found = single(25, Load(200, 1e-3, LIVE), Gates(error_ratio=0.0, errors=1.0))
    assert set(found.certify) == {LATENCY, LATENCY_OBJECTIVE}
    assert set(found.errors) == {inf}


@pytest.mark.parametrize(("step", "service"), [(0, None), (0, 50), (50, 0)])
def test_no_requests_asked_is_no_evidence_asked(step: int, service: int | None) -> None:
    """Such a step lasts as long as it bakes, and what is wrong is seen all the same."""
    plan = Plan((Step(50, 30.0, step, 60.0),), Gates(requests=service))
    [found] = foresee(plan, "api", Load(5, latency=LIVE), 1)
    assert (found.certify, found.requests, found.lasts, found.decides) == ({}, 0.0, 30.0, True)
    assert found.errors[2] < inf


def test_a_service_may_have_gates_of_its_own() -> None:
    """A service is judged by its own gates, and its own number of requests."""
    plan = Plan((Step(50, 0.0, 100, 1800.0),), Gates(), own={"api": Gates(error_margin=0.01, requests=2000)})
    own, other = (foresee(plan, service, Load(100, latency=LIVE), 2)[0] for service in ("api", "web"))
    assert (own.requests, other.requests) == (40.0, 2.0)
    assert own.certify[ERRORS] < other.certify[ERRORS] / 4.0


def test_a_live_slot_that_misses_its_objective_is_never_shown_to_be_well() -> None:
    """A candidate just like a live slot that fails too often cannot be shown to be within the objective, at any step."""
    found = foresee(DEFAULT, "api", Load(1000, 0.02, LIVE), 1)
    assert {step.certify[ERROR_OBJECTIVE] for step in found} == {inf}
    assert not any(step.decides for step in found)


# What would do


@pytest.mark.parametrize(
    ("rate", "gates", "limit"),
    [
        (20.0, Gates(), 1800.0),
        (100.0, Gates(), 120.0),
        (100.0, Gates(errors=2e-4), 600.0),
        (2.0, Gates(error_margin=0.1), 900.0),
    ],
)
def test_what_is_advised_does(rate: float, gates: Gates, limit: float) -> None:
    """A step that does not decide does with the share, the limit, or the gates that are advised; and not with a share less."""
    plan, load = Plan((Step(10, 60.0, 100, limit), Step(100, 60.0, 100, limit)), gates), Load(rate, latency=LIVE)
    late = foresee(plan, "api", load, 1)[0]
    found = advice(plan, late)

    def decides(step: Step, gates: Gates = gates) -> bool:
        return foresee(replace(plan, steps=(step, plan.steps[1]), gates=gates), "api", load, 1)[0].decides

    assert not late.decides
    assert found.share or found.limit or found.gates
    if found.share is not None:
        assert decides(replace(late.step, share=found.share))
        assert not decides(replace(late.step, share=found.share - 1))
    if found.limit is not None:
        assert decides(replace(late.step, limit=found.limit))
    if found.gates:
        assert decides(late.step, Gates(**{**asdict(gates), **found.gates}))


def test_what_nothing_mends_has_no_advice_but_what_does() -> None:
    """Where the live slot misses its objective only a looser objective would do."""
    late = foresee(DEFAULT, "api", Load(1000, 0.02, LIVE), 1)[1]
    found = advice(DEFAULT, late)
    assert (found.share, found.limit, dict(found.gates)) == (None, None, {"errors": 0.05})


# What is known of the live slot


def test_a_live_slot_without_errors_is_taken_to_have_some() -> None:
    """No errors in however many requests are one in ten thousand; what was measured above that is taken as it is."""
    assert Load.measured(10, Counts()).errors == LEAST_ERRORS
    assert Load.measured(10, Counts(5000, 0)).errors == LEAST_ERRORS
    assert Load.measured(10, Counts(5000, 50)).errors == 0.01
    assert Load.measured(10, Counts(5000, 5000)).errors < 1.0


def test_too_few_answers_are_no_distribution() -> None:
    """Of a handful of answers nothing is made: the same is foreseen as where nothing was counted."""
    few, none = (Load.measured(10, Counts(count, 0, ((10.0, count), (inf, count)))) for count in (49, 0))
    assert (few.latency, none.latency) == (None, None)
    assert Load.measured(10, Counts(50, 0, ((10.0, 50), (inf, 50)))).latency == Latency((10.0, inf), (50, 0))


@given(ratio=some.floats(1.0, 3.0))
def test_what_is_slower_is_slower_everywhere(ratio: float) -> None:
    """Slowed by a ratio, the share beyond an edge is what was beyond the edge over the ratio, and nothing is lost."""
    slowed = LIVE.slowed(ratio)
    share = [sum(bins) for bins in (LIVE.bins, slowed.bins)]
    assert share[0] == share[1]
    for place in range(0, len(LIVE.grid) - 1, 7):
        before = bisect_right(LIVE.grid, LIVE.grid[place] / ratio) - 1
        beyond = slowed.tail.above(place)
        assert LIVE.tail.above(before + 1) - 1 <= beyond <= (LIVE.tail.above(before) if before >= 0 else share[0]) + 1


def test_latency_that_is_always_the_same() -> None:
    """A live slot whose answers all take as long has a foresight too: what is slower is seen."""
    grid = LIVE.grid
    load = Load(100, latency=Latency(grid, tuple(1000 * (place == 60) for place in range(len(grid)))))
    assert max(single(25, load).latency) < 60.0


def test_what_is_assumed_is_well_within_the_objective() -> None:
    """Where latency is not known, it is taken to be so that the objective is met."""
    assert 0.0 < Latency.assumed(200.0).slow(200.0) < 0.01
    assert single(25, Load(100), Gates(p95_ms=200.0)).certify == single(25, Load(100), Gates(p95_ms=900.0)).certify
