"""The gates that look at probes, restarts, memory and sight, and how verdicts add up."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis import Evidence, judge, prove, verdict_of
from smoke.model import Answer, Counts, Finding, Look, Reading, Sample, Verdict
from smoke.plan import Gates, Plan, Step

STEP = Step(share=5, bake=2.0, requests=100, limit=60.0)
PLAN = Plan(steps=(STEP,), gates=Gates())
UNASKED = replace(STEP, requests=0)
"""A step at which no evidence is asked for."""


def reading(answer: Answer = Answer.OK, *, slot: str = "green", instance: str = "1", impostor: bool = False) -> Reading:
    """One reading of the one probe."""
    return Reading("api", slot, "http /", answer, "what was seen", 0.0, "v", impostor, instance)


def seen(*looks: Look, plan: Plan = PLAN) -> Evidence:
    """The evidence that these looks make."""
    evidence = Evidence("blue", "green", plan, ("api",))
    for look in looks:
        evidence = evidence.with_look(look)
    return evidence


def look(at: float, *readings: Reading, blind: Iterable[str] = ()) -> Look:
    """One look."""
    return Look(at, readings, {}, {}, tuple(blind))


def judged(evidence: Evidence) -> dict[str, Verdict]:
    """Verdict by gate at the step."""
    return {finding.gate: finding.verdict for finding in judge(evidence, STEP)}


def test_no_finding_is_blindness() -> None:
    """If no gate has anything to say, nothing was seen; that is never a pass."""
    assert verdict_of([]) is Verdict.BLIND


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_the_worst_verdict_counts(each: list[Verdict]) -> None:
    """One FAIL is a FAIL, whatever else passes; a pass needs every gate."""
    worst = verdict_of(Finding(verdict, "api", "gate", "") for verdict in each)

    order = [Verdict.FAIL, Verdict.BLIND, Verdict.UNDECIDED, Verdict.PASS]
    assert worst is min(each, key=order.index)


def watched(seconds: float, requests: int, *, timed: bool = True) -> Evidence:
    """A step after that time, in sixteen looks, at which the candidate answered that many requests without an error."""
    evidence = Evidence("blue", "green", replace(PLAN, gates=Gates(errors=0.05, error_margin=0.05)), ("api",))
    evidence = evidence.with_look(counted(0.0, 0, 0, timed=timed)).for_step(0).with_look(counted(0.001, 0, 0, timed=timed))
    for part in range(1, 17):
        blue, green = 19 * requests * part // 16, requests * part // 16
        evidence = evidence.with_look(counted(seconds * part / 16, blue, green, timed=timed))
    return evidence


def test_latency_that_was_not_measured_is_no_pass() -> None:
    """Requests that were counted but not timed leave a step undecided, whatever else is shown."""
    found = judge(watched(2.0, 1000, timed=False), STEP)

    assert {each.gate for each in found if each.verdict is Verdict.UNDECIDED} == {"latency", "latency objective"}


def counted(at: float, blue: int, green: int, *, timed: bool = True) -> Look:
    """A look with requests of both slots, none of which failed, and each of which took about as long."""
    slots = {
        slot: Counts(count, 0, ((2.0, 0), (5.0, count), (10.0, count), (float("inf"), count)) if timed else ())
        for slot, count in (("blue", blue), ("green", green))
    }
    return Look(at, (), {"api": Sample(at, slots)})


def test_a_step_passes_on_time_requests_and_evidence_together() -> None:
    """Watched long enough, with enough requests and evidence, a step passes; short of any of them it is undecided."""
    assert verdict_of(judge(watched(2.0, 1000), STEP)) is Verdict.PASS
    for evidence, step, short in (
        (watched(2.0, 1000), replace(STEP, bake=2.1), {"bake"}),
        (watched(2.0, 1000), replace(STEP, requests=1001), {"requests"}),
        (watched(2.0, 30), replace(STEP, requests=30), {"errors", "error objective", "latency objective"}),
    ):
        assert {finding.gate for finding in judge(evidence, step) if finding.verdict is Verdict.UNDECIDED} == short
        assert verdict_of(judge(evidence, step)) is Verdict.UNDECIDED
    assert verdict_of(judge(watched(2.0, 0), UNASKED)) is Verdict.PASS


def test_a_step_that_begins_again_takes_no_weight() -> None:
    """When a step is watched anew, as after a drift, what may have begun with it has its weight already."""
    plan = replace(PLAN, steps=(STEP, STEP, STEP))
    evidence = Evidence("blue", "green", plan, ("api",)).with_look(counted(0.0, 0, 0))
    reserves = []
    for step in (0, 0, 1, 1, 0, 2):
        evidence = evidence.for_step(step)
        reserves.append(round(evidence.intake("api").trial.errors.worse.reserve, 9))

    assert reserves == [0.4, 0.4, 0.3, 0.3, 0.3, 0.2]


def test_time_without_sight_is_not_watched() -> None:
    """A tick in which something could not be read does not count towards the bake, and is blind."""
    evidence = seen(look(0.0), look(5.0, blind=["api: no counts"]), look(6.0))

    assert (evidence.watched, evidence.spent, evidence.unseen) == (1.0, 6.0, 0.0)
    assert verdict_of(judge(seen(look(0.0), look(5.0, blind=["api: no counts"])), STEP)) is Verdict.BLIND


def test_a_service_without_probes_is_not_proven() -> None:
    """Where nobody is asked, nothing was seen: a rollout without any probe is blind, never healthy."""
    assert verdict_of(prove(seen(look(0.0)), [])) is Verdict.BLIND


def test_an_impostor_is_a_failure_at_once() -> None:
    """One answer by something else is enough, before and during the steps; on the live slot it is not held against green."""
    impostor = seen(look(0.0, reading(Answer.FAILED, impostor=True)))

    assert judged(impostor)["identity http /"] is Verdict.FAIL
    assert verdict_of(prove(impostor, [("api", "http /")])) is Verdict.FAIL
    assert "identity http /" not in judged(seen(look(0.0, reading(Answer.FAILED, slot="blue", impostor=True))))


def test_the_old_version_that_answers_well_is_an_impostor_all_the_same() -> None:
    """An answer that is good, and by something else, fails the candidate: success of the old version is none of the new."""
    impostor = seen(look(0.0, reading(Answer.OK, impostor=True)))

    assert verdict_of(judge(impostor, UNASKED)) is Verdict.FAIL
    assert verdict_of(prove(impostor, [("api", "http /")])) is Verdict.FAIL


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


def test_a_restart_is_told_with_its_words() -> None:
    """What a probe says of a candidate that began anew and is not well is in the reason; one that is well has no more to say."""
    ill = seen(look(0.0, reading(instance="1")), look(1.0, reading(Answer.FAILED, instance="2")))
    well = seen(look(0.0, reading(instance="1")), look(1.0, reading(instance="2")))
    told = [next(each.because for each in judge(evidence, STEP) if each.gate == "restarts") for evidence in (ill, well)]

    assert [each.partition("tolerated")[2] for each in told] == [": what was seen", ""]


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
    assert verdict_of(judge(evidence, STEP)) is Verdict.BLIND
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
