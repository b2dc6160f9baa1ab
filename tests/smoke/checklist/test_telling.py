"""How the rows of the checklist stand: by gates, rollouts and persons, and by no tick."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
from simulation import OPENED

from infra.config.checks import ROWS as WRITTEN
from infra.config.checks import Phase
from smoke.checklist import ROWS, How, Placed, Told, facts_of, told
from smoke.evidence import PHASES, Evidence, Gate, Outcome, Standing, State, stand
from smoke.rollout import Cleared, Event, Failed, Finished, Passed, Proved, Settled, Shifted

NOW = 1000.0
GOOD: tuple[Event, ...] = (OPENED, Proved(2.0), Shifted(3.0), Passed(4.0), Shifted(5.0), Finished(6.0), Settled(7.0))
BACK: tuple[Event, ...] = (OPENED, Proved(2.0), Shifted(3.0), Failed(4.0, ("worse",)), Cleared(4.5))
RELEASE = OPENED.release


def gate(name: str, outcome: Outcome | None, *, attested: bool = False) -> Standing:
    """How a gate stands with that answer."""
    asked = Gate(name, "test", "it holds", None, 3600.0)
    answers = [] if outcome is None else [Evidence(name, outcome, "seen", NOW, "ann@desk", RELEASE, attested=attested)]
    return stand(asked, answers, RELEASE, NOW)


def row(number: int, found: Sequence[Told]) -> Told:
    """That row."""
    return next(each for each in found if each.row.number == number)


def test_there_are_as_many_rows_as_the_list_has() -> None:
    """120 rows, each with a number of its own, in the order of the phases."""
    assert [each.number for each in ROWS] == [*range(1, 121)]
    assert [*dict.fromkeys(each.phase for each in ROWS)] == [*PHASES]
    assert all(bool(each.fact) is (each.how is How.ROLLOUT) for each in ROWS)


def test_the_settings_know_the_same_phases_and_rows() -> None:
    """What may be written of a phase and of a row is what there is: the two packages share no table."""
    assert get_args(Phase) == PHASES
    assert len(ROWS) == WRITTEN


def test_nothing_is_done_before_anything_is_known() -> None:
    """Without evidence and rollouts only what is computed is done: that the state is known."""
    found = told({}, facts_of({}, RELEASE, None), {})
    assert {each.row.fact for each in found if each.done} == {"known"}


@pytest.mark.parametrize(
    ("outcome", "state", "done"),
    [
        (None, "not measured", False),
        (Outcome.PASS, "measured", True),
        (Outcome.FAIL, "failed", False),
        (Outcome.UNDECIDED, "undecided", False),
    ],
)
def test_a_row_is_as_its_gate_stands(outcome: Outcome | None, state: str, *, done: bool) -> None:
    """A row that a gate names is what that is, with its evidence."""
    found = row(28, told({28: [gate("unit-tests", outcome)]}, {}, {}))
    assert (found.state, found.done, found.by) == (state, done, ("unit-tests",))


def test_a_row_is_done_when_all_that_name_it_are_open() -> None:
    """One shut gate of several keeps it open; one that is attested is never shown as measured."""
    good, bad, said = gate("a", Outcome.PASS), gate("b", Outcome.FAIL), gate("c", Outcome.PASS, attested=True)
    assert not row(28, told({28: [good, bad]}, {}, {})).done
    assert row(28, told({28: [good, said]}, {}, {})).state == State.ATTESTED.value
    assert row(28, told({28: [good, good]}, {}, {})).state == "measured"


def test_a_row_without_a_gate_says_how_to_have_one() -> None:
    """What nobody asks is not done, and it is said what to write."""
    found = row(28, told({}, {}, {}))
    assert (found.done, found.state) == (False, "no gate names it")
    assert "rows: [28]" in found.why


def test_a_row_that_does_not_apply_is_told_with_its_reason() -> None:
    """It is done as that, whatever else is known."""
    found = row(45, told({45: [gate("a", Outcome.FAIL)]}, {}, {45: "we have no compose file"}))
    assert (found.state, found.done, found.why) == ("not applicable", True, "we have no compose file")


def test_a_promotion_answers_what_it_showed() -> None:
    """A rollout to its end answers the rows of deployment; one of another release answers none of them."""
    facts = facts_of({"0001-a": GOOD}, RELEASE, Placed("green"))
    assert set(facts) == {"known", "placed", "opened", "proved", "watched", "stepped", "settled"}
    assert row(79, told({}, facts, {})).by == ("0001-a",)
    assert set(facts_of({"0001-a": GOOD}, "another", None)) == {"known"}


@pytest.mark.parametrize("count", range(1, len(GOOD)))
def test_what_did_not_happen_yet_is_not_told(count: int) -> None:
    """At every event of a rollout, the facts are those of the events until then."""
    facts = set(facts_of({"0001-a": GOOD[:count]}, RELEASE, None))
    assert ("settled" in facts, "proved" in facts) == (False, count > 1)
    assert ("stepped" in facts) is (count > 5)


def test_a_way_back_that_was_gone_is_a_rehearsal() -> None:
    """One with traffic, of whatever release, with the seconds it took; one before any traffic is none."""
    found = facts_of({"0001-a": BACK}, "another", None)
    assert found["rehearsed"].says == "0001-a went back: all traffic within 0.5 s of the decision"
    early = (OPENED, Failed(2.0, ("worse",)), Cleared(3.0))
    assert "rehearsed" not in facts_of({"0001-a": early}, RELEASE, None)


def test_rows_of_images_want_images() -> None:
    """Processes of this machine answer none of them; containers do."""
    numbers = [each.number for each in ROWS if each.fact == "imaged"]
    assert numbers == [40, 41, 42, 43]
    for images in (False, True):
        found = told({}, facts_of({}, RELEASE, Placed("green", images=images)), {})
        assert [row(number, found).done for number in numbers] == 4 * [images]


def test_a_way_back_by_another_plan_is_no_rehearsal() -> None:
    """It is told and does not count, unless a way back by the plan of now was gone too, before or after it."""
    other = (replace(OPENED, plan=replace(OPENED.plan, prove=OPENED.plan.prove + 1)), *BACK[1:])
    found = facts_of({"0001-a": other}, RELEASE, None, OPENED.plan)
    (told_of, *_) = [each for each in told({}, found, {}) if each.row.fact == "rehearsed"]
    assert (told_of.done, told_of.why.endswith("by another plan than there is now")) == (False, True)
    for order in ({"0001-a": other, "0002-b": BACK}, {"0001-a": BACK, "0002-b": other}):
        assert facts_of(order, RELEASE, None, OPENED.plan)["rehearsed"].counts


def test_hours_that_were_passed_over_are_told() -> None:
    """Whoever began outside a window has that beside the row, with the reason."""
    override = replace(OPENED, override="the exchange closes tonight", by="ann@desk")
    assert facts_of({"0001-a": (override,)}, RELEASE, None)["opened"].says.endswith("ann@desk: the exchange closes tonight")


def test_a_phase_is_done_when_all_rows_before_its_end_are() -> None:
    """One row that is not done keeps the ends of its phase and of all later ones open, and is named there."""
    good = {each.number: [gate("a", Outcome.PASS)] for each in ROWS if each.how is not How.BEFORE}
    for wanting in (None, 25):
        found = told({number: each for number, each in good.items() if number != wanting}, {}, {})
        ends = [each for each in found if each.row.how is How.BEFORE]
        assert [each.row.number for each in ends] == [26, 39, 54, 69]
        assert [each.done for each in ends] == 4 * [wanting is None]
        assert ends[0].why == (
            "all 25 rows before it are done" if wanting is None else "1 of the 25 rows before it are not done: 25"
        )


def test_the_old_runtime_is_removed_once_nothing_is_beside_what_was_promoted() -> None:
    """A slot that stands alone shows it, after a promotion; before one it is merely the first."""
    for events, alone in ((GOOD, True), (GOOD, False), (GOOD[:3], True)):
        found = facts_of({"0001-a": events}, RELEASE, Placed("green", alone=alone))
        assert row(94, told({}, found, {})).done is (alone and events == GOOD)
