"""How requests are counted."""

import json
import math

from hypothesis import given
from hypothesis import strategies as some

from smoke.traffic.summary import Histogram, Loss, Summary, Tally

MILLISECONDS = some.floats(0, 1e7, allow_nan=False)
ENDS = some.one_of(
    some.tuples(some.sampled_from([200, 204, 500, 503]), some.sampled_from([None, "v1", "v2"]), MILLISECONDS),
    some.sampled_from([Loss.REFUSED, Loss.HALF]),
)


@given(some.lists(MILLISECONDS, min_size=1), some.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_at_most_two_percent_too_high(values: list[float], share: float) -> None:
    """A quantile of the histogram lies between the exact one, by rank, and 1.02 times that."""
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    found = histogram.quantile(share)
    assert found is not None
    assert exact * (1 - 1e-9) <= found <= max(exact * 1.02, 0.001) * (1 + 1e-9)


def test_no_values_have_no_quantile() -> None:
    """Where nothing was counted nothing is said."""
    assert Histogram().quantile(0.5) is None
    assert Tally().summary().latency_max_ms is None


@given(some.lists(ENDS))
def test_all_that_was_offered_became_something(ends: list[tuple[int, str | None, float] | Loss]) -> None:
    """What was sent is what was answered and what was lost; statuses are all answers; the summary survives its JSON form."""
    tally = Tally()
    for end in ends:
        tally.start(0.1)
        if isinstance(end, Loss):
            tally.lose(end, tally.sent / 10)
        else:
            tally.answer(*end)
    found = tally.summary()
    assert found.sent == found.offered == found.answered + sum(found.lost.values()) == len(ends)
    assert sum(found.statuses.values()) == found.answered >= sum(found.versions.values())
    assert sum(count for *_, count in found.lost_when) == sum(found.lost.values())
    assert Summary.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_losses_are_told_with_their_seconds() -> None:
    """Losses of seconds that follow each other are one span, whatever order they became known in; others are one more."""
    tally = Tally()
    for due in (3.9, 2.0, 9.5, 2.4):
        tally.lose(Loss.LATE, due)
    assert tally.summary().lost_when == ((2, 3, 3), (9, 9, 1))
