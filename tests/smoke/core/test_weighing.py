"""What counts say of a service: verdict, sentence and numbers."""

from dataclasses import replace
from math import exp, isfinite, log

import pytest
from weighed import GRID, LAST, PLAN, STEP, UNASKED, Traffic

from smoke.analysis import Evidence, explained, judge, verdict_of
from smoke.analysis.mixture import log_total
from smoke.analysis.trial import ERROR_OBJECTIVE, ERRORS, LATENCY, LATENCY_OBJECTIVE, WEIGHTS
from smoke.analysis.weighing import DOUBT, weigh
from smoke.model import Counts, Finding, Look, Sample, Verdict
from smoke.plan import Step

INF = float("inf")

FINE, ERRORS_SHARED = {"blue": (100, 1), "green": (100, 1)}, {"blue": (100, 30), "green": (100, 30)}
FAULTS = {
    ERRORS: {"blue": (100, 1), "green": (100, 12)},
    LATENCY: {"blue": (100, 1), "green": (100, 1), "slower": 4},
    ERROR_OBJECTIVE: ERRORS_SHARED,
    LATENCY_OBJECTIVE: {"blue": (100, 1), "green": (100, 1), "both": 15},
}
NARROW = replace(PLAN, gates=replace(PLAN.gates, errors=0.15, p95_ms=GRID[36]))
"""Objectives that only what is meant to miss them misses."""


def failed(gate: str, step: Step = STEP) -> tuple[Traffic, Finding]:
    """A rollout with this fault, and what is said of it at the first failure."""
    traffic = Traffic(NARROW)
    for _ in range(120):
        traffic.second(**FAULTS[gate])  # type: ignore[arg-type] - by its keywords
        found = [each for each in weigh(traffic.evidence, step) if each.verdict is Verdict.FAIL]
        if found:
            return traffic, found[0]
    raise AssertionError(f"{gate} was not found")


@pytest.mark.parametrize("gate", FAULTS)
def test_a_failure_names_the_gate_with_most_evidence(gate: str) -> None:
    """One FAIL, of the gate whose fault it is, with evidence over the threshold and the words for both numbers."""
    traffic, found = failed(gate)
    logs = traffic.evidence.logs()

    assert found.gate == gate == max(logs, key=lambda key: logs[key])[1]
    assert verdict_of(judge(traffic.evidence, STEP)) is Verdict.FAIL
    assert [each.gate for each in judge(traffic.evidence, STEP) if each.verdict is Verdict.FAIL] == [gate]
    assert found.numbers["threshold"] == pytest.approx(100.0)
    assert found.numbers["evidence"] >= 100.0
    assert f"api: E = {found.numbers['evidence']:.3g} > 100: " in found.because
    rest = 1.0 - sum(WEIGHTS.values())
    assert found.numbers["evidence"] == pytest.approx(exp(log_total([*logs.values(), log(rest)])))


@pytest.mark.parametrize("gate", FAULTS)
def test_numbers_are_those_that_were_counted(gate: str) -> None:
    """A failure has its requests, its estimate and an interval with the estimate in it, on the far side of what is allowed."""
    traffic, found = failed(gate)
    green, blue = (traffic.evidence.counts("api", slot) for slot in ("green", "blue"))
    numbers = found.numbers

    assert numbers["n"] == green.requests
    assert numbers["window"] == traffic.evidence.watched
    # Of the live slot's latency nothing may be beyond the edge: then the ratio has no estimate.
    assert numbers["low"] <= numbers.get("estimate", INF) <= numbers.get("high", INF)
    assert numbers.get("estimate", numbers["low"]) > numbers["limit"]
    if gate == ERRORS:
        assert numbers["n_live"] == blue.requests
        assert numbers["estimate"] == pytest.approx(green.errors / green.requests / (blue.errors / blue.requests))
        assert f"{green.errors} errors in {green.requests} requests of green against {blue.errors} in" in found.because
        assert "; ratio " in found.because
    if gate == ERROR_OBJECTIVE:
        assert numbers["estimate"] == pytest.approx(green.errors / green.requests)
        assert numbers["limit"] == 0.15
        assert f"{green.errors} errors in {green.requests} requests of green, 0.15 of them may be; share 0." in found.because
    if gate == LATENCY_OBJECTIVE:
        assert numbers["limit"] == 0.05
        assert f"requests of green took longer than {GRID[36]:g} ms, 5% may; share " in found.because


def test_the_sentence_of_latency_has_two_edges() -> None:
    """The candidate's share beyond the edge that is the tolerated ratio above the live slot's, and the live slot's share."""
    traffic, found = failed(LATENCY)
    trial = traffic.evidence.intake("api").trial
    assert trial.thresholds is not None
    edges = {f"{GRID[pair[1]]:.3g} ms" for pair in trial.thresholds.worse if pair}
    share = found.because.split("E = ")[1].split(": ")[1].split("%")[0]

    assert any(f"took longer than {edge}, against " in found.because for edge in edges)
    assert 0.0 < float(share) <= 100.0
    assert f" of {found.numbers['n']:,.0f} requests of green took longer than" in found.because


def test_what_is_not_shown_yet_is_undecided_and_says_so() -> None:
    """In two clean seconds nothing is shown; each gate says what it wants to show, how far it is, and what it saw."""
    traffic = Traffic()
    for _ in range(3):  # the first only shows where the counts of the step begin
        traffic.second(blue=(20, 0), green=(20, 0))
    said = traffic.said()

    assert {gate: each.verdict for gate, each in said.items()} == dict.fromkeys(WEIGHTS, Verdict.UNDECIDED)
    assert said[ERRORS].because.startswith(
        "api: not shown yet that green fails at most 2 times as often as blue and 0.02 of the requests: E = "
    )
    assert " of 20: 0 errors in 40 requests of green against 0 in 40 of blue" in said[ERRORS].because
    assert " that green is at most 1.05 times as slow as blue: E = " in said[LATENCY].because
    assert " that at most 0.05 of the requests of green fail: E = " in said[ERROR_OBJECTIVE].because
    assert f" that 95 % of the requests of green take {GRID[40]:g} ms at most: E = " in said[LATENCY_OBJECTIVE].because
    assert said[ERRORS].numbers["evidence"] == pytest.approx(exp(traffic.evidence.intake("api").trial.errors.better.log()))


def test_what_is_shown_passes_and_says_so() -> None:
    """After some time without a difference every gate passes, with evidence over one over the probability of a false pass."""
    traffic = Traffic()
    for _ in range(60):
        traffic.second(**FINE)

    assert verdict_of(judge(traffic.evidence, STEP)) is Verdict.PASS
    for gate, each in traffic.said().items():
        assert (gate, each.verdict) == (gate, Verdict.PASS)
        assert each.numbers["evidence"] >= each.numbers["threshold"] == pytest.approx(20.0)
        assert " > 20: " in each.because
    assert "api: green fails at most 2 times as often as blue and 0.02 of the requests: E = " in traffic.said()[ERRORS].because


def test_how_sure_is_asked_of_the_plan() -> None:
    """What fails at 1 % of false aborts does not yet at a millionth, and what is shown at 5 % is not yet at a millionth."""
    traffic, found = failed(ERRORS)
    strict = replace(traffic.evidence, plan=replace(NARROW, false_aborts=1e-9))
    assert found.verdict is Verdict.FAIL
    assert all(each.verdict is not Verdict.FAIL for each in weigh(strict, STEP))

    traffic = Traffic()
    while traffic.said()[ERRORS].verdict is not Verdict.PASS:
        traffic.second(**FINE)
    strict = replace(traffic.evidence, plan=replace(PLAN, false_passes=1e-6))
    assert {each.verdict for each in weigh(strict, STEP) if each.gate == ERRORS} == {Verdict.UNDECIDED}


def test_a_doubt_keeps_a_step_from_passing() -> None:
    """After a long clean time a fault that is not yet sure is in doubt: what is shown already does not carry the step over it."""
    traffic = Traffic(NARROW)
    for _ in range(200):
        traffic.second(**FINE)
    assert traffic.said()[ERRORS].verdict is Verdict.PASS
    doubts = 0
    for _ in range(60):
        traffic.second(blue=(100, 1), green=(100, 9))
        said = traffic.said()[ERRORS]
        if said.verdict is Verdict.FAIL:
            break
        if said.because.startswith("api: in doubt that green fails at most"):
            doubts += 1
            assert said.verdict is Verdict.UNDECIDED
            assert " against it of late, 3 is doubt: " in said.because
            assert traffic.evidence.intake("api").trial.errors.better.log() > log(20.0)
    assert doubts >= 1
    assert said.verdict is Verdict.FAIL


def test_a_stall_that_is_over_is_not_held_against_it_for_ever() -> None:
    """Requests that were late as the first traffic came are a doubt, which is over once a bake went well."""
    traffic = Traffic(replace(PLAN, gates=replace(PLAN.gates, latency_ratio=1.5)))
    traffic.second(blue=(80, 1), green=(0, 0))  # where the counts of the step begin
    traffic.second(blue=(80, 1), green=(20, 0), late=6)
    first = traffic.said()[LATENCY]
    seconds = 0
    while traffic.said()[LATENCY].verdict is not Verdict.PASS:
        traffic.second(blue=(80, 1), green=(20, 0))
        assert (seconds := seconds + 1) < 60, traffic.said()[LATENCY].because

    assert first.because.startswith("api: in doubt that green is at most 1.5 times as slow as blue: E = ")
    assert traffic.evidence.intake("api").trial.latency.worse.log() > log(DOUBT), "the rollout as a whole forgot it"


def test_at_all_traffic_nothing_is_compared() -> None:
    """At 100 % there is no live slot to compare with: only the objectives are asked, and both can be shown, and missed."""
    traffic = Traffic()
    traffic.evidence = traffic.evidence.for_step(1)
    for _ in range(60):
        traffic.second(blue=(0, 0), green=(200, 2))
    said = traffic.said(LAST)

    assert {gate: each.verdict for gate, each in said.items()} == {
        ERROR_OBJECTIVE: Verdict.PASS,
        LATENCY_OBJECTIVE: Verdict.PASS,
    }
    assert said[ERROR_OBJECTIVE].numbers["estimate"] == pytest.approx(0.01)
    for _ in range(30):
        traffic.second(blue=(0, 0), green=(200, 40))
    assert traffic.said(LAST)[ERROR_OBJECTIVE].verdict is Verdict.FAIL


@pytest.mark.parametrize("gate", FAULTS)
def test_a_step_that_asks_for_no_evidence_fails_what_is_bad(gate: str) -> None:
    """Without requests that are asked for, nothing has to be shown; what is bad fails all the same."""
    traffic = Traffic()
    traffic.second(**FINE)

    assert traffic.said(UNASKED) == {}
    assert failed(gate, UNASKED)[1].gate == gate


def test_a_service_may_pass_unseen() -> None:
    """One service may ask for no requests while the others do; a step that asks for none cannot be made to by a service."""
    own = replace(PLAN, own={"api": replace(PLAN.gates, requests=0)})
    many = replace(PLAN, own={"api": replace(PLAN.gates, requests=5000)})

    assert Traffic(own).said() == {}
    assert set(Traffic().said()) == set(WEIGHTS)
    assert Traffic(many).said(UNASKED) == {}
    needed = {each.gate: each.because for each in judge(Traffic(many).evidence, STEP)}["requests"]
    assert needed == "api: 0 of 5000 requests were answered by green"


def test_services_share_the_false_aborts() -> None:
    """Each of four services needs four times the evidence that one alone would."""
    alone, four = Traffic(NARROW), Traffic(NARROW, ("api", "b", "c", "d"))
    for _ in range(3):
        for traffic in (alone, four):
            traffic.second(**FAULTS[ERRORS])  # type: ignore[arg-type]

    key = ("api", ERRORS)
    assert four.evidence.logs()[key] == pytest.approx(alone.evidence.logs()[key] - log(4.0))


def test_before_the_first_step_nothing_is_said() -> None:
    """While nothing was moved yet, no gate that counts has anything to say."""
    evidence = Evidence("blue", "green", PLAN, ("api",)).with_look(Look(0.0, (), {"api": Sample(0.0, {"blue": Counts(5)})}))

    assert [*weigh(evidence, STEP)] == []


def test_an_interval_is_added_once() -> None:
    """What is written into the journal has its interval; a second time nothing is added, and other gates have none."""
    traffic = Traffic()
    for _ in range(10):
        traffic.second(**FINE)
    for each in judge(traffic.evidence, STEP):
        told = explained(traffic.evidence, each)
        assert explained(traffic.evidence, told) == told
        assert ("low" in told.numbers) == (each.gate in WEIGHTS)
        assert told.because.startswith(each.because)
        assert all(isfinite(number) for number in told.numbers.values())


def test_no_live_error_has_no_estimate() -> None:
    """A ratio to nothing is not a number: there is no estimate, the interval has a lower end only, and the words say so."""
    plan = replace(PLAN, gates=replace(PLAN.gates, errors=1.0))
    traffic = Traffic(plan)
    for _ in range(40):
        traffic.second(blue=(100, 0), green=(100, 12))
        found = traffic.said()[ERRORS]
        if found.verdict is Verdict.FAIL:
            break

    assert found.verdict is Verdict.FAIL
    assert {"estimate", "high"}.isdisjoint(found.numbers)
    assert "; ratio at least " in found.because


def test_evidence_too_great_for_a_number_is_said() -> None:
    """A disaster that goes on is still a finite number, and a power of ten in words."""
    traffic = Traffic()
    for _ in range(60):
        traffic.second(blue=(100, 1), green=(100, 100))
    found = next(each for each in weigh(traffic.evidence, STEP) if each.verdict is Verdict.FAIL)

    assert "E = 10^" in found.because
    assert isfinite(found.numbers["evidence"])
