"""Does the traffic follow the weights?"""

from dataclasses import replace

import pytest
from weighed import PLAN, STEP, Traffic

from smoke.model import Verdict

UNASKED = replace(STEP, requests=0)


def test_a_candidate_that_starves_fails() -> None:
    """At half of the traffic that was set, the split is a FAIL with both shares in its sentence; as set it says nothing."""
    traffic, fine = Traffic(), Traffic()
    for _ in range(30):
        traffic.second(blue=(75, 1), green=(25, 0))
        fine.second(blue=(50, 1), green=(50, 0))
    found = traffic.said()["split"]

    assert "split" not in fine.said()
    assert found.verdict is Verdict.FAIL
    assert "where 50 % was set: the traffic does not follow the weights" in found.because
    assert found.numbers["estimate"] == pytest.approx(0.25)
    assert found.numbers["limit"] == 0.5


def test_a_live_slot_that_answers_late_got_its_share() -> None:
    """The split is of what was sent: where the live slot is slow, fewer of its requests are answered, and none less was given."""
    traffic = Traffic()
    traffic.due = 25
    for _ in range(30):
        traffic.second(blue=(25, 1), green=(50, 0))

    assert "split" not in traffic.said()


def test_the_old_version_that_goes_on_serving_fails() -> None:
    """Weights that were read back as set, while every request goes on to the live slot, are no success."""
    traffic = Traffic()
    for _ in range(20):
        traffic.second(blue=(100, 1), green=(0, 0))

    assert traffic.said(UNASKED)["split"].verdict is Verdict.FAIL


def test_a_split_that_does_not_follow_may_be_allowed() -> None:
    """What is counted otherwise than by requests says so, and is not held to the weights."""
    other = Traffic(replace(PLAN, own={"api": replace(PLAN.gates, split=False)}))
    for _ in range(30):
        other.second(blue=(90, 1), green=(10, 0))

    assert "split" not in other.said()


@pytest.mark.parametrize(("share", "green"), [(50, 46), (50, 54), (5, 6), (1, 1)])
def test_a_split_that_is_a_little_off_does_not_matter(share: int, green: int) -> None:
    """However sure it is after so many requests, a share that is off by less than a fifth is none of our business."""
    traffic = Traffic()
    for _ in range(100):
        traffic.second(blue=(100 - green, 0), green=(green, 0))

    assert "split" not in traffic.said(replace(STEP, share=share))


def test_what_was_under_way_is_not_held_against_the_split() -> None:
    """In the first two seconds of a step requests of before may still be counted."""
    traffic = Traffic()
    for _ in range(2):
        traffic.second(blue=(1000, 1), green=(0, 0))
    assert "split" not in traffic.said()
    for _ in range(20):
        traffic.second(blue=(50, 1), green=(50, 1))
    assert "split" not in traffic.said()
