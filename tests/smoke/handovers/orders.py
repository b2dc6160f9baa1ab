"""The log of orders that the workers of these tests keep, and the judge: the product's own."""

from collections.abc import Iterable
from pathlib import Path

from smoke.orders import Order, Span, judge, read


def orders_in(file: Path) -> list[Order]:
    """The orders of a log, each when it was begun and when it was done; a line that is being written does not count."""
    if not file.exists():
        return []
    with file.open("rb") as lines:
        return list(read(lines, file.name).orders)


def judged(orders: Iterable[Order]) -> tuple[Span, ...]:
    """The work of each grant; fails where two were ever at work at once."""
    found = judge(orders)
    assert found.violations == (), "\n".join(map(str, found.violations))
    return found.spans
