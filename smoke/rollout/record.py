"""The one codec between events and the records of a journal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin

from smoke.plan import Plan
from smoke.redaction import redacted_record
from smoke.rollout import events
from smoke.rollout.events import Event, Opened

Holds = Callable[[Any], bool]
_KINDS: Mapping[str, type[Event]] = {
    kind.__name__.lower(): kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
_TUPLES = frozenset({"because", "findings", "numbers", "services", "singletons"})
_LARGEST = 2**63
"""No number of a record is as large; one that is no float either would break whoever counts with it, much later."""


def to_record(event: Event) -> Mapping[str, Any]:
    """The JSON object that a journal keeps."""
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    if isinstance(event, Opened):
        values["plan"] = event.plan.to_json()
    return {"event": type(event).__name__.lower(), **redacted_record(values)}


def from_record(record: Mapping[str, Any]) -> Event:
    """The event that ``to_record`` wrote.

    Raises:
        ValueError: it is no record of this version.
    """
    values = dict(record)
    name = values.pop("event", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"no event called {name!r}")
    try:
        for each in _TUPLES & values.keys():
            values[each] = tuple(values[each])
        if kind is Opened:
            values["plan"] = Plan.from_json(values["plan"])
        event = kind(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a record of {kind.__name__}: {error}") from error
    _check(event)
    return event


def _check(event: Event) -> None:
    """Refuse what would be an event by its names alone."""
    kind: Any = type(event)
    wrong = [name for name, holds in _fields(kind) if not holds(getattr(event, name))]
    if not wrong and isinstance(event, Opened):
        shares = [step.share for step in event.plan.steps]
        wrong += [] if event.live != event.candidate else ["candidate"]
        wrong += [] if shares and all(0 <= each <= 100 for each in shares) else ["plan"]  # noqa: PLR2004 - percent
    if wrong:
        raise ValueError(f"not a record of {kind.__name__}: {', '.join(wrong)} of the wrong kind")


@cache
def _fields(kind: Any) -> Sequence[tuple[str, Holds]]:  # noqa: ANN401 - any dataclass
    found: list[tuple[str, Any]] = [(each.name, each.type) for each in fields(kind)]
    return [(name, _kind(each)) for name, each in found]


@cache  # a journal has thousands of records, and `status` reads them all
def _kind(kind: Any) -> Holds:  # noqa: ANN401 - any that a field of an event may have
    """Whether a value is of that kind."""
    if kind is Any:
        return lambda _: True
    if kind in {int, float}:  # type(), because True is an int too; the engine writes 1.0 as 1
        return lambda value: type(value) in {int, kind} and abs(value) < _LARGEST  # and neither NaN nor infinite
    if isinstance(kind, type) and is_dataclass(kind):
        return lambda value: isinstance(value, kind) and all(holds(getattr(value, name)) for name, holds in _fields(kind))
    inner = [_kind(each) for each in get_args(kind) if each is not ...]
    if isinstance(kind, UnionType):
        return lambda value: any(holds(value) for holds in inner)
    outer = get_origin(kind) or kind
    return lambda value: isinstance(value, outer) and (not inner or _all(value, inner))


def _all(value: Any, inner: Sequence[Holds]) -> bool:  # noqa: ANN401 - any mapping, tuple or list
    values = value.values() if isinstance(value, Mapping) else value
    return all(map(inner[-1], values)) and (len(inner) == 1 or all(map(inner[0], value)))
