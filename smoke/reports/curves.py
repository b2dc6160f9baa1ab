"""What the charts of a rollout show: its weights over time, and what each look counted. Pure."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from smoke.plan import Gates
from smoke.reports.charts import Chart, Line, Mark, Point, runs
from smoke.reports.telling import Entry, shares
from smoke.rollout import Aborted, Drifted, Event, Failed, Finished, Held, Looked, Passed, Phase, Resumed, Settled, Stuck

_MARKS: Mapping[type[Event], tuple[str, str, str]] = {
    Passed: ("P", "good", "passed"),
    Finished: ("P", "good", "passed"),
    Held: ("H", "plain", "held"),
    Resumed: ("R", "plain", "resumed"),
    Drifted: ("D", "plain", "weights set again"),
    Failed: ("F", "bad", "failed"),
    Aborted: ("A", "bad", "aborted"),
    Stuck: ("S", "bad", "stuck"),
    Settled: ("L", "good", "live"),
}
_Value = Callable[[Mapping[str, Any]], float | None]
_NEAR = 4.0
"""How many times as high as all that was counted an objective may be, to be drawn: beyond it nothing else could be read."""


def weights(told: Sequence[Entry]) -> Chart:
    """The share of both slots, as read back, and what was decided when."""
    opened, began = told[0].rollout.opened, told[0].event.at
    seconds = told[-1].event.at - began
    moved = [(at - began, float(share)) for at, share in shares(told)]
    stairs = [moved[0], *(point for before, after in pairwise(moved) for point in ((after[0], before[1]), after))]
    stairs.append((seconds, stairs[-1][1]))
    lines = (
        Line(f"{opened.live}, live", "live", ([(at, 100.0 - share) for at, share in stairs],)),
        Line(f"{opened.candidate}, candidate", "candidate", (stairs,)),
    )
    return Chart("Weights", lines, seconds, marks(told), " %", 100.0)


def marks(told: Sequence[Entry]) -> Sequence[Mark]:
    """The moments at which something was decided."""
    began = told[0].event.at
    found = []
    for entry in told:
        if type(entry.event) in _MARKS:
            letter, kind, name = _MARKS[type(entry.event)]
            found.append(Mark(entry.event.at - began, letter, kind, name, entry.told))
    return found


def counts(told: Sequence[Entry]) -> Sequence[Chart]:
    """For each service that is counted: the share of errors, and the 95th percentile, at each look; none without a number."""
    services = dict.fromkeys(name for entry in told if isinstance(entry.event, Looked) for name in entry.event.counts)
    charts = [chart for name in services for chart in (_errors(told, name), _latency(told, name))]
    return [chart for chart in charts if any(line.runs for line in chart.lines if line.kind != "allowed")]


def _errors(told: Sequence[Entry], service: str) -> Chart:
    return _chart(told, service, f"{service}: requests that failed", " %", _share, 100.0 * _gates(told, service).errors)


def _latency(told: Sequence[Entry], service: str) -> Chart:
    looks = [entry.event.counts.get(service, {}) for entry in told if isinstance(entry.event, Looked)]
    beyond = sum(seen.get("p95_ms", 0) < 0 for slots in looks for seen in slots.values())
    more = f"; {beyond} beyond what is measured" if beyond else ""
    return _chart(told, service, f"{service}: 95 % took at most{more}", " ms", _p95, _gates(told, service).p95_ms)


def _gates(told: Sequence[Entry], service: str) -> Gates:
    plan = told[0].rollout.opened.plan
    return plan.own.get(service, plan.gates)


def _chart(  # noqa: PLR0913, PLR0917 - what differs between the two
    told: Sequence[Entry], service: str, title: str, unit: str, value: _Value, allowed: float
) -> Chart:
    opened = told[0].rollout.opened
    seconds = told[-1].event.at - told[0].event.at
    slots = {"live": opened.live, "candidate": opened.candidate}
    drawn = {kind: runs(_points(told, service, slot, value)) for kind, slot in slots.items()}
    lines = [Line(f"{slots[kind]}, {kind}", kind, each) for kind, each in drawn.items()]
    highest = max((height for each in drawn.values() for run in each for _, height in run), default=0.0)
    if allowed <= _NEAR * highest:
        lines.append(Line(f"objective {allowed:.3g}{unit}", "allowed", ([(0.0, allowed), (seconds, allowed)],)))
    return Chart(title, lines, seconds, marks(told), unit)


def _points(told: Sequence[Entry], service: str, slot: str, value: _Value) -> Sequence[tuple[int, Point]]:
    """Each with the number of its run. Counts begin anew with each step, and whenever it is watched anew."""
    began, run, found = told[0].event.at, 0, []
    for entry in told:
        if not isinstance(entry.event, Looked):
            run += entry.rollout.phase is Phase.BAKING
            continue
        height = value(entry.event.counts.get(service, {}).get(slot, {}))
        if height is not None:
            found.append((run, (entry.event.at - began, height)))
    return found


def _share(seen: Mapping[str, Any]) -> float | None:
    """Percent of the requests that failed; None where there were none."""
    return 100.0 * float(seen["errors"]) / float(seen["requests"]) if seen.get("requests") else None


def _p95(seen: Mapping[str, Any]) -> float | None:
    """Milliseconds; None where nothing was timed, or it is beyond what is measured."""
    return float(seen["p95_ms"]) if seen.get("requests") and seen["p95_ms"] > 0 else None
