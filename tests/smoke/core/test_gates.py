"""The gates: what each says of given evidence, with its numbers."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis import Evidence, judge, prove, verdict_of
from smoke.analysis.evidence import quantile, slower_than
from smoke.model import Answer, Counts, Finding, Look, Reading, Sample, Verdict
from smoke.plan import Gates, Plan, Step

STEP = Step(share=5, bake=2.0, requests=100, limit=60.0)
PLAN = Plan(steps=(STEP,), gates=Gates())
INF = float("inf")


def reading(answer: Answer = Answer.OK, *, slot: str = "green", instance: str = "1", impostor: bool = False) -> Reading:
    """One reading of the one probe."""
    return Reading("api", slot, "http /", answer, "what was seen", 0.0, "v", impostor, instance)


def counts(requests: int, errors: int = 0, slow: int = 0) -> Counts:
    """Requests of which some failed and some took longer than a second."""
    return Counts(requests, errors, ((10.0, requests - slow), (1000.0, requests - slow), (INF, requests)))


def seen(*looks: Look, plan: Plan = PLAN) -> Evidence:
    """The evidence that these looks make."""
    evidence = Evidence("blue", "green", plan)
    for look in looks:
        evidence = evidence.with_look(look)
    return evidence


def look(
    at: float, *readings: Reading, blue: Counts | None = None, green: Counts | None = None, blind: Iterable[str] = ()
) -> Look:
    """One look; a service with counts when there are any."""
    slots = {slot: each for slot, each in (("blue", blue), ("green", green)) if each is not None}
    return Look(at, readings, {"api": Sample(at, slots)} if slots else {}, {}, tuple(blind))


def verdicts(findings: Iterable[Finding]) -> dict[str, Verdict]:
    """Verdict by gate."""
    return {finding.gate: finding.verdict for finding in findings}


def judged(evidence: Evidence) -> dict[str, Verdict]:
    """Verdict by gate at the step."""
    return verdicts(judge(evidence, STEP, ["api"]))


def test_no_finding_is_blindness() -> None:
    """If no gate has anything to say, nothing was seen; that is never a pass."""
    assert verdict_of([]) is Verdict.BLIND


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_the_worst_verdict_counts(each: list[Verdict]) -> None:
    """One FAIL is a FAIL, whatever else passes; a pass needs every gate."""
    worst = verdict_of(Finding(verdict, "api", "gate", "") for verdict in each)

    order = [Verdict.FAIL, Verdict.BLIND, Verdict.UNDECIDED, Verdict.PASS]
    assert worst is min(each, key=order.index)


def test_a_step_passes_on_time_requests_and_gates_together() -> None:
    """Watched long enough, with enough requests and no gate against it, a step passes; short of either it is undecided."""
    start = look(0.0, blue=counts(0), green=counts(0))

    assert verdict_of(judge(seen(start, look(2.0, blue=counts(900), green=counts(100))), STEP, ["api"])) is Verdict.PASS
    assert judged(seen(start, look(1.9, blue=counts(900), green=counts(100))))["bake"] is Verdict.UNDECIDED
    assert judged(seen(start, look(2.0, blue=counts(900), green=counts(99))))["requests"] is Verdict.UNDECIDED


def test_time_without_sight_is_not_watched() -> None:
    """A tick in which something could not be read does not count towards the bake, and is blind."""
    evidence = seen(
        look(0.0, green=counts(0)), look(5.0, green=counts(500), blind=["api: no counts"]), look(6.0, green=counts(600))
    )

    assert (evidence.watched, evidence.spent, evidence.unseen) == (1.0, 6.0, 0.0)


def test_counts_begin_with_the_step() -> None:
    """What was counted before the step began is not held against it."""
    evidence = seen(
        look(0.0, blue=counts(50), green=counts(50, errors=50)), look(1.0, blue=counts(60), green=counts(60, errors=50))
    )

    assert evidence.counts("api", "green") == Counts(10, 0, ((10.0, 10), (1000.0, 10), (INF, 10)))
    assert evidence.for_step().counts("api", "green").requests == 0


def test_a_counter_that_went_back_begins_anew() -> None:
    """A proxy that was restarted counts from zero again: that is no burst and no negative count."""
    evidence = seen(look(0.0, green=counts(1000, errors=5)), look(1.0, green=counts(10)), look(2.0, green=counts(30, errors=1)))

    assert (evidence.counts("api", "green").requests, evidence.counts("api", "green").errors) == (20, 1)


@pytest.mark.parametrize(
    ("errors", "verdict"), [(0, Verdict.PASS), (2, Verdict.PASS), (6, Verdict.UNDECIDED), (12, Verdict.FAIL)]
)
def test_the_error_objective_asks_for_surprise(errors: int, verdict: Verdict) -> None:
    """At 1 % allowed: two errors in 200 are no surprise, six are a doubt, twelve a FAIL."""
    evidence = seen(look(0.0, green=counts(0)), look(2.0, green=counts(200, errors=errors)))

    assert judged(evidence)["error objective"] is verdict


def test_errors_that_both_sides_share_are_not_the_candidates_fault() -> None:
    """When live fails as often, the comparison passes; the absolute objective still speaks."""
    start = look(0.0, blue=counts(0), green=counts(0))
    evidence = seen(start, look(2.0, blue=counts(1000, errors=300), green=counts(100, errors=30)))

    assert judged(evidence)["errors"] is Verdict.PASS
    assert judged(evidence)["error objective"] is Verdict.FAIL


def test_the_finding_names_its_numbers() -> None:
    """A FAIL says how many errors in how many requests, on both sides, and what is allowed."""
    start = look(0.0, blue=counts(0), green=counts(0))
    evidence = seen(start, look(2.0, blue=counts(1000, errors=1), green=counts(100, errors=30)))
    said = {finding.gate: finding.because for finding in judge(evidence, STEP, ["api"])}

    assert "30 errors in 100 requests of green (30.00%) against 1 in 1000 of blue, a ratio of 2 is allowed" in said["errors"]


def test_latency_is_held_against_its_objective() -> None:
    """5 % may be slower than the objective; 40 of 100 are a FAIL."""
    evidence = seen(look(0.0, green=counts(0)), look(2.0, green=counts(100, slow=40)))

    assert judged(evidence)["latency objective"] is Verdict.FAIL


def test_a_service_may_have_gates_of_its_own() -> None:
    """What is too many errors for the plan is not for a service that says so itself."""
    looks = (look(0.0, blue=counts(0), green=counts(0)), look(2.0, blue=counts(900), green=counts(100, errors=9)))
    own = replace(PLAN, own={"api": Gates(errors=0.2, error_ratio=1000.0)})

    assert judged(seen(*looks))["error objective"] is Verdict.FAIL
    assert judged(seen(*looks, plan=own))["error objective"] is Verdict.PASS


def test_an_impostor_is_a_failure_at_once() -> None:
    """One answer by something else is enough, before and during the steps; on the live slot it is not held against green."""
    impostor = seen(look(0.0, reading(Answer.FAILED, impostor=True)))

    assert judged(impostor)["identity http /"] is Verdict.FAIL
    assert verdict_of(prove(impostor, [("api", "http /")])) is Verdict.FAIL
    assert "identity http /" not in judged(seen(look(0.0, reading(Answer.FAILED, slot="blue", impostor=True))))


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ("ffo", None),
        ("of", Verdict.UNDECIDED),
        ("off", Verdict.UNDECIDED),
        ("offf", Verdict.FAIL),
        ("offuf", Verdict.FAIL),
        ("offof", Verdict.UNDECIDED),
    ],
)
def test_probes_fail_in_a_row(answers: str, verdict: Verdict | None) -> None:
    """Three failures in a row are a FAIL; a good one breaks the row, one that could not tell does not."""
    kinds = {"o": Answer.OK, "f": Answer.FAILED, "u": Answer.UNTOLD}
    evidence = seen(*(look(float(at), reading(kinds[each])) for at, each in enumerate(answers)))

    assert judged(evidence).get("probe http /") is verdict


def test_a_restart_is_seen_by_its_instance() -> None:
    """Another instance of the candidate is a restart; of the live slot it is none of the candidate's."""
    green = seen(look(0.0, reading(instance="1")), look(1.0, reading(instance="2")))
    blue = seen(look(0.0, reading(slot="blue", instance="1")), look(1.0, reading(slot="blue", instance="2")))

    assert judged(green)["restarts"] is Verdict.FAIL
    assert "restarts" not in judged(blue)


@given(st.integers(1, 224))
def test_exactly_the_tolerated_ratio_is_tolerated(power: int) -> None:
    """On a grid of ratio 1.05, rounded as the proxy's is, a candidate one bucket slower is not slower, and two buckets are."""
    edges = [round(1.05**each, 4) for each in range(power, power + 3)]

    def all_at(edge: float) -> Counts:
        return Counts(20, 0, (*((each, 20 * (each >= edge)) for each in edges), (INF, 20)))

    def slower(edge: float) -> int:
        blocks = seen(look(0.0, blue=Counts(), green=Counts()), look(1.0, blue=all_at(edges[0]), green=all_at(edge))).blocks
        return blocks["api"].slower

    assert (slower(edges[1]), slower(edges[2])) == (0, 1)


def weighed(at: float, slot: str, megabytes: float) -> Look:
    """A look whose one reading says how much memory a slot holds."""
    return look(at, replace(reading(slot=slot), numbers={"rss_mb": megabytes}))


@pytest.mark.parametrize(
    ("live", "candidate", "verdict"),
    [
        (100.0, [201.0, 230.0, 260.0], Verdict.FAIL),
        (100.0, [199.0, 230.0, 260.0], Verdict.PASS),  # one of the three is allowed: a collection was due
        (20.0, [60.0, 60.0, 69.0], Verdict.PASS),  # of a small process a ratio says little
        (100.0, [500.0, 500.0], None),
    ],
)
def test_memory_is_held_against_the_live_slot(live: float, candidate: list[float], verdict: Verdict | None) -> None:
    """A candidate that holds more than the ratio of the live one's memory, by 50 MB or more, three times in a row, fails."""
    evidence = seen(weighed(0.0, "blue", live), *(weighed(1.0 + at, "green", each) for at, each in enumerate(candidate)))

    assert judged(evidence).get("memory") is verdict


def test_a_probe_that_cannot_tell_is_blindness() -> None:
    """What a probe said before it could no longer tell does not go on to hold: nothing is watched, and nothing passes."""
    well = look(0.0, *(reading(slot=slot) for slot in ("blue", "green") for _ in range(3)))
    untold = look(1.0, replace(reading(Answer.UNTOLD), detail="no files left here"))
    evidence = seen(well, untold, look(2.0), look(3.0))

    assert (evidence.watched, evidence.unseen) == (0.0, 3.0)
    assert verdict_of(judge(evidence, STEP, ["api"])) is Verdict.BLIND
    assert verdict_of(prove(evidence, [("api", "http /")])) is Verdict.BLIND
    assert seen(well, untold, look(2.0, reading())).blind == ()


def test_two_probes_name_a_process_each_in_its_own_way() -> None:
    """A service whose probes show different instances was not restarted; a restart that both see is one."""
    page = replace(reading(instance="77"), probe="streamlit /")
    both = look(0.0, reading(instance="1"), page)
    again = look(2.0, reading(instance="2"), replace(page, instance="78"))
    tolerant = replace(PLAN, own={"api": Gates(restarts=1)})

    assert "restarts" not in judged(seen(both, both))
    assert "restarts" not in judged(seen(both, again, plan=tolerant))


def test_proving_needs_both_slots_well() -> None:
    """The candidate and the live slot must each be well three times in a row, on every probe."""
    pair = [look(float(at), reading(slot="green"), reading(slot="blue")) for at in range(3)]

    assert verdict_of(prove(seen(*pair), [("api", "http /")])) is Verdict.PASS
    assert verdict_of(prove(seen(*pair[:2]), [("api", "http /")])) is Verdict.UNDECIDED
    assert verdict_of(prove(seen(*pair), [("api", "http /"), ("api", "tcp")])) is Verdict.UNDECIDED


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8))
def test_quantiles_are_within_the_edges(sizes: list[int]) -> None:
    """A quantile is one of the edges, never falls as the share grows, and is 0 for no requests."""
    edges = [float(2**number) for number in range(len(sizes) - 1)] + [INF]
    running = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    each = Counts(running[-1], 0, tuple(zip(edges, running, strict=True)))
    found = [quantile(each, share) for share in (0.1, 0.5, 0.95, 1.0)]

    assert found == sorted(found)
    assert set(found) <= ({0.0} if not running[-1] else set(edges))
    assert slower_than(each, INF) == (0, running[-1])
