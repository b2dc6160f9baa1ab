"""The least time that any rule needs: the printed table, and what must hold of it."""

from math import log

import pytest
from canary.limits import (
    Allowed,
    Slowdown,
    Traffic,
    best_threshold,
    certified,
    divergence,
    errors,
    least,
    requests,
    shifted,
    threshold,
)
from hypothesis import given
from hypothesis import strategies as st

RATES = (0.005, 0.01, 0.05, 0.5, 1.0)
# Seconds for each rate; a pair is without, and with, a tolerated ratio of 2.
ERRORS = {
    (1000, 0.05): (("25", "67"), ("7.5", "14"), ("0.83", "1.2"), ("0.06",), ("0.02",)),
    (1000, 0.25): (("7.3", "22"), ("2.4", "5.0"), ("0.31", "0.51"), ("0.02",), ("0.01",)),
    (1000, 0.50): (("6.3", "22"), ("2.1", "5.1"), ("0.30", "0.55"), ("0.02",), ("0.01",)),
    (200, 0.05): (("125", "334"), ("37", "68"), ("4.1", "5.8"), ("0.29",), ("0.12",)),
    (50, 0.05): (("501", "1330"), ("150", "272"), ("16.5", "23"), ("1.2",), ("0.48",)),
    (50, 0.25): (("147", "447"), ("48", "100"), ("6.2", "10"), ("0.46",), ("0.17",)),
    (50, 0.50): (("126", "435"), ("43", "102"), ("5.9", "11"), ("0.43",), ("0.13",)),
}
SLOWDOWNS = (1.10, 1.20, 1.50)
# Seconds for each slowdown: its form is known, the best single threshold, the 95th percentile alone. Three cells are ours and not
# the published ones, which are one more in the last digit: 0.81 and 85, where a finer search finds a better threshold (0.8147 and
# 85.47), and 1.4, where the closed form is 1.448.
LATENCY = {
    (1000, 0.05): (("22", "35", "92"), ("2.7", "4.3", "9.5"), ("0.38", "0.60", "0.96")),
    (1000, 0.25): (("5.7", "8.9", "24"), ("0.69", "1.1", "2.5"), ("0.10", "0.16", "0.27")),
    (1000, 0.50): (("4.3", "6.7", "18"), ("0.52", "0.81", "2.0"), ("0.07", "0.12", "0.22")),
    (50, 0.05): (("448", "704", "1830"), ("54", "85", "191"), ("7.6", "12", "19")),
    (50, 0.25): (("113", "178", "470"), ("14", "22", "50"), ("1.9", "3.1", "5.4")),
    (50, 0.50): (("85", "134", "358"), ("10", "16", "39"), ("1.4", "2.3", "4.4")),
}


def printed(value: float, text: str) -> bool:
    """Is this the value that was printed, to its last digit? A trailing 0 before the point is not a digit of the value."""
    unit = 10.0 ** -len(text.partition(".")[2]) if "." in text or not text.endswith("0") else 10.0
    return abs(value - float(text)) <= 0.505 * unit


@pytest.mark.parametrize(("rps", "share"), ERRORS)
def test_errors(rps: int, share: float) -> None:
    """The limit for errors is the published one, without and with a tolerated ratio of 2."""
    for rate, cells in zip(RATES, ERRORS[rps, share], strict=True):
        for ratio, cell in zip((1.0, 2.0), cells, strict=False):
            seconds = errors(Traffic(rps, share), rate, allowed=Allowed(ratio))
            assert printed(seconds, cell), f"{rate}, ratio {ratio}: {seconds} and not {cell}"


@pytest.mark.parametrize(("rps", "share"), LATENCY)
def test_latency(rps: int, share: float) -> None:
    """The limit for a slowdown is the published one: form known, best threshold, 95th percentile."""
    traffic = Traffic(rps, share)
    for ratio, cells in zip(SLOWDOWNS, LATENCY[rps, share], strict=True):
        slow = Slowdown(ratio)
        found = (shifted(traffic, slow), best_threshold(traffic, slow), threshold(traffic, slow, 0.95))
        for seconds, cell in zip(found, cells, strict=True):
            assert printed(seconds, cell), f"{ratio}: {seconds} and not {cell}"


def test_known_blue() -> None:
    """The requests of green that are needed when blue's rate is known are the published ones."""
    for rate, cell in zip(RATES, ("1136", "327", "31", "1.7", "0.7"), strict=True):
        assert printed(requests(rate), cell)


@pytest.mark.parametrize(
    ("rps", "share", "cell"), [(1000, 0.05, "212"), (1000, 0.25, "60.0"), (1000, 0.5, "51"), (50, 0.5, "1016")]
)
def test_certified(rps: int, share: float, cell: str) -> None:
    """The limit for "less than twice as bad" is the published one."""
    assert printed(certified(Traffic(rps, share)), cell)


def test_a_smaller_alpha_costs_its_logarithm() -> None:
    """At 0.1 % everything takes one and a half times as long as at 1 %."""
    traffic = Traffic(200, 0.05)
    for limit in (lambda alpha: errors(traffic, 0.05, alpha=alpha), lambda alpha: best_threshold(traffic, Slowdown(1.2), alpha)):
        assert limit(0.001) == pytest.approx(1.5 * limit(0.01))


@given(rate=st.floats(0.002, 1.0), share=st.floats(0.01, 0.99))
def test_learning_blue_too_takes_longer(rate: float, share: float) -> None:
    """Two samples never take less time than one against a known rate, and a tolerated ratio never less than none."""
    traffic = Traffic(100, share)
    known = requests(rate) / traffic.green
    assert errors(traffic, rate) >= known * (1 - 1e-6)
    if rate > 0.003:
        assert errors(traffic, rate, allowed=Allowed(2.0)) >= errors(traffic, rate) * (1 - 1e-6)


@given(share=st.floats(0.02, 0.98), ratio=st.floats(1.07, 3.0))
def test_who_sees_less_waits_longer(share: float, ratio: float) -> None:
    """One threshold never beats the whole of what is known of the form, and none beats the best."""
    traffic, slow = Traffic(100, share), Slowdown(ratio)
    best = best_threshold(traffic, slow)
    assert shifted(traffic, slow) <= best <= threshold(traffic, slow, 0.95) * (1 + 1e-9)


def test_a_margin_is_allowed_on_top() -> None:
    """What is allowed on top of the ratio is not seen sooner, and at the edge of it hardly ever."""
    traffic = Traffic(1000, 0.25)
    plain, ratio, margin = (errors(traffic, 0.01, allowed=each) for each in (Allowed(), Allowed(2.0), Allowed(2.0, 0.001)))
    assert plain < ratio < margin
    assert errors(traffic, 0.00301, allowed=Allowed(2.0, 0.001)) > 1e4


def test_divergence() -> None:
    """Certain outcomes have the divergence of their logarithm, equal rates none."""
    assert divergence(1.0, 0.5) == pytest.approx(log(2.0))
    assert divergence(0.0, 0.5) == pytest.approx(log(2.0))
    assert divergence(0.3, 0.3) == pytest.approx(0.0)


def test_least() -> None:
    """The search finds the bottom of a valley."""
    assert least(lambda point: (point - 0.3) ** 2, 0.0, 1.0) == pytest.approx(0.3)
