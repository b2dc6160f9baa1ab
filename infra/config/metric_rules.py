"""What must hold within a metric of the user's own, and between it and its service."""

from collections.abc import Iterator

from infra.config.document import Document, Keys
from infra.config.faults import Fault, paste
from infra.config.metrics import SLOT, MetricSettings, Promql, Sql
from infra.config.settings import Settings


def metric_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    """Every fault of every metric."""
    for name, service in settings.services.items():
        for called, metric in service.metrics.items():
            keys: Keys = ("services", name, "metrics", called)
            yield from _source(metric, document, keys)
            yield from _judged(metric, document, keys, alone=service.kind == "singleton")
            if metric.promql is not None:
                yield from _expressions(metric, metric.promql, document, (*keys, "promql"))
            yield from _by_slot(metric, document, keys)


def _source(metric: MetricSettings, document: Document, keys: Keys) -> Iterator[Fault]:
    if not metric.sources:
        cause = "it is read by one of command, promql, sql"
        hint = paste(document, (*keys, "command"), _example(MetricSettings, "command"))
        yield Fault(f"{keys[-1]} has no source", document.where((*keys, "command")), cause, hint)
    for more in metric.sources[1:]:
        cause = f"it is read by {metric.sources[0]} already: which of them counts is anybody's guess"
        yield Fault(f"{keys[-1]} has two sources", document.where((*keys, more)), cause, f"take {more} out")


def _judged(metric: MetricSettings, document: Document, keys: Keys, *, alone: bool) -> Iterator[Fault]:
    objective = paste(document, (*keys, "at_most"), _example(MetricSettings, "at_most"))
    if alone and metric.ratio is not None:
        cause = "a singleton is at work on one slot at a time: there is nothing to compare it with"
        hint = objective if metric.at_most is None else "take ratio out"
        yield Fault(f"{keys[-1]} cannot be compared", document.where((*keys, "ratio")), cause, hint)
    elif metric.at_most is None and metric.ratio is None:
        cause = "it has neither at_most nor ratio: whatever it says, nothing follows"
        yield Fault(f"{keys[-1]} judges nothing", document.where((*keys, "at_most")), cause, objective)


def _expressions(metric: MetricSettings, promql: Promql, document: Document, keys: Keys) -> Iterator[Fault]:
    wanted, written = metric.figures(), promql.model_dump(include={"bad", "all", "value"}, exclude_none=True)
    if metric.above is None and set(written) == {"value"}:
        cause = "a value is good or bad by what it is not above"
        hint = paste(document, (*keys[:-1], "above"), _example(MetricSettings, "above"))
        yield Fault(f"{keys[-2]} has no limit", document.where((*keys[:-1], "above")), cause, hint)
        return
    form = "bad and all" if metric.above is None else "one value"
    cause = f"{'without' if metric.above is None else 'with'} above it has {form}"
    for each in (name for name in written if name not in wanted):
        yield Fault(f"{keys[-2]} has no use for {each}", document.where((*keys, each)), cause, f"take {each} out")
    for each in (name for name in wanted if name not in written):
        hint = paste(document, (*keys, each), _example(Promql, each))
        yield Fault(f"{keys[-2]} has no {each}", document.where((*keys, each)), cause, hint)


def _by_slot(metric: MetricSettings, document: Document, keys: Keys) -> Iterator[Fault]:
    """What does not name the slot says the same of both, and nothing would ever be worse."""
    asked: dict[Keys, tuple[str, str]] = {}
    if metric.command is not None:
        asked[*keys, "command"] = " ".join(metric.command), f"{SLOT} as a word of it, or in one"
    for each in metric.figures() if metric.promql is not None else ():
        if (expression := getattr(metric.promql, each)) is not None:
            asked[*keys, "promql", each] = expression, f'slot="{SLOT}" among its labels'
    if isinstance(metric.sql, Sql) and ":slot" not in metric.sql.query:
        asked[*keys, "sql", "query"] = metric.sql.database, f":slot in it, or {SLOT} in the path of the database"
    for where, (text, better) in asked.items():
        if SLOT not in text:
            cause = "it asks the same for both slots, and nothing would ever be worse than it was"
            yield Fault(f"{keys[-1]} does not say which slot", document.where(where), cause, f"put {better}")


def _example(model: type[MetricSettings | Promql], name: str) -> object:
    return (model.model_fields[name].examples or [None])[0]
