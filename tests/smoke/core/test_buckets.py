"""A meter whose buckets of latency change."""

from math import log

import pytest
from readings import GRID, INF, PLAN, STEP, TICK, at_step, counts, looked

from smoke.analysis import Evidence, judge, verdict_of
from smoke.model import Verdict

OTHER_GRIDS = {
    "fewer": ((10.0, 200.0, INF), 1, 1),
    "as many": ((20.0, 40.0, 60.0, 90.0, 92.0, INF), 3, 5),
    "nearer": ((10.0, 20.0, 50.0, 98.0, 100.0, 101.0, 200.0, INF), 3, 5),
    "more": ((*(float(edge) for edge in range(1, 60)), INF), 40, 40),
}
"""Other buckets, and in which of them both slots' latency is then: the candidate's is the live one's, or not surely slower."""


@pytest.mark.parametrize("grid", OTHER_GRIDS)
@pytest.mark.parametrize("step", [False, True], ids=["within a step", "before the next"])
def test_other_buckets_are_no_fault_of_the_candidate(grid: str, *, step: bool) -> None:
    """When a meter's buckets change that look is blind, and no latency is compared by edges chosen among the old ones."""
    edges, blue, green = OTHER_GRIDS[grid]
    evidence, at, requests = at_step(seconds=10.5, place=3)
    before = evidence.intake("api").trial.latency.worse.log()
    for look in range(40):
        live = counts(requests + 50 * look, requests // 100, grid=edges, place=blue)
        evidence = looked(evidence, at + look * TICK, live, counts(2100 + 50 * look, grid=edges, place=green))
        if not look:
            assert evidence.blind
            evidence = evidence.for_step(1) if step else evidence
        assert verdict_of(judge(evidence, STEP)) is not Verdict.FAIL

    assert evidence.intake("api").trial.latency.worse.log() <= max(before, 0.0) + log(2.0)


@pytest.mark.parametrize("grid", OTHER_GRIDS)
def test_a_driver_may_take_over_with_a_meter_of_other_buckets(grid: str) -> None:
    """What a journal remembers of the old buckets, and what is counted into new ones, is never put together."""
    edges, blue, green = OTHER_GRIDS[grid]
    known, at, requests = at_step(place=3)
    rows = {"api": known.intake("api").rows}
    taken = Evidence("blue", "green", PLAN, ("api",)).replayed(0.0, {"api": GRID[:-1]}, rows).for_step(0)
    for look in range(40):
        live = counts(requests + 50 * look, requests // 100, grid=edges, place=blue)
        taken = looked(taken, at + look * TICK, live, counts(2000 + 50 * look, grid=edges, place=green))
        assert verdict_of(judge(taken, STEP)) is not Verdict.FAIL
    taken.for_step(1)

    assert taken.intake("api").trial.latency.worse.log() <= log(2.0)
