"""The one codec between events and the records of a journal."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from smoke.plan import Plan
from smoke.rollout import events
from smoke.rollout.events import Event, Opened

_KINDS: Mapping[str, type[Event]] = {
    kind.__name__.lower(): kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
_TUPLES = frozenset({"because", "findings", "numbers", "services", "singletons"})


def to_record(event: Event) -> Mapping[str, Any]:
    """The JSON object that a journal keeps."""
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    if isinstance(event, Opened):
        values["plan"] = event.plan.to_json()
    return {"event": type(event).__name__.lower(), **values}


def from_record(record: Mapping[str, Any]) -> Event:
    """The event that ``to_record`` wrote.

    Raises:
        ValueError: it is no record of this version.
    """
    values = dict(record)
    kind = _KINDS.get(values.pop("event", None))
    if kind is None:
        raise ValueError(f"no event called {record.get('event')!r}")
    try:
        for name in _TUPLES & values.keys():
            values[name] = tuple(values[name])
        if kind is Opened:
            values["plan"] = Plan.from_json(values["plan"])
        return kind(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a record of {kind.__name__}: {error}") from error
