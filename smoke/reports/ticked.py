"""The checklist as one page of HTML, for whoever wants to see all of it, and what each row is by. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from smoke.checklist import Told, counted
from smoke.evidence import Evidence
from smoke.reports.markup import Markup, table, tag, together
from smoke.reports.page import page
from smoke.reports.telling import date

_CLASSES = {"measured": "good", "failed": "bad"}


def checklist_page(stack: str, release: str, rows: Sequence[Told], evidence: Sequence[Evidence], link: str, at: float) -> str:  # noqa: PLR0913, PLR0917 - what there is to it
    """Every row with its state, and all evidence with its hashes, as they were at a time in seconds since 1970."""
    done = sum(each.done for each in rows)
    lead = f"{done} of {len(rows)} rows are done; release {release}, {date(at)}."
    return page(
        f"Checklist of {stack}",
        tag("p", lead, class_="lead good" if done == len(rows) else "lead"),
        tag("h2", "Phases"),
        table(
            ("phase", "done", "rows"),
            [(name, f"{counts['done']}", f"{counts['rows']}") for name, counts in counted(rows).items()],
            "",
        ),
        *_parts(rows),
        tag("h2", "Evidence"),
        table(("gate", "outcome", "release", "by", "when", "what it wrote, SHA-256"), [*map(_piece, evidence)], "Oldest first."),
        foot=together(
            "Computed by ",
            tag("code", "crossfade checklist --html"),
            f"; the last link of the chain of evidence is {link or 'none'}.",
        ),
    )


def _parts(rows: Sequence[Told]) -> Iterator[Markup]:
    for name, part in groupby(rows, key=lambda each: each.row.phase):
        yield tag("h2", name.capitalize())
        yield tag("ol", *(_row(each) for each in part))


def _row(each: Told) -> Markup:
    kind = _CLASSES.get(each.state, "good" if each.done else "plain")
    by = f" ({', '.join(each.by)})" if each.by else ""
    return tag("li", tag("time", each.row.number), tag("span", each.state, class_=kind), f" {each.row.says}. {each.why}{by}")


def _piece(each: Evidence) -> tuple[str, ...]:
    outcome = f"{each.outcome.value}, attested" if each.attested else each.outcome.value
    return each.gate, outcome, each.release, each.by, date(each.at), each.files[0].sha256[:16] if each.files else ""
