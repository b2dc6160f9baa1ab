"""The report of a rollout, and of an incident, as one HTML file each: it asks for nothing else, and runs nothing.

Whatever a journal has may have been written by anybody, a service that answers a probe for one. It goes through ``markup``, which
escapes it.
"""

from collections.abc import Iterator, Sequence

from smoke.reports import curves
from smoke.reports.charts import svg
from smoke.reports.incident import Incident
from smoke.reports.incident_told import facts, headline, seconds
from smoke.reports.markup import Markup, table, tag, together
from smoke.reports.page import page
from smoke.reports.telling import (
    COUNTED,
    EVIDENCE,
    WEIGHED,
    Entry,
    counted,
    date,
    entries,
    happened,
    last_looks,
    steps,
    weighed,
    zone,
)
from smoke.rollout import Event, Looked, Opened, Phase, Rollout
from smoke.rollout.opening import reverts

_ENDS = {Phase.PROMOTED: "good", Phase.ROLLED_BACK: "bad", Phase.STUCK: "bad"}
_WORDS = {"pass": "good", "fail": "bad", "blind": "bad", "undecided": "plain"}
_P95 = COUNTED.index("p95 ms")
_VERDICTS = {WEIGHED.index("verdict"), COUNTED.index("verdict")}


def report(events: Sequence[Event]) -> str:
    """The evidence of a rollout: what happened, the weights, what was counted, and what was decided on it."""
    told = entries(events)
    rollout = told[-1].rollout
    title = f"Rollout {rollout.opened.rollout}: {rollout.phase.value}"
    return page(
        title,
        tag("p", _headline(rollout, events[-1].at), class_=f"lead {_ENDS.get(rollout.phase, 'plain')}"),
        _facts(list(_opened(rollout, events[-1].at))),
        *_body(told, list(last_looks(told))),
        foot=_again(f"crossfade report {rollout.opened.rollout} --html"),
    )


def incident_page(events: Sequence[Event], found: Incident) -> str:
    """What is known of a rollout that went back: why, how soon, what users saw, and what to do next."""
    told, rollout = entries(events), found.rollout
    look = [] if found.look is None else [(before, seen) for before, seen in last_looks(told) if seen is found.look]
    lead = "plain" if found.home is not None and rollout.phase is not Phase.STUCK else "bad"
    return page(
        f"Incident {rollout.opened.rollout}: {rollout.phase.value}",
        tag("p", headline(found), class_=f"lead {lead}"),
        _facts(facts(found)),
        *_body(told, look),
        foot=_again(f"crossfade incident {rollout.opened.rollout} --html"),
    )


def _again(command: str) -> Markup:
    return together("A fold of the rollout's journal; written anew by ", tag("code", command), ".")


def _body(told: Sequence[Entry], looks: Sequence[tuple[Rollout, Looked]]) -> Iterator[Markup]:
    yield tag("h2", "What happened")
    yield tag("ol", *(_event(told[0].event.at, entry) for entry in happened(told)))
    yield tag("h2", "Weights")
    yield tag("div", svg(curves.weights(told)), class_="charts")
    charts = curves.counts(told)
    yield tag("h2", "What was counted, at each look")
    if charts:
        yield tag("p", "Of the requests since the step began to be watched; a line that ends and begins anew is another step.")
        yield tag("div", *map(svg, charts), class_="charts")
    else:
        yield tag("p", "Nothing was counted.")
    yield from _tables(looks)
    yield from _queries(told[0].rollout.opened)


def _headline(rollout: Rollout, end: float) -> str:
    opened, spent = rollout.opened, seconds(end - rollout.opened.at)
    why = "; ".join(rollout.because)
    if rollout.phase is Phase.PROMOTED:
        verb = "Went back from" if reverts(opened) else "Promoted from"
        return f"{verb} {opened.live} to {opened.candidate} in {spent}."
    if rollout.phase is Phase.ROLLED_BACK:
        return f"{opened.candidate} was rolled back after {spent}: {why}"
    return f"It is {rollout.phase.value}, with {rollout.share} % on {opened.candidate}" + (f": {why}" if why else ".")


def _opened(rollout: Rollout, end: float) -> Iterator[tuple[str, str]]:
    opened = rollout.opened
    yield "from", opened.live
    yield "to", opened.candidate
    yield "release", opened.release
    yield "asked by", opened.by
    yield "began", f"{date(opened.at)} {zone(opened.at)}"
    yield "until", f"{date(end)} {zone(end)}, {seconds(end - opened.at)}"
    yield "steps", steps(rollout)
    yield from (
        (name, value)
        for name, value in (("why", opened.why), ("out of hours", opened.override), ("differs", rollout.differs))
        if value
    )


def _facts(named: Sequence[tuple[str, str]]) -> Markup:
    return tag("dl", *(together(tag("dt", name), tag("dd", value)) for name, value in named))


def _event(began: float, entry: Entry) -> Markup:
    at = entry.event.at
    return tag(
        "li",
        tag("time", date(at).split(" ")[1], title=f"{date(at)} {zone(at)}"),
        tag("span", f"+{seconds(at - began)}", class_="after"),
        tag("strong", entry.rollout.phase.value),
        " ",
        entry.told,
    )


def _tables(looks: Sequence[tuple[Rollout, Looked]]) -> Iterator[Markup]:
    seen = [row for look in looks for row in counted(*look)]
    numbers = [row for look in looks for row in weighed(*look, whole=True)]
    if seen:
        yield tag("h2", "What was seen, at the end of each step")
        yield table(COUNTED, [_cells(row, p95=_P95) for row in seen], "Counted since the step began to be watched.")
    if numbers:
        yield tag("h2", "What it was decided on")
        yield table(WEIGHED, [_cells(row) for row in numbers], EVIDENCE)


def _cells(row: Sequence[str], p95: int | None = None) -> Sequence[object]:
    """Verdicts are coloured; a percentile of nothing, or one beyond the meter's last bucket, has no number."""
    found: list[object] = []
    for place, cell in enumerate(row):
        if place == p95:
            found.append({"-1": "beyond the last bucket", "0": ""}.get(cell, cell))
        else:
            found.append(tag("span", cell, class_=_WORDS[cell]) if place in _VERDICTS and cell in _WORDS else cell)
    return found


def _queries(opened: Opened) -> Iterator[Markup]:
    if opened.queries:
        yield tag("h2", "How it was counted")
        yield tag("dl", *(together(tag("dt", name), tag("dd", tag("code", query))) for name, query in opened.queries.items()))
