"""The page's tables, from outcomes, and the lines that are to be reached."""

from collections.abc import Iterator, Mapping
from math import log

import numpy as np

from canary import limits
from canary.heats import (
    ALPHA,
    ASSERTED,
    EDGES,
    FIXED,
    LOOK,
    MOVING,
    OBJECTIVES,
    OURS,
    OWN,
    PLAIN,
    RATES,
    SHAPES,
    SHIFTS,
    SHIPPED,
    SPLITS,
    TWICE,
    label,
)
from canary.limits import Allowed, Slowdown, Traffic
from canary.race import Outcome
from canary.streams import MEDIAN, OBJECTIVE, SIGMA
from canary.tables import Line, aborts, cost, delay, false_aborts, number, quantile, table
from smoke.analysis.trial import SLOW_SHARE

Results = Mapping[tuple[str, str], Mapping[str, Outcome]]
"""By table and row, then by contestant."""
Split = tuple[float, float]
"""Requests a second, and green's share of them."""

ALLOWED = {PLAIN: Allowed(), TWICE: Allowed(2.0), SHIPPED: Allowed(2.0, 0.001)}
ERROR_FACTOR, LATENCY_FACTOR = 1.5, 2.5
"""How many times the least time a median delay may be, and a tick on top."""
NOT_NULL = {("shared bursts", SHIPPED)}
"""One in five fails, of both: that is no fault of green's, but breaks the objective of 1 %, and is meant to abort."""


def row(split: Split, fault: float) -> str:
    """Name of a row of the tables of errors and latency."""
    return f"{label(*split)}|{fault:g}"


def nulls(results: Results) -> Iterator[str]:
    """False aborts where nothing is wrong."""
    yield "In brackets Wilson's interval of 95 %. Periodic checks are run where nothing moves.\n"
    yield from _shares(results, "null", [stream.name for stream in (*FIXED, *MOVING)])
    yield f"Blue has no traffic, objectives alone: {false_aborts(results['null', 'blue has no traffic'][OBJECTIVES])}.\n"
    yield "Shared bursts break the objective of the gates as shipped, 1 % of errors, which is meant to abort: not a null.\n"
    yield "As bad as is just allowed:\n"
    edges = ((name, gates, false_aborts(results[f"edge {gates}", name][gates])) for name, gates, _ in EDGES)
    yield from table(["stream", "gates", "aborts"], edges)
    yield "With noise of each slot's own, for which no rule is exact; it is reported, and not held to a limit:\n"
    yield from _shares(results, "own", [stream.name for stream in OWN])


def _shares(results: Results, name: str, rows: list[str]) -> Iterator[str]:
    every = list(results[name, rows[0]])

    def cell(found: Mapping[str, Outcome], each: str) -> str:
        if each not in found:
            return ""
        return false_aborts(found[each]) if each in OURS else number(100.0 * aborts(found[each]).value)

    return table(["stream", *every], ([each, *(cell(results[name, each], one) for one in every)] for each in rows))


def delays(results: Results, name: str = "errors") -> Iterator[str]:
    """How soon errors are seen."""
    rows = [(split, rate) for split in SPLITS for rate in RATES if (name, row(split, rate)) in results]
    others = [each for each in results[name, row(*rows[0])] if each not in OURS]
    head = [part for each in OURS for part in (f"least, {each.removeprefix('ours ')}", each, "x")]

    def cells(split: Split, rate: float) -> Iterator[str]:
        found = results[name, row(split, rate)]
        yield from (label(*split), f"{100 * rate:g} %")
        for each in OURS:
            least = limits.errors(Traffic(*split), rate, allowed=ALLOWED[each])
            yield from (number(least), delay(found[each]), number(quantile(found[each], 0.5) / least))
        yield from (delay(found[other]) for other in others)

    return table(["stream", "green's errors", *head, *others], ([*cells(*each)] for each in rows))


def costs(results: Results) -> Iterator[str]:
    """What users saw until the abort."""
    rows = [(split, rate) for split in SPLITS for rate in RATES]
    every = list(results["errors", row(*rows[0])])
    lines = ((f"{label(*split)}, {100 * rate:g} %", results["errors", row(split, rate)]) for split, rate in rows)
    return table(["stream, green's errors", *every], ([name, *(cost(found[each]) for each in every)] for name, found in lines))


def latency(results: Results) -> Iterator[str]:
    """How soon a slowdown is seen, and how often one is that is none or is allowed."""
    others = [each for each in results["latency", row(SPLITS[0], SHIFTS[0])] if each not in OURS]
    head = ["stream", "green's latency", "least, form known", "least, one threshold", "least, p95", SHIPPED, "x", *others]

    def cells(split: Split, shift: float) -> Iterator[str]:
        found, traffic, slow = results["latency", row(split, shift)], Traffic(*split), Slowdown(shift)
        yield from (label(*split), f"x {shift:g}")
        if shift in SHIFTS:
            least = limits.shifted(traffic, slow)
            known = (least, limits.best_threshold(traffic, slow), limits.threshold(traffic, slow, 0.95))
            yield from (*map(number, known), delay(found[SHIPPED]), number(quantile(found[SHIPPED], 0.5) / least))
            yield from (delay(found[each]) for each in others)
        else:
            yield from [""] * 5
            yield from (f"aborts {number(100 * aborts(found[each]).value)} %" for each in others)

    return table(head, ([*cells(split, shift)] for split in SPLITS for shift in (1.0, 1.05, *SHIFTS)))


def shapes(results: Results) -> Iterator[str]:
    """Faults of other shapes."""
    every = list(results["shapes", SHAPES[0].name])
    rows = ([stream.name, *(delay(results["shapes", stream.name][each], stream.at) for each in every)] for stream in SHAPES)
    return table(["fault", *every], rows)


def alone(results: Results) -> Iterator[str]:
    """Where blue has no traffic."""
    rows = [(f"{rate:g}", f"{100 * rate:g} % errors", limits.requests(rate)) for rate in RATES[:3]]
    for shift in SHIFTS[1:]:
        over = 1.0 - limits.NORMAL.cdf(log(OBJECTIVE / MEDIAN / shift) / SIGMA)
        least = limits.requests(over, SLOW_SHARE)
        rows.append((f"{shift:g}", f"latency x {shift:g}: {100 * over:.2g} % over {OBJECTIVE:g} ms", least))
    cells = ([text, number(least / 1000.0), delay(results["alone", name][OBJECTIVES])] for name, text, least in rows)
    return table(["1000 rps, 100 %", "least", OBJECTIVES], cells)


def certified(results: Results) -> Iterator[str]:
    """When a step may pass."""
    rows = [name for each, name in results if each == "certify"]
    every = list(results["certify", rows[0]])
    yield from table(["stream", *every], ([name, *(delay(results["certify", name][each]) for each in every)] for name in rows))
    yield "The least that any rule needs at 5 %, in seconds, when green is as good as blue:\n"
    least = ((split, limits.certified(Traffic(*split)), limits.shifted(Traffic(*split), Slowdown(1.0), 0.05)) for split in SPLITS)
    cells = ([label(*split), number(errors), number(slow)] for split, errors, slow in least)
    yield from table(["stream", "errors below twice blue's", "latency below +5 %"], cells)


def lines(results: Results) -> Iterator[Line]:
    """What is to be reached, and what was found."""
    yield from _exact(results)
    for split in SPLITS:
        for rate in RATES if split[0] in ASSERTED else ():
            for name in (PLAIN, TWICE):
                least = limits.errors(Traffic(*split), rate, allowed=ALLOWED[name])
                found = quantile(results["errors", row(split, rate)][name], 0.5)
                yield Line(f"{name}, {100 * rate:g} % errors, {label(*split)}", found, ERROR_FACTOR * least + LOOK, "s")
    for split in SPLITS:
        for shift in SHIFTS:
            least = limits.shifted(Traffic(*split), Slowdown(shift))
            found = quantile(results["latency", row(split, shift)][SHIPPED], 0.5)
            yield Line(f"latency x {shift:g}, {label(*split)}", found, LATENCY_FACTOR * least + LOOK, "s")
    yield Line("peers that are better on both axes", float(len(better(results))), 0.0, "")


def _exact(results: Results) -> Iterator[Line]:
    every = [("null", stream.name, name) for stream in (*FIXED, *MOVING) for name in OURS if (stream.name, name) not in NOT_NULL]
    every.append(("null", "blue has no traffic", OBJECTIVES))
    every += [(f"edge {gates}", name, gates) for name, gates, _ in EDGES]
    for where, stream, name in every:
        share = aborts(results[where, stream][name])
        slack = 2.0 * float(np.sqrt(ALPHA * (1.0 - ALPHA) / share.runs))
        yield Line(f"false aborts, {name}, {stream}", 100.0 * share.value, 100.0 * (ALPHA + slack), "%")


def better(results: Results) -> list[str]:
    """Peers with no more false aborts than ours at r0=1 and a shorter median delay, on the same stream."""
    return [
        f"{peer}: {label(*split)}, {100 * rate:g} % errors"
        for split in SPLITS
        for rate in RATES
        for peer in _better(results["null", label(*split)], results["errors", row(split, rate)])
    ]


def _better(null: Mapping[str, Outcome], fault: Mapping[str, Outcome]) -> list[str]:
    ours = aborts(null[PLAIN]).value, quantile(fault[PLAIN], 0.5)
    peers = [(each, aborts(null[each]).value, quantile(fault[each], 0.5)) for each in fault if each not in OURS]
    return [peer for peer, wrong, seconds in peers if wrong <= ours[0] and seconds < ours[1]]


def curves(results: Results) -> dict[str, list[tuple[float, float]]]:
    """Points of the picture: a contestant's false aborts and its median delay, for each setting."""
    null, fault = results["curve null", "curve"], results["curve", "curve"]
    return {
        name: [(aborts(null[name], each).value, quantile(outcome, 0.5, each)) for each in range(len(outcome.seconds))]
        for name, outcome in fault.items()
    }
