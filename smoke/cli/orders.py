"""``crossfade orders``: whether two slots of a singleton ever worked at one moment, by the orders that were logged."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from infra.contract import Json
from smoke.cli.main import print_document
from smoke.errors import CrossfadeError, Exit, UsageError
from smoke.orders import Judgement, Log, gaps, judge, read

_SHOWN = 10
"""Violations that are told one by one."""


class _NothingSeen(CrossfadeError):
    """There is nothing that could be judged."""

    exit = Exit.UNDECIDED


@click.command("orders")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
def command(files: Sequence[Path], *, as_json: bool) -> int:
    """Say whether two slots ever put orders at one moment, or one order both, by the logs of orders.

    FILE is a log of JSON lines, kept by whoever received the orders or by each agent for itself; each line has a `token`, a
    `slot`, and a time in seconds: `received`, else `at`, else `time`. All are judged together, by one clock. Orders that have
    the same `client_id`, else the same `id`, are one order.
    """
    try:
        logs = [_log(file) for file in files]
        judgement = judge(order for log in logs for order in log.orders)
        if not judgement.spans:
            where, cause = ", ".join(map(str, files)), "a log without orders proves nothing"
            raise _NothingSeen("there is no order to judge", where, cause, "let both slots work for a while, then ask again")
    except CrossfadeError as error:
        error.state = error.state or "nothing was changed"
        raise
    if as_json:
        print_document(_document(logs, judgement))
    else:
        sys.stdout.write("\n".join(_lines(logs, judgement)) + "\n")
    return Exit.GATE if judgement.violations else Exit.WANTED


def _log(file: Path) -> Log:
    try:
        with file.open("rb") as lines:
            return read(lines, str(file))
    except OSError as error:
        hint = "the exchange of the example keeps its log in .crossfade/STACK/data/exchange/orders.jsonl"
        raise UsageError(f"{file} cannot be read", cause=error.strerror, hint=hint) from error


def _document(logs: Sequence[Log], found: Judgement) -> Mapping[str, Json]:
    between = gaps(found.spans)
    return {
        "well": not found.violations,
        "files": [{"file": log.file, "orders": len(log.orders), "torn": log.torn} for log in logs],
        "orders": sum(span.orders for span in found.spans),
        "spans": [
            {"token": span.token, "slot": span.slot, "orders": span.orders, "first": span.first, "last": span.last, "gap": gap}
            for span, gap in zip(found.spans, (None, *between), strict=True)
        ],
        "longest_gap": max(between, default=None),
        "violations": len(found.violations),
        "first_violations": [
            {"what": each.what, "where": each.order.where, "against": each.against.where} for each in found.violations[:_SHOWN]
        ],
    }


def _lines(logs: Sequence[Log], found: Judgement) -> list[str]:
    notes = [f"{log.file}: the last line was not written whole, and is left out" for log in logs if log.torn]
    notes += [f"{log.file}: no order" for log in logs if not log.orders]
    return [*_table(found), "", *notes, *_verdict(found)]


def _table(found: Judgement) -> list[str]:
    """The spans, in seconds from the first order on."""
    start = min(span.first for span in found.spans)
    rows = [("token", "slot", "orders", "first s", "last s", "gap s")]
    for span, gap in zip(found.spans, (None, *gaps(found.spans)), strict=True):
        times = (f"{span.first - start:.3f}", f"{span.last - start:.3f}", "" if gap is None else f"{gap:.3f}")
        rows.append((str(span.token), span.slot, str(span.orders), *times))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.rjust, row, widths)).rstrip() for row in rows]


def _verdict(found: Judgement) -> list[str]:
    count, slots = sum(span.orders for span in found.spans), sorted({span.slot for span in found.spans})
    tokens = "1 token" if len(found.spans) == 1 else f"{len(found.spans)} tokens"
    judged = f"{count} orders by {tokens} of {', '.join(slots)}"
    if not found.violations:
        between = gaps(found.spans)
        longest = f"; longest gap {max(between):.3f} s" if between else ""
        return [f"{judged}: at no moment two at work{longest}"]
    told = [f"  {each}" for each in found.violations[:_SHOWN]]
    more = len(found.violations) - len(told)
    return [f"{judged}: {len(found.violations)} times TWO at work", *told, *([f"  and {more} more"] if more else [])]
