"""The log of orders, and the judge: whether two were ever at work at once."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """One unit of work: who did it, by which grant, and from when to when, in monotonic seconds."""

    token: int
    slot: str
    begun: float
    ended: float


@dataclass(frozen=True, slots=True)
class Span:
    """All the work that was done by one grant."""

    token: int
    slot: str
    first: float
    last: float


def orders_in(file: Path) -> list[Order]:
    """The orders of a log; a line that is being written does not count."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    words = [line.split() for line in lines]
    return [Order(int(token), slot, float(begun), float(ended)) for token, slot, begun, ended in words]


def spans(orders: Iterable[Order]) -> list[Span]:
    """The work of each grant, in the order of the tokens; each token must be of one slot."""
    by_token: dict[int, list[Order]] = {}
    for order in orders:
        by_token.setdefault(order.token, []).append(order)
    for token, each in by_token.items():
        assert len({order.slot for order in each}) == 1, f"token {token} was used by both slots"
    return [
        Span(token, each[0].slot, min(order.begun for order in each), max(order.ended for order in each))
        for token, each in sorted(by_token.items())
    ]


def judged(orders: Iterable[Order]) -> list[Span]:
    """The work of each grant; fails where the work of one began before that of an earlier one was over."""
    found = spans(orders)
    for before, after in itertools.pairwise(found):
        assert before.last <= after.first, f"{after} began before {before} was over"
    return found


def gaps(found: Sequence[Span]) -> list[float]:
    """Seconds in which nobody worked, at each hand-over."""
    return [after.first - before.last for before, after in itertools.pairwise(found)]
