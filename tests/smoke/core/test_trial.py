"""One service's evidence: what it adds up to, however traffic was split and whenever it went wrong."""

from dataclasses import astuple, is_dataclass, replace
from math import inf, isfinite, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import ALARM, GRID, NOBODY, fold, found_after, side, total, warm

from smoke.analysis import mixture
from smoke.analysis.counts import Increment, Slice
from smoke.analysis.trial import (
    AT_STEPS,
    ERROR_OBJECTIVE,
    ERRORS,
    EVERY,
    FIRST,
    LATENCY,
    LATENCY_OBJECTIVE,
    LATER,
    WEIGHTS,
    Flow,
    Trial,
    step_weight,
)
from smoke.plan import Gates

FINE = Increment(1.0, side(100, 1), side(100, 1))
BROKEN = Increment(1.0, side(100, 1), side(100, 8))


def test_a_candidate_that_is_as_the_live_slot_is_shown_to_be_so() -> None:
    """With time every "not worse" is shown, and nothing speaks against it."""
    trial = fold(warm(), [FINE] * 200)

    assert total(trial) < 0.0
    assert all(test.better.log() > log(20.0) for gate, test in trial.tests().items() if gate != ERROR_OBJECTIVE)
    assert fold(warm(Gates(errors=0.05)), [FINE] * 200).error_objective.better.log() > log(20.0)


@pytest.mark.parametrize(
    ("gate", "candidate", "live"),
    [
        (ERRORS, side(100, 8), side(100, 1)),
        (LATENCY, side(100, 1, slower=3), side(100, 1)),
        (ERROR_OBJECTIVE, side(100, 30), side(100, 30)),
        (LATENCY_OBJECTIVE, side(100, 1, slower=3), side(100, 1, slower=3)),
    ],
)
def test_each_fault_is_found_by_its_own_test(gate: str, candidate: Slice, live: Slice) -> None:
    """More errors, more latency, and too much of either on both sides: that test has the evidence, and soon."""
    gates = Gates(errors=0.1, p95_ms=GRID[19])
    trial = fold(warm(gates), [Increment(1.0, live, candidate)] * 60)
    tests = trial.tests()

    assert total(trial) >= ALARM
    assert max(tests, key=lambda name: log(WEIGHTS[name]) + tests[name].worse.log()) == gate
    assert tests[gate].better.log() < 0.0


def test_ten_percent_more_is_found_and_ten_percent_less_is_fine() -> None:
    """The comparison of latency compares: two buckets slower alarm, two buckets faster are shown to be as good."""
    slower = fold(warm(), [Increment(1.0, side(100, 1), side(100, 1, slower=2))] * 300)
    faster = fold(warm(), [Increment(1.0, side(100, 1, slower=2), side(100, 1))] * 60)

    assert total(slower) > ALARM
    assert total(faster) < 0.0
    assert faster.latency.better.log() > log(20.0)


@pytest.mark.parametrize("slower", [0, 1])
def test_what_is_allowed_is_not_found(slower: int) -> None:
    """Twice as many errors and a hundredth of a percent more, and latency of the tolerated ratio: never an alarm."""
    allowed = Increment(1.0, side(1000, 10), side(1000, 21, slower=slower))
    trial = warm(Gates(errors=0.05), errors=(10,))
    for _ in range(300):
        trial = trial.after(allowed, GRID)
        assert total(trial) < log(2.0)


def test_the_margin_is_for_errors_too_few_to_matter() -> None:
    """One error in two thousand is far beyond twice none, but within a margin of a thousandth; without a margin it is not."""
    rare = [Increment(1.0, side(2000), side(2000, 1))] * 300

    assert total(fold(warm(errors=(2, 0)), rare)) < 0.0
    assert total(fold(warm(Gates(error_margin=0.0), errors=(2, 0)), rare)) > ALARM


def test_a_gate_that_is_switched_off_stays_out() -> None:
    """Without a ratio errors are not compared; an objective of all of them may fail tests nothing."""
    trial = fold(warm(Gates(error_ratio=0.0, errors=1.0)), [Increment(1.0, side(100), side(100, 100))] * 100)

    assert trial.errors.worse.log() == pytest.approx(0.0)
    assert trial.error_objective.worse.log() == pytest.approx(0.0)


def test_an_objective_of_no_error_can_be_missed() -> None:
    """An objective of zero is kept to a millionth: an error in a hundred is found, none in thousands is no proof."""
    gates = Gates(errors=0.0, error_ratio=0.0)

    assert fold(warm(gates), [Increment(1.0, side(100), side(100, 1))] * 10).error_objective.worse.log() > ALARM
    assert fold(warm(gates), [Increment(1.0, side(100), side(100))] * 100).error_objective.better.log() < log(20.0)


REQUESTS = st.builds(side, st.integers(1, 60), st.integers(0, 3), st.integers(0, 2))
SPLITS = st.lists(st.builds(Increment, st.just(1.0), REQUESTS, REQUESTS), min_size=1, max_size=12)


@given(SPLITS, st.data())
@settings(max_examples=40)
def test_empty_looks_change_no_evidence(looks: list[Increment], data: st.DataObject) -> None:
    """Looks in which nobody asked may be put in anywhere, of any length: all evidence stays the same, to the bit."""
    place = data.draw(st.integers(0, len(looks)))
    empty = data.draw(st.lists(st.sampled_from([0.0, 0.25, 1.0, 3.0]), max_size=5))
    more = [*looks[:place], *(Increment(seconds, NOBODY, NOBODY) for seconds in (*empty, 1.0)), *looks[place:]]
    plain, longer = fold(warm(), looks), fold(warm(), more)

    assert longer.tests() == plain.tests()
    assert longer.clumps == plain.clumps


@given(SPLITS, REQUESTS)
@settings(max_examples=40)
def test_one_side_alone_compares_nothing(looks: list[Increment], alone: Slice) -> None:
    """Looks with requests of one side only leave both comparisons as they were; of the live slot only, every test."""
    trial = fold(warm(), looks)
    candidate, live = fold(trial, [Increment(1.0, NOBODY, alone)]), fold(trial, [Increment(1.0, alone, NOBODY)])

    assert (candidate.errors, candidate.latency) == (trial.errors, trial.latency)
    assert live.tests() == trial.tests()


@given(SPLITS, st.randoms())
@settings(max_examples=40)
def test_looks_of_one_second_may_be_in_any_order(looks: list[Increment], chance: Random) -> None:
    """Within one second, it does not matter in which of its looks which requests came."""
    short = [replace(look, seconds=0.99 / len(looks)) for look in looks]
    mixed = chance.sample(short, len(short))

    for one, other in zip(fold(warm(), short).tests().values(), fold(warm(), mixed).tests().values(), strict=True):
        assert one.worse.logs == pytest.approx(other.worse.logs, rel=1e-9, abs=1e-9)


def test_a_later_fault_is_found_about_as_soon() -> None:
    """After two clean steps, a fault that begins with the third is found in little more time than by a trial that began there."""

    def clean(*, restarts: bool) -> Trial:
        trial = warm()
        if not restarts:
            trial = replace(trial, later=10**6)
        for step in (1, 2):
            trial = fold(trial, [FINE] * 300).for_step(step_weight(step, 3) if restarts else 0.0, GRID)
        return trial

    fresh, later, without = (found_after(each, BROKEN) for each in (warm(), clean(restarts=True), clean(restarts=False)))

    assert fresh <= later <= fresh + 4
    assert without > 5 * later


def test_a_fault_within_a_step_is_found_about_as_soon() -> None:
    """One that begins ten minutes into a step is found soon as well: what may have begun gets weight every half minute."""
    long, deaf = fold(warm(), [FINE] * 600), fold(replace(warm(), later=10**6), [FINE] * 600)

    assert found_after(long, BROKEN) <= found_after(warm(), BROKEN) + 8
    assert found_after(deaf, BROKEN) > 5 * found_after(long, BROKEN)


def test_weights_of_what_begins_are_those_of_a_whole() -> None:
    """A first step, later steps and every half minute: each takes its part of the reserve once, and never more than there is."""
    assert sum(step_weight(step, 4) for step in range(4)) + LATER == pytest.approx(1.0)
    assert step_weight(0, 1) + LATER == pytest.approx(1.0)
    assert sum((FIRST, AT_STEPS, LATER)) == pytest.approx(1.0)

    trial = warm()
    for second in range(1, 10 * int(EVERY) + 1):
        trial = trial.after(FINE, GRID)
        begun = second // int(EVERY)
        left = 1.0 - FIRST - LATER * (1.0 - 1.0 / (begun + 1))
        assert [test.worse.reserve for test in trial.tests().values()] == pytest.approx([left] * 4)
    assert trial.for_step(0.2, GRID).errors.worse.reserve == pytest.approx(trial.errors.worse.reserve - 0.2)
    assert trial.for_step(0.0, GRID).errors.worse == trial.errors.worse


def test_what_speaks_for_the_candidate_is_of_the_step() -> None:
    """At a new step nothing is shown yet, and what speaks against the candidate is kept."""
    trial = fold(warm(), [FINE] * 60)
    again = trial.for_step(0.0, GRID)

    assert trial.errors.better.log() > 1.0
    assert [test.better.log() for test in again.tests().values()] == [0.0] * 4
    assert again.latency.worse == trial.latency.worse
    assert sum(again.compared[0]) == 0 < sum(trial.compared[0])


def test_what_waits_at_a_step_belongs_to_neither() -> None:
    """What was counted in the last part of a second before a step is not shown, or compared, as of that step."""
    waiting = fold(warm(), [Increment(0.5, side(100, 1), side(100, 50, slower=3))]).for_step(0.0, GRID)
    fresh = warm().for_step(0.0, GRID)
    one, other = (fold(each, [Increment(1.0, side(100, 1), side(100, 1))]) for each in (waiting, fresh))

    assert [test.better for test in one.tests().values()] == [test.better for test in other.tests().values()]
    assert one.compared == other.compared
    assert one.errors.worse.log() > other.errors.worse.log()


def test_before_the_first_step_only_the_live_slot_is_learned_from() -> None:
    """Nothing is held against a candidate that has no traffic yet, whatever it answered to whom."""
    trial = fold(Trial(Gates()), [Increment(1.0, side(100, 1), side(100, 100, slower=3))] * 60)

    assert total(trial) == pytest.approx(0.0)
    assert trial.thresholds is not None
    assert trial.clumps.errors.looks > 0


def test_thresholds_follow_the_live_slot_alone() -> None:
    """Edges are chosen from what the live slot did before, whatever the candidate does."""
    one = fold(Trial(Gates()), [Increment(1.0, side(100), side(100, slower=3))] * 3)
    other = fold(Trial(Gates()), [Increment(1.0, side(100), NOBODY)] * 3)

    assert one.thresholds == other.thresholds is not None
    assert one.for_step(FIRST, GRID).thresholds == other.for_step(FIRST, GRID).thresholds


def test_old_thresholds_are_no_stale_baseline() -> None:
    """When both sides become slower after the edges were chosen, that is no fault; when only the candidate does, it is."""
    both = Increment(1.0, side(100, slower=3), side(100, slower=3))
    one = Increment(1.0, side(100, slower=1), side(100, slower=3))
    trial = warm(Gates(errors=0.05))

    assert total(fold(trial, [both] * 300)) < 0.0
    assert total(fold(trial, [one] * 300)) > ALARM


def test_what_was_taken_back_before_is_no_doubt() -> None:
    """Evidence that had fallen below one and comes back to it is noise; so is all that is less than it is as a whole."""
    begun = mixture.Mixture.of(1).begun(1.0)
    test = mixture.Test(begun, begun).marked().marked()
    fell = test.times([log(0.05)], [0.0]).marked().marked()
    grown = fell.times([log(60.0)], [0.0])

    assert fell.times([log(20.0)], [0.0]).doubt == pytest.approx(0.0)
    assert grown.doubt == pytest.approx(log(3.0))
    assert grown.marked().doubt == pytest.approx(log(3.0))
    assert grown.marked().marked().doubt == pytest.approx(0.0)


@pytest.mark.parametrize(("before", "after"), [(30, 5), (5, 30)], ids=["quicker", "slower"])
def test_edges_follow_a_live_slot_that_goes_away(before: int, after: int) -> None:
    """Chosen while the machine was busy, or idle, edges are chosen anew in the step: that both slots are alike can be shown."""
    grid = (*(1.05**power for power in range(1, 60)), inf)
    busy, now = (Slice(100, 0, tuple(range(place, place + 10)), (10,) * 10) for place in (before, after))
    trial = Trial(Gates())
    for _ in range(5):
        trial = trial.after(Increment(1.0, busy, NOBODY), grid)
    trial = trial.for_step(FIRST, grid, 1.0)
    for _ in range(300):
        trial = trial.after(Increment(1.0, now, now), grid)

    assert trial.latency.better.log() > log(20.0)
    assert trial.latency.worse.log() < log(3.0)


def test_edges_are_chosen_anew_at_a_step() -> None:
    """The next step compares where the live slot is by then."""
    trial = fold(warm(), [Increment(1.0, side(100, slower=3), side(100, slower=3))] * 30)

    assert trial.thresholds is not None
    assert trial.for_step(0.0, GRID).thresholds != trial.thresholds
    assert trial.for_step(0.0, GRID).learned == ()


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """The usual rate follows the requests in about ten seconds, and does not fall while there are none."""
    flow = Flow()
    for _ in range(400):
        flow = flow.after(50, 0.25)
    assert flow.rate == pytest.approx(200.0, rel=0.01)
    for _ in range(8):
        flow = flow.after(0, 0.25)
    assert (flow.rate, flow.idle) == (pytest.approx(200.0, rel=0.01), 2.0)
    assert flow.after(5, 0.5).idle == 0.0


def numbers(value: object) -> int:
    """How many numbers a value is made of."""
    if is_dataclass(value) and not isinstance(value, type):
        return numbers(astuple(value))
    return sum(map(numbers, value)) if isinstance(value, tuple | list) else 1


def test_it_stays_small() -> None:
    """After two days in twenty thousand increments a trial is as many numbers as after the first hundred, and all are finite."""
    trial, sizes = warm(seconds=30), set()
    increment = Increment(48 * 3600 / 20_000, Slice(40, 1, (3, 18), (30, 10)), Slice(40, 0, (3, 18), (31, 9)))
    for number in range(20_000):
        trial = trial.after(increment, GRID)
        if number % 1000 == 100:
            sizes.add(numbers(trial))

    assert len(sizes) == 1
    assert all(isfinite(test.worse.log()) and isfinite(test.better.log()) for test in trial.tests().values())
    assert trial.later == 5760
