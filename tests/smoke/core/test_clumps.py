"""Errors that come in clumps: what the live slot shows of them tempers what is held against the candidate."""

from collections.abc import Callable

import pytest
from trials import GRID, NOBODY, fold, found_after, side, warm

from smoke.analysis.counts import Increment
from smoke.analysis.dispersion import CAP
from smoke.analysis.trial import ERROR_OBJECTIVE, ERRORS, FIRST, Trial
from smoke.plan import Gates


@pytest.mark.parametrize("gate", [ERRORS, ERROR_OBJECTIVE])
def test_clumps_of_the_live_slot_temper_the_evidence(gate: str) -> None:
    """Where the live slot's errors come twenty at a time, the same errors of the candidate say less."""
    gates = Gates(errors=0.02)
    alone, clumped = warm(gates, errors=(2,), seconds=100), warm(gates, errors=(20, *[0] * 9), seconds=100)
    alone, clumped = (fold(each, [Increment(1.0, side(100, 2), side(100, 12))] * 3) for each in (alone, clumped))

    assert alone.clumps.errors.by == 1.0
    assert clumped.clumps.errors.by > 5.0
    assert 1.0 < clumped.tests()[gate].worse.log() + 2.0 < alone.tests()[gate].worse.log()


def test_clumps_of_slow_requests_temper_the_latency() -> None:
    """Where the live slot is slow for seconds at a time, the same slow seconds of the candidate say less."""

    def learned(slower: Callable[[int], int]) -> Trial:
        gates = Gates(p95_ms=GRID[18])
        looks = (Increment(1.0, side(100, slower=slower(look)), NOBODY) for look in range(200))
        return fold(fold(Trial(gates), looks).for_step(FIRST, GRID), [Increment(1.0, side(100), side(100, slower=3))] * 5)

    steady, jumping = learned(lambda _: 0), learned(lambda look: 3 * (look % 3 == 0))

    assert (steady.clumps.latency.by, steady.clumps.slow.by) == (1.0, 1.0)
    assert jumping.clumps.latency.by > 2.0
    assert jumping.latency.worse.log() < steady.latency.worse.log()
    assert jumping.latency_objective.worse.log() < steady.latency_objective.worse.log()


def test_one_look_alone_never_decides_while_clumps_may_be() -> None:
    """As long as the live slot has shown no error that came alone, a look with many errors is a beginning, not a verdict."""
    bad = Increment(0.25, side(1000), side(1000, 390))
    unknown, known = warm(errors=(0,)), warm(errors=(1,))

    assert unknown.clumps.errors.cap == CAP
    assert found_after(unknown, bad) == 2
    assert found_after(known, bad) == 1


def test_an_outage_is_no_clump() -> None:
    """Where nearly half of a look's requests fail, one look decides; of too few requests it does not."""
    unknown = warm(errors=(0,))

    assert found_after(unknown, Increment(0.25, side(100), side(100, 40))) == 1
    assert found_after(unknown, Increment(0.25, side(100), side(4, 4))) > 1
