"""How a gate stands: the last answer, for this release, and not too old."""

from dataclasses import replace

import pytest

from smoke.evidence import Evidence, Gate, Outcome, State, Waiver, stand

DAY = 24 * 3600.0
NOW = 100 * DAY
GATE = Gate("unit-tests", "test", "every test passes on both runtimes", None, 7 * DAY)
SEEN = Evidence("unit-tests", Outcome.PASS, "412 of 412 passed", NOW - DAY, "ann@desk", "r1", n=412)
WAIVER = Waiver("unit-tests", "bob", "the vendor mends it in May", NOW + 3 * DAY)


def test_without_evidence_it_is_not_measured() -> None:
    """Nobody asked: that is no pass, and says so."""
    found = stand(GATE, [], "r1", NOW)
    assert (found.state, found.open, found.why) == (State.UNMEASURED, False, "nobody asked yet")


@pytest.mark.parametrize(
    ("outcome", "state", "is_open"),
    [
        (Outcome.PASS, State.PASSED, True),
        (Outcome.FAIL, State.FAILED, False),
        (Outcome.UNDECIDED, State.UNDECIDED, False),
        (Outcome.UNMEASURED, State.UNMEASURED, False),
    ],
)
def test_it_stands_as_it_was_found(outcome: Outcome, state: State, *, is_open: bool) -> None:
    """Only a pass opens it."""
    found = stand(GATE, [replace(SEEN, outcome=outcome)], "r1", NOW)
    assert (found.state, found.open, found.why) == (state, is_open, "412 of 412 passed")


def test_the_last_answer_counts() -> None:
    """A failure after a pass closes it, and a pass after a failure opens it."""
    failed = replace(SEEN, outcome=Outcome.FAIL)
    assert stand(GATE, [SEEN, failed], "r1", NOW).state is State.FAILED
    assert stand(GATE, [failed, SEEN], "r1", NOW).state is State.PASSED


def test_an_answer_about_another_release_is_none() -> None:
    """What was found of another release says nothing of this one, however good it was."""
    found = stand(GATE, [replace(SEEN, release="r0")], "r1", NOW)
    assert (found.state, found.open) == (State.OTHER, False)
    assert "r0" in found.why
    assert stand(GATE, [SEEN, replace(SEEN, release="r0", outcome=Outcome.FAIL)], "r1", NOW).state is State.PASSED


@pytest.mark.parametrize("at", [NOW - 8 * DAY, NOW + 60.0])
def test_an_old_answer_is_stale(at: float) -> None:
    """A pass counts for its time; one from the future is from a clock that was set back."""
    found = stand(GATE, [replace(SEEN, at=at)], "r1", NOW)
    assert (found.state, found.open) == (State.STALE, False)


def test_what_a_person_says_is_never_shown_as_measured() -> None:
    """An attestation opens a gate, by its own name."""
    found = stand(GATE, [replace(SEEN, attested=True)], "r1", NOW)
    assert (found.state, found.open) == (State.ATTESTED, True)
    assert found.why.startswith("ann@desk says so")


def test_somebody_may_answer_for_it() -> None:
    """A waiver opens a gate that does not stand open, for its time, by its owner and with what it is waived from."""
    failed = [replace(SEEN, outcome=Outcome.FAIL, detail="3 of 412 failed")]
    found = stand(GATE, failed, "r1", NOW, [WAIVER])
    assert (found.state, found.open) == (State.WAIVED, True)
    assert found.why == "bob answers for it for 3 days more: the vendor mends it in May (failed: 3 of 412 failed)"
    assert stand(GATE, failed, "r1", NOW + 4 * DAY, [WAIVER]).state is State.FAILED
    assert stand(GATE, [SEEN], "r1", NOW, [WAIVER]).state is State.PASSED, "what passes needs nobody"
    assert stand(GATE, failed, "r1", NOW, [replace(WAIVER, gate="other")]).state is State.FAILED
