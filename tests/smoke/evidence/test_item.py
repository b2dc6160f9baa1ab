"""Evidence: what no answer gets past."""

from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.evidence import SIGNS, Evidence, File, Outcome

SEEN = Evidence("unit-tests", Outcome.PASS, "412 of 412 passed", 1000.0, "ann@desk", "r1", n=412)


def test_nothing_examined_is_no_pass() -> None:
    """A verdict on nothing is none, whatever whoever gave it says."""
    found = replace(SEEN, n=0).judged()
    assert (found.outcome, found.detail) == (Outcome.UNMEASURED, "nothing was examined (412 of 412 passed)")


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_is_not_measured(value: float) -> None:
    """A measured value that is none is no measurement."""
    assert replace(SEEN, value=value, sign="<=", limit=1.0).judged().outcome is Outcome.UNMEASURED


@given(value=some.floats(-1e6, 1e6), limit=some.floats(-1e6, 1e6), sign=some.sampled_from(sorted(SIGNS)))
def test_a_value_past_its_limit_never_passes(value: float, limit: float, sign: str) -> None:
    """A pass whose own numbers say otherwise is a failure; a failure stays one."""
    passed = replace(SEEN, value=value, sign=sign, limit=limit).judged()
    failed = replace(SEEN, outcome=Outcome.FAIL, value=value, sign=sign, limit=limit).judged()
    assert passed.outcome is (Outcome.PASS if SIGNS[sign](value, limit) else Outcome.FAIL)
    assert failed.outcome is Outcome.FAIL


def test_a_verdict_without_numbers_stays() -> None:
    """What is no question of number is what it was found to be."""
    assert replace(SEEN, n=None).judged() == replace(SEEN, n=None)


def test_a_record_gives_the_same_evidence() -> None:
    """What is written is what is read."""
    whole = replace(SEEN, value=0.5, sign="<", limit=1.0, files=(File("a.txt", "0" * 64),), attested=True, seconds=2.5)
    assert Evidence.from_json(whole.to_json()) == whole
    assert Evidence.from_json(SEEN.to_json()) == SEEN


@pytest.mark.parametrize("change", [{"outcome": "great"}, {"files": [{}]}, {"colour": "red"}, {"sign": "~"}])
def test_what_is_none_is_refused(change: dict[str, object]) -> None:
    """A record that is no evidence is not taken for some."""
    with pytest.raises((LookupError, TypeError, ValueError)):
        Evidence.from_json({**SEEN.to_json(), **change})
