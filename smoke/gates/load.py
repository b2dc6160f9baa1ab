"""Whether it bears a load: ``crossfade gate load URL RATE P95_MS SECONDS [ERRORS]``.

``load http://127.0.0.1:8080/health/ 1000 100 60`` sends 1000 requests a second for a minute. They are due at fixed times,
whatever became of those before, and timed from when they were due: one that freezes for two seconds is seen to freeze. It
passes when at most 5 % of all requests take longer than the limit, with an interval that has no more either, and no more
fail than ERRORS says, a share. Where the generator itself could not offer the rate, nothing is said.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer
from smoke.traffic import Entry, Target, entries, traffic

_SHARE = 0.05
"""Of requests that may take longer: it is the 95th percentile that is asked about."""
_BATCHES = 20
_T = 2.093
"""Two-sided 5 % point of Student's t with 19 degrees of freedom: of the means of 20 batches."""
_RULE = 3.0
"""Where none was seen of n, 3 / n is the upper end of a 95 % interval."""
_OFFERED = 0.99
"""Share of the requests that are asked for that must have been sent in time."""
_LATE = 50.0
"""Milliseconds by which the generator may send late, 99 times of 100: beyond, it is the generator that is measured."""
_WORST = 500
"""The least status that is a failure."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to hold."""

    url: str
    rate: float
    """Requests a second."""
    limit: float
    """Milliseconds that 95 % of the requests may take."""
    seconds: float
    errors: float
    """Share of requests that may fail."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it."""

    offered: int
    unsent: int
    """Requests that were due, and that the generator did not send."""
    late_ms: float
    """By which it sent, 99 times of 100, at most."""
    slow: Sequence[tuple[int, int]]
    """By batch, in the order of time: requests, and those that took longer than the limit or have no whole answer."""
    failed: int
    """Requests without a good answer."""
    p95_ms: float


def gate(given: Sequence[str]) -> Answer:
    """Send it, and judge.

    Raises:
        UsageError: a word makes no sense.
    """
    asked = _words(given)
    with tempfile.TemporaryDirectory(prefix="crossfade-load-") as folder:
        record = Path(folder) / "requests"
        with traffic({"it": Target(asked.url, asked.rate)}, limit=asked.seconds + 60.0, record=record) as load:
            time.sleep(asked.seconds)
        found, every = load.summary()["it"], list(entries(record))
    failed = sum(not isinstance(each.outcome, int) or each.outcome >= _WORST for each in every)
    seen = Seen(
        found.offered,
        found.offered - found.sent,
        found.lag_p99_ms or 0.0,
        batched(every, asked.limit),
        failed,
        found.latency_p95_ms or 0.0,
    )
    return judged(asked, seen)


def batched(every: Sequence[Entry], limit: float) -> Sequence[tuple[int, int]]:
    """How many requests, and how many slow ones, in each of 20 spans of time that are equally long.

    Latencies of neighbours are alike, so that requests one by one would make an interval that is far too narrow.
    """
    if not every:
        return []
    first, last = min(each.due for each in every), max(each.due for each in every)
    counts = [[0, 0] for _ in range(_BATCHES)]
    for each in every:
        at = min(_BATCHES - 1, int(_BATCHES * (each.due - first) / max(last - first, 1e-9)))
        counts[at][0] += 1
        counts[at][1] += not isinstance(each.outcome, int) or each.latency_ms > limit
    return [(total, slow) for total, slow in counts]


def judged(asked: Asked, seen: Seen) -> Answer:
    """What the requests say."""
    due = asked.rate * asked.seconds
    low, high = interval(seen.slow)
    share = f"p95 {seen.p95_ms:.0f} ms, {100 * low:.1f} to {100 * high:.1f} % took longer than {asked.limit:g} ms"
    told = f"{seen.offered} requests at {asked.rate:g} a second: {share}, {seen.failed} failed"
    if not seen.offered:
        return Answer(Outcome.UNMEASURED, "no request was sent", 0)
    answer, sent = Answer(Outcome.UNDECIDED, told, seen.offered), seen.offered - seen.unsent
    if sent < _OFFERED * due:
        return replace(answer, detail=f"the generator sent {sent} of {due:.0f}: {told}")
    if seen.late_ms > _LATE:
        return replace(answer, detail=f"the generator sent {seen.late_ms:.0f} ms late: {told}")
    if seen.failed > asked.errors * seen.offered or low > _SHARE:
        return replace(answer, outcome=Outcome.FAIL)
    if high > _SHARE:
        return replace(answer, detail=f"{told}; whether that is 5 % or more takes longer")
    return replace(answer, outcome=Outcome.PASS, value=round(seen.p95_ms, 3), sign="<=", limit=asked.limit)


def interval(batches: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Ends of a 95 % interval for the share of slow requests, by the means of batches."""
    shares = [slow / total for total, slow in batches if total]
    count = sum(total for total, _ in batches)
    if len(shares) < _BATCHES or not count:
        return 0.0, 1.0
    mean = sum(slow for _, slow in batches) / count
    error = sqrt(sum((each - mean) ** 2 for each in shares) / (len(shares) * (len(shares) - 1)))
    return max(0.0, mean - _T * error), min(1.0, max(mean + _T * error, mean + _RULE / count))


def _words(given: Sequence[str]) -> Asked:
    hint = "crossfade gate load http://127.0.0.1:8080/health/ 1000 100 60"
    if len(given) not in {4, 5}:
        raise UsageError("gate load wants a URL, requests a second, milliseconds and seconds", hint=hint)
    try:
        rate, limit, seconds, errors = (float(each) for each in (*given[1:], "0.01")[:4])
    except ValueError:
        raise UsageError(f"{' '.join(given[1:])} are no numbers", hint=hint) from None
    if not (0 < rate <= 100_000 and limit > 0 and 1 <= seconds <= 86_400 and 0 <= errors < 1):  # noqa: PLR2004 - see the hint
        raise UsageError(
            f"{' '.join(given[1:])} make no sense", cause="rate and limit above 0, a second or more, a share", hint=hint
        )
    return Asked(given[0], rate, limit, seconds, errors)
