"""Does memory grow to what is too much?"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from weighed import LAST, PLAN

from smoke.analysis import Evidence
from smoke.analysis.slope import BLOCK
from smoke.analysis.weighing import MEMORY, weigh
from smoke.model import Answer, Look, Reading, Verdict
from smoke.plan import Plan


def soaked(grows: float, hours: float = 48.0, more: Sequence[str] = (), plan: Plan = PLAN) -> Evidence:
    """Evidence after that time at 100 %, with memory that grows by so many MB an hour, around which a reading is 2 MB off.

    ``more`` are services without a meter whose memory is read as well.
    """
    chance = Random(4)  # noqa: S311
    evidence = Evidence("blue", "green", plan, ("api",)).for_step(0).for_step(1)
    for number in range(int(hours * 3600 / BLOCK) * 3):
        at = number * BLOCK / 3
        readings = []
        for service in ("api", *more):
            held = {"blue": 300.0, "green": 300.0 + grows * at / 3600 + chance.gauss(0.0, 2.0)}
            readings += [
                Reading(service, slot, "process", Answer.OK, "", at, "v", instance="1", numbers={"rss_mb": megabytes})
                for slot, megabytes in held.items()
            ]
        evidence = evidence.with_look(Look(at, tuple(readings)))
    return evidence


def test_memory_that_leaks_fails() -> None:
    """Five megabytes an hour are too much within a week, and found within two days; the sentence has the slope and its limit."""
    found = {each.gate: each for each in weigh(soaked(5.0), LAST)}[MEMORY]

    assert found.verdict is Verdict.FAIL
    assert f"memory of green grows by {found.numbers['estimate']:.2g} MB an hour" in found.because
    assert found.numbers["estimate"] == pytest.approx(5.0, rel=0.05)
    assert 0.0 < found.numbers["limit"] < 2.0
    assert found.numbers["evidence"] >= 100.0


@pytest.mark.parametrize("grows", [0.0, 0.3, -5.0])
def test_memory_that_stays_within_a_week_does_not_fail(grows: float) -> None:
    """Memory that stands, falls, or grows by less than would be too much within a week says nothing for two days."""
    assert all(each.verdict is not Verdict.FAIL for each in weigh(soaked(grows), LAST))
    assert MEMORY not in {each.gate for each in weigh(soaked(grows), LAST)}


def test_services_without_a_meter_add_no_evidence() -> None:
    """However many processes show their memory, what all tests weigh together is one: nothing seen is no evidence."""
    agents = [f"agent {number}" for number in range(60)]
    lenient = replace(PLAN, false_aborts=0.6)

    assert all(each.verdict is not Verdict.FAIL for each in weigh(soaked(0.0, 0.5, agents, lenient), LAST))
