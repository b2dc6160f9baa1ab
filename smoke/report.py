"""The evidence of a rollout: a fold of its events into Markdown for people and a document for machines."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smoke.rollout import Event, Looked, Rollout, apply, describe, sentence
from smoke.rollout.record import to_record


def document(events: Sequence[Event]) -> Mapping[str, Any]:
    """Everything that is known of a rollout, as JSON: how it stands, and every event with its numbers."""
    rollout, _ = _told(events)
    return {"format": 1, **describe(rollout), "events": [to_record(event) for event in events]}


def markdown(events: Sequence[Event]) -> str:
    """The same for people: what happened when, and what was seen at each step."""
    rollout, lines = _told(events)
    opened = rollout.opened
    head = [
        f"# Rollout {opened.rollout}: {rollout.phase.value}",
        "",
        f"- from `{opened.live}` to `{opened.candidate}`, release `{opened.release}`, asked by {opened.by}",
        f"- {_date(opened.at)} to {_date(events[-1].at)}, {events[-1].at - opened.at:.1f} s",
        f"- steps: {', '.join('hand-over' if step.singletons else f'{step.share} %' for step in rollout.plan.steps)}",
        *(f"- because: {because}" for because in rollout.because),
    ]
    if rollout.differs:
        head.append(f"- {rollout.differs}")
    return "\n".join([*head, "", "## What happened", "", *lines, "", *_seen(events)]) + "\n"


def _told(events: Sequence[Event]) -> tuple[Rollout, list[str]]:
    lines: list[str] = []
    rollout: Rollout | None = None
    for event in events:
        rollout = apply(rollout, event)
        if not isinstance(event, Looked):
            lines.append(f"- {_date(event.at)} **{rollout.phase.value}** {sentence(event, rollout)}")
    if rollout is None:
        raise ValueError("a rollout without events")
    return rollout, lines


def _seen(events: Sequence[Event]) -> list[str]:
    """The last look at each step: what was counted, and what each gate decided on."""
    looks = list(_last_looks(events))
    if not looks:
        return []
    counts = ["| step | service | slot | requests | errors | p95 ms | watched s | verdict |", "|" + " --- |" * 8]
    weighed = [
        "| step | service | gate | verdict | n | n live | estimate | interval | allowed | E | threshold |",
        "|" + " --- |" * 11,
    ]
    for rollout, look in looks:
        counts += _rows(rollout, look)
        weighed += [f"| {rollout.share} % | {_weighed(numbers)} |" for numbers in look.numbers]
    asked = [f"- `{service}` is counted by `{query}`" for service, query in looks[0][0].opened.queries.items()]
    return [
        "## What was seen, at the end of each step",
        "",
        *counts,
        "",
        "## What it was decided on",
        "",
        "E is the evidence: for a FAIL against the candidate, over the whole rollout; else that it keeps within what is allowed.",
        "",
        *weighed,
        "",
        *asked,
    ]


def _last_looks(events: Sequence[Event]) -> Iterator[tuple[Rollout, Looked]]:
    rollout: Rollout | None = None
    for number, event in enumerate(events):
        rollout = apply(rollout, event)
        following = events[number + 1] if number + 1 < len(events) else None
        if isinstance(event, Looked) and not isinstance(following, Looked):
            yield rollout, event


def _rows(rollout: Rollout, look: Looked) -> list[str]:
    return [
        f"| {rollout.share} % | {service} | {slot} | {seen['requests']} | {seen['errors']} | {seen['p95_ms']:g} "
        f"| {look.watched:.1f} | {look.verdict} |"
        for service, slots in look.counts.items()
        for slot, seen in slots.items()
    ]


def _weighed(numbers: Mapping[str, Any]) -> str:
    low, high = (_number(numbers.get(side)) for side in ("low", "high"))
    interval = f"{low} to {high or 'any'}" if low else ""
    plain = (_number(numbers.get(name)) for name in ("n", "n_live", "estimate"))
    limits = (_number(numbers.get(name)) for name in ("limit", "evidence", "threshold"))
    return " | ".join([numbers["service"], numbers["gate"], numbers["verdict"], *plain, interval, *limits])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + f".{int(at * 1000) % 1000:03d}"
