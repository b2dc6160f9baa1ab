"""The evidence of a rollout in Markdown, for people."""

from collections.abc import Sequence

from smoke.reports.telling import COUNTED, EVIDENCE, WEIGHED, Entry, counted, date, entries, happened, last_looks, steps, weighed
from smoke.rollout import Event


def markdown(events: Sequence[Event]) -> str:
    """What happened when, and what was seen at each step."""
    told = entries(events)
    rollout = told[-1].rollout
    opened = rollout.opened
    head = [
        f"# Rollout {opened.rollout}: {rollout.phase.value}",
        "",
        f"- from `{opened.live}` to `{opened.candidate}`, release `{opened.release}`, asked by {opened.by}",
        f"- {date(opened.at)} to {date(events[-1].at)}, {events[-1].at - opened.at:.1f} s",
        f"- steps: {steps(rollout)}",
        *(f"- because: {because}" for because in rollout.because),
    ]
    if rollout.differs:
        head.append(f"- {rollout.differs}")
    lines = [f"- {date(each.event.at)} **{each.rollout.phase.value}** {each.told}" for each in happened(told)]
    return "\n".join([*head, "", "## What happened", "", *lines, "", *_seen(told)]) + "\n"


def _seen(told: Sequence[Entry]) -> list[str]:
    """The last look at each step: what was counted, and what each gate decided on."""
    looks = list(last_looks(told))
    if not looks:
        return []
    queries = looks[0][0].opened.queries
    return [
        "## What was seen, at the end of each step",
        "",
        *table(COUNTED, [row for look in looks for row in counted(*look)]),
        "",
        "## What it was decided on",
        "",
        EVIDENCE,
        "",
        *table(WEIGHED, [row for look in looks for row in weighed(*look)]),
        "",
        *(f"- `{service}` is counted by `{query}`" for service, query in queries.items()),
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's lines."""
    return [_row(head), "|" + " --- |" * len(head), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
