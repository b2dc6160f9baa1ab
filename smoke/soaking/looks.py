"""What one look of a soak kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Look:
    """The live slot, and the other one beside it, at one moment."""

    at: float
    """Seconds since 1970."""
    live: str
    """The slot that users are on."""
    bad: tuple[str, ...] = ()
    """One phrase for each probe of the live slot that is not well."""
    requests: int = 0
    """Of users to the live slot, since the look before."""
    errors: int = 0
    """Of them, those that failed."""
    loads: Mapping[str, int] = field(default_factory=dict)
    """Requests since the look before, by slot: a slot without any is no control."""
    memory: Mapping[str, float] = field(default_factory=dict)
    """Resident megabytes, by ``slot/service``; what could not be read is absent."""
    instances: Mapping[str, str] = field(default_factory=dict)
    """Who answered, by ``slot/service``: another one was started anew."""

    def to_record(self) -> Mapping[str, Any]:
        """As it is kept."""
        return {**asdict(self), "bad": list(self.bad)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """As it was kept.

        Raises:
            KeyError, TypeError: it was not kept by us.
        """
        return cls(**{**record, "bad": tuple(record["bad"])})


@dataclass(frozen=True, slots=True)
class Span:
    """The time between two looks, by what the second one saw."""

    seconds: float
    look: Look


def spans(looks: Sequence[Look], every: float) -> Iterator[Span]:
    """What was watched: where two looks are further apart than looks are, nobody knows what was between them."""
    for before, look in pairwise(looks):
        seconds = look.at - before.at
        if 0 < seconds <= 2.5 * every and look.live == before.live:
            yield Span(seconds, look)
