"""What holds for the scripted meter beyond the suite for all."""

import json
import math
from typing import Any

import pytest

from infra.contract import Backend
from smoke.errors import MeterError, UsageError
from smoke.meters import meter
from smoke.model import Counts

GOOD = {"requests": 3, "errors": 1}
WRONG: list[Any] = [
    7,
    {"blue": 7},
    {"blue": {"requests": 1}},
    {"blue": {**GOOD, "colour": "red"}},
    {"blue": {"requests": 1, "errors": 2}},
    {"blue": {"requests": 1, "errors": -1}},
    {"blue": {"requests": 1.5, "errors": 0}},
    {"blue": {"requests": True, "errors": False}},
    {"blue": {**GOOD, "latency": 5}},
    {"blue": {**GOOD, "latency": [[5]]}},
    {"blue": {**GOOD, "latency": [["wide", 1]]}},
    {"blue": {**GOOD, "latency": [[5, 1]]}},
    {"blue": {**GOOD, "latency": [[5, 1], [4, 2], ["inf", 3]]}},
    {"blue": {**GOOD, "latency": [[5, 3], ["inf", 2]]}},
]


def test_gives_one_after_the_other_and_the_last_for_ever() -> None:
    """Samples come in order; when they are used up, the last one comes again."""
    mine = meter(Backend("scripted", {"samples": [{"blue": GOOD}, {"blue": {**GOOD, "requests": 4}}]}))
    assert [mine.read().slots["blue"].requests for _ in range(4)] == [3, 4, 4, 4]


def test_is_blind_when_told_to() -> None:
    """A null is a look that sees nothing; the next one sees again."""
    mine = meter(Backend("scripted", {"samples": [None, {"blue": GOOD}]}))
    with pytest.raises(MeterError, match="as scripted"):
        mine.read()
    assert mine.read().slots == {"blue": Counts(3, 1)}


@pytest.mark.parametrize("infinite", ["Infinity", '"inf"'])
def test_latency_may_come_from_json(infinite: str) -> None:
    """An infinite edge is written as Python's JSON writes it, or as a text for those that cannot."""
    samples = json.loads(f'[{{"blue": {{"requests": 3, "errors": 1, "latency": [[5, 2], [{infinite}, 3]]}}}}]')
    expected = Counts(3, 1, ((5.0, 2), (math.inf, 3)))
    assert meter(Backend("scripted", {"samples": samples})).read().slots["blue"] == expected


@pytest.mark.parametrize("sample", WRONG, ids=str)
def test_refuses_what_no_meter_could_count(sample: object) -> None:
    """A sample of another shape, or with numbers that cannot be, is a usage error that says which one."""
    with pytest.raises(UsageError, match=r"samples\[1\]"):
        meter(Backend("scripted", {"samples": [None, sample]}))


@pytest.mark.parametrize("samples", [[], {}, "blue", None], ids=str)
def test_refuses_no_samples(samples: object) -> None:
    """No sample at all is a usage error."""
    with pytest.raises(UsageError, match="samples"):
        meter(Backend("scripted", {"samples": samples}))
