"""What holds for every meter in the table."""

import math
from itertools import pairwise

import pytest

from infra.contract import Backend
from smoke.errors import UsageError
from smoke.meters import METERS, meter
from smoke.model import Counts, Sample
from tests.smoke.meters.conftest import Subject


def _under_traffic(subject: Subject) -> list[Sample]:
    samples = [subject.meter.read()]
    for each in (subject.good, subject.good, subject.bad, subject.bad, subject.good, subject.good):
        each()
        samples.append(subject.meter.read())
    return samples


def test_counts_never_go_down(subject: Subject) -> None:
    """Under traffic each number of a slot is at least what it was, at every edge too, and the traffic is in the last one."""
    samples = _under_traffic(subject)
    for before, after in pairwise(samples):
        for slot, old in before.slots.items():
            new, earlier = after.slots[slot], dict(old.latency)
            assert new.requests >= old.requests
            assert new.errors >= old.errors
            assert all(below >= earlier.get(edge, 0) for edge, below in new.latency)
    first, last = samples[0].slots.get("blue", Counts()), samples[-1].slots["blue"]
    assert (last.requests - first.requests, last.errors - first.errors) == (6, 2)


def test_errors_are_requests(subject: Subject) -> None:
    """A slot never has more errors than requests."""
    assert all(0 <= each.errors <= each.requests for sample in _under_traffic(subject) for each in sample.slots.values())


def test_a_slot_without_requests_is_absent_or_zero(subject: Subject) -> None:
    """A slot that never had a request is not counted for."""
    for sample in _under_traffic(subject):
        unused = sample.slots.get("green", Counts())
        assert (unused.requests, unused.errors, sum(below for _, below in unused.latency)) == (0, 0, 0)


def test_latency_is_cumulative(subject: Subject) -> None:
    """The edges ascend to an infinite one and are the same at every read; counts ascend with them, up to the requests."""
    grids = set()
    for sample in _under_traffic(subject):
        for each in sample.slots.values():
            edges, below = [edge for edge, _ in each.latency], [count for _, count in each.latency]
            assert edges == sorted(set(edges))
            assert below == sorted(below)
            if edges:
                grids.add(tuple(edges))
                assert edges[-1] == math.inf
                assert below[-1] <= each.requests
    assert len(grids) == (1 if subject.latency else 0)


def test_says_when_it_holds(subject: Subject) -> None:
    """A sample has the monotonic time of its reading, or of what it holds for where that is told late."""
    before = subject.now() - subject.late
    times = [before, *(sample.at for sample in _under_traffic(subject)), subject.now()]
    assert times == sorted(times)


def test_an_unknown_meter_names_the_known_ones() -> None:
    """A backend that is not in the table is a usage error that lists the table."""
    with pytest.raises(UsageError) as caught:
        meter(Backend("statsd", {}))
    assert caught.value.what == "there is no meter 'statsd'"
    assert caught.value.hint == "one of: cloudwatch, command, envoy, prometheus-text, promql, scripted, sql"


@pytest.mark.parametrize("kind", METERS)
def test_an_unknown_setting_is_named(kind: str) -> None:
    """A setting that a meter does not know is a usage error that names it, never passed over."""
    with pytest.raises(UsageError, match="colour"):
        meter(Backend(kind, {"service": "a", "admin": "b", "samples": [None], "colour": "red"}))


@pytest.mark.parametrize("kind", METERS)
def test_a_missing_setting_is_named(kind: str) -> None:
    """A setting that a meter cannot do without is a usage error that names it."""
    with pytest.raises(UsageError, match=r"service|samples|slots"):
        meter(Backend(kind, {}))
