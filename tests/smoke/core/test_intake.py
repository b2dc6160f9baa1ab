"""What a meter says, and when it is not believed."""

from collections.abc import Iterator
from dataclasses import replace
from math import log

import pytest
from readings import INF, PLAN, STEP, TICK, at_step, begun, counts, looked

from smoke.analysis import Evidence, judge, verdict_of
from smoke.analysis.counts import Slice
from smoke.analysis.evidence import ROWS
from smoke.analysis.intake import LATE, SETTLES, quantile
from smoke.model import Counts, Look, Verdict
from smoke.plan import Gates, Plan, Step


def worse(evidence: Evidence) -> list[float]:
    """Logarithms of what speaks against the candidate."""
    return [test.worse.log() for test in evidence.intake("api").trial.tests().values()]


def rows(evidence: Evidence) -> int:
    """How many increments went into the evidence."""
    return len(evidence.intake("api").rows)


def test_a_first_reading_is_only_a_baseline() -> None:
    """What was counted before anybody looked is nobody's, however much of it failed."""
    evidence = looked(Evidence("blue", "green", PLAN, ("api",)).for_step(0), 7.0, counts(10**6), counts(10**6, 10**6))

    assert rows(evidence) == 0
    assert evidence.counts("api", "green").requests == 0
    assert looked(evidence, 8.0, counts(10**6 + 9), counts(10**6 + 5, 10**6 + 1)).intake("api").rows[0].candidate == Slice(
        5, 1, (1,), (5,)
    )


def test_counts_that_stand_still_are_not_believed() -> None:
    """A meter that goes on saying the same, where 400 requests a second were usual, is blind after two seconds."""
    evidence, at, requests = at_step()
    watched = evidence.watched
    for look in range(40):
        evidence = looked(evidence, at + look * TICK, counts(requests, requests // 100), counts(1950))
    assert evidence.blind
    assert "stand still" in evidence.blind[0]
    assert evidence.watched - watched <= 2.5
    assert verdict_of(judge(evidence, STEP)) is Verdict.BLIND
    assert evidence.unseen > 5.0

    back = looked(evidence, at + 11.0, counts(requests + 50, requests // 100), counts(2000))
    assert back.blind == ()
    assert back.unseen == 0.0


def test_a_meter_that_answers_with_old_counts_is_not_believed() -> None:
    """Counts that hold for a time long ago are blind, as long as they are older than allowed; nothing is watched meanwhile."""
    evidence, at, requests = at_step()
    last = evidence.intake("api").last
    assert last is not None
    for look in range(1, 30):
        evidence = evidence.with_look(Look(last.at + look * TICK, (), {"api": last}))
        assert bool(evidence.blind) == (look * TICK > LATE)
    assert "s old" in evidence.blind[0]
    assert looked(evidence, at + 8.0, counts(requests + 99, requests // 100), counts(2000)).blind == ()


@pytest.mark.parametrize("every", [5.0, 15.0])
def test_a_slow_meter_is_given_its_time(every: float) -> None:
    """A meter that counts every so many seconds is believed for three times as long, and not longer."""
    evidence = begun()
    for look in range(4):
        evidence = looked(evidence, look * every, counts(100 * look), counts(100 * look), every=every)
        for part in range(1, 5):
            evidence = evidence.with_look(Look((look + part / 5) * every))
            assert evidence.blind == ()
    last = 3 * every

    assert evidence.with_look(Look(last + 3.0 * every)).blind == ()
    assert evidence.with_look(Look(last + 3.1 * every)).blind != ()


@pytest.mark.parametrize(
    ("blue", "green"),
    [(counts(3), counts(2)), (counts(10_000), counts(3, 3)), (counts(3, 3), counts(10_000)), (None, None), (counts(9000), None)],
    ids=["both", "green", "blue", "nothing is left", "green is left out"],
)
def test_a_counter_that_begins_anew_is_no_burst(blue: Counts | None, green: Counts | None) -> None:
    """A proxy that was restarted is blind for that look: no error burst, no negative count, no watched time, and on it goes."""
    evidence, at, _ = at_step()
    before, watched, known = worse(evidence), evidence.watched, rows(evidence)
    again = looked(evidence, at, blue, green)

    assert again.blind == ("api: the counts began anew",)
    assert (worse(again), again.watched, rows(again)) == (before, watched, known)
    assert again.counts("api", "green") == Counts(0, 0, tuple((edge, 0) for edge, _ in green.latency) if green else ())
    assert verdict_of(judge(again, STEP)) is Verdict.BLIND
    for look in range(1, 9):
        more = [counts((each.requests if each else 0) + 50 * look, each.errors if each else 0) for each in (blue, green)]
        again = looked(again, at + TICK * look, *more)
        assert again.blind == ()
    assert rows(again) == known + 8
    assert max(worse(again)) < log(20.0)
    assert again.counts("api", "green").requests == 400


def test_low_traffic_is_undecided() -> None:
    """A request now and then, some of which fail, is too little for any verdict: neither a pass nor a failure, nor blindness."""
    evidence = begun()
    for look in range(240):
        done = look // 40
        evidence = looked(evidence, look * TICK, counts(done), counts(done, done // 3))
        assert verdict_of(judge(evidence, STEP)) is Verdict.UNDECIDED


def test_no_traffic_is_undecided() -> None:
    """Without a request at all, ever, a step is undecided however long it is watched."""
    evidence = begun()
    for look in range(1000):
        evidence = looked(evidence, look * TICK, Counts(), Counts())
    assert evidence.watched > 200.0
    assert verdict_of(judge(evidence, STEP)) is Verdict.UNDECIDED


def test_what_came_with_no_reading_before_the_step_counts_as_well() -> None:
    """A meter that is read for the first time within a step is held against the candidate from its second reading on."""
    evidence = Evidence("blue", "green", PLAN, ("api",)).for_step(0)
    for look in range(40):
        evidence = looked(evidence, look * TICK, counts(50 * look, look // 2), counts(50 * look, 25 * look))

    assert verdict_of(judge(evidence, STEP)) is Verdict.FAIL


def test_a_meter_that_was_never_read_is_undecided() -> None:
    """A service that should be metered, and of which nothing came, does not pass."""
    evidence = Evidence("blue", "green", PLAN, ("api",)).for_step(0)
    for look in range(100):
        evidence = evidence.with_look(Look(look * TICK))

    assert verdict_of(judge(evidence, STEP)) is Verdict.UNDECIDED


def test_a_slot_that_is_left_out_is_not_without_errors() -> None:
    """A meter that no longer names the candidate does not make it one that answers without errors: the step never passes."""
    evidence, at, requests = at_step(seconds=1.0)
    for look in range(200):
        evidence = looked(evidence, at + look * TICK, counts(requests + 50 * look), None)
        assert verdict_of(judge(evidence, STEP)) is not Verdict.PASS


def test_what_is_counted_while_weights_move_counts_for_nothing() -> None:
    """Looks during a shift only move the baseline: nothing of them is in the evidence, before or after."""
    evidence, at, requests = at_step()
    before, known = worse(evidence), rows(evidence)
    for look in range(8):
        evidence = looked(evidence, at + look * TICK, counts(requests), counts(1950 + 50 * look, 50 * look), counting=0.0)
    assert (worse(evidence), rows(evidence)) == (before, known)

    evidence = looked(evidence.for_step(1), at + 8 * TICK, counts(requests + 50), counts(2350, 400))
    assert (worse(evidence), rows(evidence)) == (worse(evidence.for_step(1)), known)
    evidence = looked(evidence, at + 9 * TICK, counts(requests + 100), counts(2400, 401))
    assert evidence.intake("api").rows[-1].candidate == Slice(50, 1, (1,), (50,))
    assert evidence.counts("api", "green").errors == 1


def test_an_increment_of_before_and_after_a_shift_counts_for_nothing() -> None:
    """Where a meter counts every ten seconds and the step began in between, what it says next is of two splits at once.

    Nine seconds at no share and one at half: a failure that both sides shared in that second looks like the candidate's own.
    """
    evidence = Evidence("blue", "green", PLAN, ("api",))
    for look in range(4):
        evidence = looked(evidence, 10.0 * look, counts(4000 * look, 40 * look), counts(0), every=10.0)
    evidence = evidence.with_look(Look(39.0)).for_step(0)
    before = worse(evidence.for_step(0))
    # From 30 to 39 all 3600 requests went to blue; from 39 to 40 200 went to each, and half of all failed.
    evidence = looked(evidence, 40.0, counts(15_800, 256), counts(200, 100), every=10.0)

    assert worse(evidence) == before


def lagging() -> Iterator[tuple[float, Counts, Counts]]:
    """Readings of a meter whose latency is always that of the reading before."""
    for look in range(80):
        requests = 50 * look
        blue = counts(requests, requests // 100, timed=max(0, requests - 50))
        yield look * TICK, blue, counts(requests, requests // 100, place=3, timed=max(0, requests - 50))


def test_latency_that_comes_a_read_late_is_counted() -> None:
    """A meter whose latency lags by a reading has every request's latency counted all the same, once, and a fault is found."""
    evidence = begun()
    for at, blue, green in lagging():
        evidence = looked(evidence, at, blue, green)
    increments = evidence.intake("api").rows

    assert evidence.blind == ()
    assert sum(increment.candidate.requests for increment in increments) == 50 * 79
    assert sum(sum(increment.candidate.bins) for increment in increments) == 50 * 78
    assert evidence.intake("api").trial.latency.worse.log() > log(100.0)
    assert verdict_of(judge(evidence, STEP)) is Verdict.FAIL


def test_a_long_step_has_no_more_increments_than_its_journal_holds() -> None:
    """In a step of two days an increment is as long as the journal needs it to be, and no request is lost by that."""
    long = Plan(steps=(Step(50, bake=172_800.0, requests=1, limit=172_800.0),), gates=Gates())
    evidence = begun(long)
    for look in range(400):
        evidence = looked(evidence, look * TICK, counts(10 * look), counts(10 * look))

    increments = evidence.intake("api").rows
    assert len(increments) <= 1 + 100.0 / (172_800.0 / ROWS)
    assert min(increment.seconds for increment in increments) >= 172_800.0 / ROWS
    assert sum(increment.live.requests for increment in increments) >= 10 * 400 - 10 * (9.0 / TICK)


def test_requests_at_rest_begin_after_what_was_under_way() -> None:
    """The split is judged without what came within two seconds after the step began."""
    evidence, _, _ = at_step(seconds=1.0)
    assert evidence.intake("api").requests_at_rest() == (0, 0)

    evidence, _, _ = at_step(seconds=10.0)
    resting = 50 * int((10.0 - SETTLES) / TICK)
    assert evidence.intake("api").requests_at_rest() == pytest.approx((resting, resting), abs=100)


def at_rest(*readings: tuple[Counts, Counts]) -> tuple[int, int]:
    """Requests by weight of a step after these readings of blue and green, three seconds apart."""
    evidence = Evidence("blue", "green", PLAN, ("api",)).for_step(0)
    for look, (blue, green) in enumerate(readings):
        evidence = looked(evidence, 3.0 * look, blue, green)
    return evidence.intake("api").requests_at_rest()


def test_who_went_by_name_is_not_of_the_split() -> None:
    """Requests by name since the step came to rest are left out, and those of before are not left out once more."""
    before = (Counts(1000, named=900), Counts(10, named=10))

    assert at_rest(before, before, (Counts(1100, named=960), Counts(50, named=10))) == (40, 40)
    assert at_rest(before, before, (Counts(1100, named=960), Counts(50, named=50))) == (40, 0)


def test_nobody_is_less_than_nobody() -> None:
    """Where a reading has more by name than there were requests, for it was not of one moment, there were none by weight."""
    before = (Counts(10, named=5), Counts(10, named=5))

    assert at_rest(before, before, (Counts(11, named=7), Counts(10, named=6))) == (0, 0)


def test_names_that_are_not_told_any_more_are_no_burst() -> None:
    """A number by name that goes down takes nobody out, and adds nobody: requests are as many as were counted."""
    before = (Counts(1000, named=900), Counts(1000, named=900))

    assert at_rest(before, before, (Counts(1100, named=0), Counts(1100, named=20))) == (100, 100)


def test_a_proxy_that_begins_anew_begins_with_its_names() -> None:
    """After a restart all counts are from zero: the split is of what came by weight since it came to rest again."""
    before, after = (Counts(1000, named=900), Counts(1000, named=900)), (Counts(30, named=20), Counts(30, named=20))
    later = (Counts(60, named=40), Counts(60, named=50))

    assert at_rest(before, before, after) == (0, 0)
    assert at_rest(before, before, after, after, later) == (10, 0)


def test_quantiles_are_edges_of_buckets() -> None:
    """The edge of the bucket that holds it; without requests 0, beyond the last edge infinite."""
    assert quantile(counts(100, place=3), 0.95) == 50.0
    assert quantile(Counts(20, 0, ((1.0, 18), (2.0, 19), (INF, 20))), 0.95) == 2.0
    assert quantile(Counts(20, 0, ((1.0, 18), (2.0, 18), (INF, 20))), 0.95) == INF
    assert quantile(Counts(), 0.95) == quantile(counts(0), 0.95) == 0.0


def test_a_candidate_may_warm_up() -> None:
    """What is counted in the first seconds of the first step is no evidence, where the plan says so; what comes then is."""
    plan = replace(PLAN, warm_up=5.0)
    evidence = begun(plan)
    for look in range(19):
        evidence = looked(evidence, look * TICK, counts(50 * look), counts(50 * look, 50 * look))
    assert rows(evidence) == 0
    assert verdict_of(judge(evidence, STEP)) is not Verdict.FAIL

    for look in range(19, 30):
        evidence = looked(evidence, look * TICK, counts(50 * look), counts(50 * look, 50 * look))
    assert rows(evidence) > 0
    assert verdict_of(judge(evidence, STEP)) is Verdict.FAIL
