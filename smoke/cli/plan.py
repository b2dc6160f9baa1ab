"""``crossfade plan``: what the next promotion would do and how long it takes, and what going back would do."""

import sys
from collections.abc import Iterator, Sequence
from math import isfinite

import click

from infra.contract import Json
from smoke.analysis.foresight import ERROR_RATES, SLOWDOWNS, Foresight
from smoke.analysis.load import LEAST_ERRORS, SIGMA
from smoke.analysis.trial import ERROR_OBJECTIVE, ERRORS, LATENCY, LATENCY_OBJECTIVE
from smoke.cli.frame import check_settings, me, on_stack
from smoke.cli.main import print_document
from smoke.cli.outlook import Outlook, asked_rates, metered, outlooks, percent, rate_of, refusal, time_of
from smoke.errors import Exit
from smoke.plan import Plan, Step
from smoke.rollout import Opened
from smoke.rollout.hours import closed
from smoke.rollout.opening import NothingToDo, Wish, promotion
from smoke.wiring import Site

_WIDTH = 9


@click.command("plan")
@click.option("--rate", "rates", metavar="SERVICE=RPS", multiple=True, help="As if so many requests a second came; repeatable.")
@click.option("--watch", default=2.0, type=click.FloatRange(0.1, 600.0), metavar="SECONDS", help="Measure traffic for so long.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, rates: Sequence[str], watch: float, as_json: bool) -> int:
    """Show the steps of the next promotion, how long each takes with this traffic, and what going back would do.

    Refuses, with exit code 1, a plan whose steps would end at their limit without a verdict.
    """
    asked = check_settings(site)["releases"]
    # What it would do at an hour at which it may.
    wish = Wish(by=me(), at=site.clock.wall(), asked=asked, override="to plan")
    try:
        opened = promotion(site.contract, site.history(asked.values()), wish)
    except NothingToDo as nothing:
        sys.stderr.write(f"nothing to promote: {nothing}\n")
        if as_json:
            print_document({"nothing": str(nothing), "weights": site.weights()})
        return Exit.WANTED
    found = outlooks(site, opened, asked_rates(rates, metered(site)), watch)
    refused = refusal(site, opened, found)
    if as_json:
        print_document({**_document(opened, found), **(refused.document() if refused else {})})
    else:
        sys.stdout.write("\n".join([*_lines(opened), *_foreseen(opened, found, _metrics(site))]) + "\n")
    if refused is None:
        return Exit.WANTED
    sys.stderr.write(f"{refused}\n")
    return refused.exit


def _least_seconds(plan: Plan) -> float:
    return sum(step.bake for step in plan.steps)


def _metrics(site: Site) -> list[str]:
    return [f"{service.name}/{each.name}" for service in site.contract.services for each in service.metrics]


def _document(opened: Opened, found: Sequence[Outlook]) -> dict[str, Json]:
    return {
        "live": opened.live,
        "candidate": opened.candidate,
        "release": opened.release,
        "least_seconds": _least_seconds(opened.plan),
        "back": {name: dict(each) for name, each in opened.back.items()},
        "closed": closed(opened.plan, opened.at),
        "plan": opened.plan.to_json(),
        "traffic": [_traffic(each) for each in found],
        "foresight": [_row(step) for each in found for step in each.steps],
    }


def _traffic(outlook: Outlook) -> dict[str, Json]:
    load = outlook.load
    known = {} if load is None else {"live_errors": load.errors, "latency": "assumed" if load.latency is None else "measured"}
    return {"service": outlook.service, "rate": None if load is None else load.rate, "from": outlook.traffic, **known}


def _row(row: Foresight) -> dict[str, Json]:
    """Seconds; null where it never happens."""
    return {
        "service": row.service,
        "step": row.number + 1,
        "share": row.step.share,
        "see_errors": {f"{rate:g}": _seconds(each) for rate, each in zip(ERROR_RATES, row.errors, strict=True)},
        "see_latency": {f"{ratio:g}": _seconds(each) for ratio, each in zip(SLOWDOWNS, row.latency, strict=True)},
        "certify": {gate: _seconds(each) for gate, each in row.certify.items()},
        "requests": _seconds(row.requests),
        "lasts": _seconds(row.lasts),
        "limit": row.step.limit,
        "decides": row.decides,
    }


def _seconds(value: float) -> float | None:
    return value if isfinite(value) else None


def _lines(opened: Opened) -> list[str]:
    plan = opened.plan
    back = f"holds {', '.join(opened.back)} as settled before" if opened.back else "is removed: it was never settled"
    return [
        f"release {opened.release}: from {opened.live} to {opened.candidate}",
        f"  prove    {opened.candidate} must be well {plan.gates.successes} times in a row within {plan.prove:g} s",
        *(f"  step {number}   {_step(opened, step)}" for number, step in enumerate(plan.steps, start=1)),
        f"  least    {_least_seconds(plan):g} s of watched time",
        *_permits(opened),
        f"  back     all traffic on {opened.live} within a tick ({plan.tick:g} s) of a FAIL; then slot {opened.candidate} {back}",
        f"  absence  {plan.absence:g} s without a driver, and the stack's watchdog takes it back",
        f"  keep     for {plan.keep:g} s after the promotion {opened.live} is kept warm; then crossfade retire removes it",
    ]


def _permits(opened: Opened) -> Iterator[str]:
    """What people and the calendar must say to it, where they are asked."""
    plan = opened.plan
    if any(step.approvals for step in plan.steps):
        own = "whoever begins it may be one of them" if plan.own_approval else "whoever begins it is none of them"
        yield f"  approve  each counts for {plan.approvals_last:g} s, and {own}: crossfade approve"
    if plan.windows or plan.freezes:
        shut = closed(plan, opened.at)
        yield f"  hours    promote would {'begin now' if shut is None else f'be refused now: {shut}'}"


def _step(opened: Opened, step: Step) -> str:
    what = f"hand over {', '.join(opened.singletons)}" if step.singletons else f"{step.share} %"
    asked = f", after {step.approvals} approval{'' if step.approvals == 1 else 's'}" if step.approvals else ""
    least = f"{step.bake:g} s or more, {step.requests} requests or more for each service"
    return f"{what}{asked}: {least}, decided within {step.limit:g} s"


def _foreseen(opened: Opened, found: Sequence[Outlook], metrics: Sequence[str]) -> Iterator[str]:
    for each in found:
        yield from ("", _traffic_line(opened.live, each))
        if each.steps:
            yield from _table(each.steps)
    rows = [row for each in found for row in each.steps]
    if rows:
        yield ""
        yield "  About: half of the rollouts are sooner. Never: it is allowed, or too near to that. *: beyond the step's limit."
    if rows and all(row.decides for row in rows):
        lasts = [max(row.lasts for row in rows if row.number == number) for number in range(len(opened.plan.steps))]
        yield f"  {opened.candidate} as good as {opened.live} takes {time_of(sum(lasts))} in all."
    if metrics:
        yield f"  Not foreseen: {', '.join(metrics)}."


def _traffic_line(live: str, outlook: Outlook) -> str:
    load = outlook.load
    if load is None:
        return f"  {outlook.service}: {outlook.traffic}"
    assumed = " (assumed)" if load.errors == LEAST_ERRORS else ""
    latency = "as measured" if load.latency else f"unknown, taken as lognormal with sigma {SIGMA:g}"
    rate = f"{rate_of(load)}, {outlook.traffic}"
    return f"  {outlook.service}: {rate}; {live} fails {percent(load.errors)} of them{assumed}; its latency is {latency}"


def _table(rows: Sequence[Foresight]) -> Iterator[str]:
    groups = ((3, "to see errors of"), (3, "to see it slower by"), (3, "to show it is well"), (1, "step"))
    heads = [percent(each) for each in (*ERROR_RATES, *(ratio - 1.0 for ratio in SLOWDOWNS))]
    yield f"    {'about':<6}{''.join(f'{name:>{count * _WIDTH}}' for count, name in groups)}"
    yield _line("step", (*heads, "errors", "latency", "goals", "lasts"))
    for row in rows:
        yield _line(f"{row.step.share} %", [_cell(each, row) for each in _times(row)])


def _line(first: str, cells: Sequence[str]) -> str:
    return f"    {first:<6}{''.join(f'{each:>{_WIDTH}}' for each in cells)}"


def _times(row: Foresight) -> list[float | None]:
    """In the order of the columns; None where nothing is asked."""
    objectives = [row.certify[gate] for gate in (ERROR_OBJECTIVE, LATENCY_OBJECTIVE) if gate in row.certify]
    shown = [row.certify.get(ERRORS), row.certify.get(LATENCY), max(objectives, default=None)]
    return [*row.errors, *row.latency, *shown, row.lasts]


def _cell(seconds: float | None, row: Foresight) -> str:
    if seconds is None:
        return "-"
    return f"{time_of(seconds)}{'*' if isfinite(seconds) and seconds > row.step.limit else ''}"
