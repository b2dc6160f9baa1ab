"""The orders that singletons put, and the judge: whether two slots were ever at work at one moment. Pure.

The proof is in the tokens. A hand-over gives each grant a greater token than all before it; where work is done by one grant at
a time, time and token rise together, and no token is used by two slots. What is judged is what was logged, not what was meant:
orders that never reached a log are not seen here.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any

from smoke.errors import UsageError

_TIMES = ("received", "at", "time")
_NAMES = ("client_id", "id")


@dataclass(frozen=True, slots=True)
class Order:
    """One order, or one moment of it, as a line of a log tells it."""

    token: int
    """Of the grant that it was put by."""
    slot: str
    at: float
    """Seconds, by one clock for all logs that are judged together."""
    name: str | None = None
    """What tells it from all other orders; None where the log does not say."""
    file: str = ""
    line: int = 0

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Log:
    """What one file holds."""

    file: str
    orders: tuple[Order, ...]
    torn: bool
    """Its last line was not written whole, and is dropped."""


@dataclass(frozen=True, slots=True)
class Span:
    """All orders that were put by one grant."""

    token: int
    slot: str
    orders: int
    first: float
    """When the first and the last of them were, in seconds."""
    last: float


@dataclass(frozen=True, slots=True)
class Violation:
    """Two orders that cannot both be of slots that work one at a time."""

    what: str
    order: Order
    """The later one."""
    against: Order

    def __str__(self) -> str:
        return f"{self.order.where}: {self.what} ({self.against.where})"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of some logs."""

    spans: tuple[Span, ...]
    """In the order of their tokens."""
    violations: tuple[Violation, ...]
    """In the order of time; none: at no moment were there two at work."""


def read(lines: Iterable[bytes], file: str) -> Log:
    """The orders of a log, one JSON object a line. Empty lines are passed over, and so is a last one that ends in its middle.

    Raises:
        UsageError: a line is no order; says which and what is wrong with it.
    """
    orders: list[Order] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            orders.append(_order(_document(line), file, number))
        except _NoOrder as error:
            if isinstance(error, _NoJson) and not line.endswith(b"\n"):
                return Log(file, tuple(orders), torn=True)
            hint = 'each line is one object: {"token": 3, "slot": "blue", "at": 1700000000.25}'
            raise UsageError("this is no log of orders", f"{file}:{number}", str(error), hint) from error
    return Log(file, tuple(orders), torn=False)


def judge(orders: Iterable[Order]) -> Judgement:
    """Judge all orders together, of however many logs, in whatever order they come.

    Orders of the very same time are taken to be in the order of their tokens: a coarse clock proves nothing against them.
    """
    ordered = sorted(orders, key=attrgetter("at", "token"))
    found = chain(_stale(ordered), _shared(ordered), _doubled(ordered))
    return Judgement(_spans(ordered), tuple(sorted(found, key=lambda each: each.order.at)))


def gaps(spans: Sequence[Span]) -> tuple[float, ...]:
    """Seconds without an order from each span to the next: nobody worked, or nothing was to be ordered."""
    return tuple(after.first - before.last for before, after in pairwise(spans))


def _spans(ordered: Sequence[Order]) -> tuple[Span, ...]:
    by_token: dict[int, list[Order]] = {}
    for order in ordered:
        by_token.setdefault(order.token, []).append(order)
    return tuple(Span(token, each[0].slot, len(each), each[0].at, each[-1].at) for token, each in sorted(by_token.items()))


def _stale(ordered: Sequence[Order]) -> Iterator[Violation]:
    """Orders by a grant that was over: a later one had put an order before."""
    newest = ordered[0] if ordered else None
    for order in ordered:
        if newest is None or order.token > newest.token:
            newest = order
        elif order.token < newest.token:
            ago = f"{order.at - newest.at:.6f} s after {newest.slot} had begun by token {newest.token}"
            yield Violation(f"{order.slot} put an order by token {order.token}, {ago}", order, newest)


def _shared(ordered: Sequence[Order]) -> Iterator[Violation]:
    """Orders by a token that another slot has used."""
    first: dict[int, Order] = {}
    for order in ordered:
        if (other := first.setdefault(order.token, order)).slot != order.slot:
            yield Violation(f"{order.slot} used token {order.token}, which {other.slot} had used", order, other)


def _doubled(ordered: Sequence[Order]) -> Iterator[Violation]:
    """Orders that another slot has put, too: double trades."""
    first: dict[str, Order] = {}
    for order in ordered:
        if order.name is not None and (other := first.setdefault(order.name, order)).slot != order.slot:
            yield Violation(f"{order.slot} put order {order.name}, which {other.slot} had put", order, other)


# What a line says


class _NoOrder(Exception):
    """A line is no order; says what is wrong with it."""


class _NoJson(_NoOrder):
    """It is not even JSON, as a line is not that was torn."""


def _document(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise _NoJson(f"it is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _NoOrder("it is no JSON object")
    return document


def _order(document: dict[str, Any], file: str, line: int) -> Order:
    token, slot = document.get("token"), document.get("slot")
    if not isinstance(token, int) or isinstance(token, bool):
        raise _NoOrder(f"token is {_shown(token)}, and a whole number is wanted")
    if not isinstance(slot, str) or not slot:
        raise _NoOrder(f"slot is {_shown(slot)}, and the name of a slot is wanted")
    return Order(token, slot, _time(document), _name(document), file, line)


def _time(document: dict[str, Any]) -> float:
    key = next((each for each in _TIMES if document.get(each) is not None), None)
    if key is None:
        raise _NoOrder(f"it has no time: one of {', '.join(_TIMES)}, in seconds, is wanted")
    value = document[key]
    try:
        if not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except (TypeError, OverflowError):
        pass
    raise _NoOrder(f"{key} is {_shown(value)}, and seconds are wanted")


def _name(document: dict[str, Any]) -> str | None:
    key = next((each for each in _NAMES if document.get(each) is not None), None)
    if key is None:
        return None
    value = document[key]
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise _NoOrder(f"{key} is {_shown(value)}, and text or a whole number is wanted")
    return str(value)


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever a document may hold
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


_LONGEST = 40
