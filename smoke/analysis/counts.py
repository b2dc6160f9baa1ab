"""What was counted between two looks at a meter: the unit that evidence is made of, and its form in the journal."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from infra.contract import Json
from smoke.model import Counts, Sample

_LARGEST = 2**63
"""No count and no time is as large."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slot answered between two looks."""

    requests: int = 0
    errors: int = 0
    places: tuple[int, ...] = ()
    """Which buckets of the meter's grid got a request; ascending."""
    bins: tuple[int, ...] = ()
    """Requests in each of these buckets."""


@dataclass(frozen=True, slots=True)
class Increment:
    """What both slots of a service answered between two looks."""

    seconds: float
    live: Slice = Slice()
    candidate: Slice = Slice()

    def to_json(self) -> Json:
        """``[seconds, live, candidate]``, each side ``[requests, errors, place, requests, place, requests, ...]``."""
        return [self.seconds, _flat(self.live), _flat(self.candidate)]

    @classmethod
    def from_json(cls, document: Json) -> "Increment":
        """Read what ``to_json`` wrote, to an equal value.

        Raises:
            ValueError, TypeError: it is something else.
        """
        seconds, live, candidate = document
        if type(seconds) not in {int, float} or not 0 <= seconds < _LARGEST:
            raise ValueError(f"not a length of time: {seconds!r:.80}")
        return cls(float(seconds), _slice(live), _slice(candidate))


def _flat(part: Slice) -> list[int]:
    pairs = zip(part.places, part.bins, strict=True)
    return [part.requests, part.errors, *(number for pair in pairs for number in pair)]


def _slice(numbers: Json) -> Slice:
    requests, errors, *rest = numbers
    counts = all(type(each) is int and 0 <= each < _LARGEST for each in numbers)
    if not counts or any(after <= before for before, after in pairwise(rest[::2])):
        raise ValueError("not what one slot answered")
    return Slice(requests, errors, tuple(rest[::2]), tuple(rest[1::2]))


def grid_of(sample: Sample) -> tuple[float, ...]:
    """Upper edges of the buckets of a reading, in milliseconds, the last one infinite; empty where there is no latency."""
    return next((tuple(edge for edge, _ in counts.latency) for counts in sample.slots.values() if counts.latency), ())


def between(before: Sample, after: Sample, live: str, candidate: str) -> Increment | None:
    """What was counted from one reading to the next; None where a counter went backwards or has other buckets: it begins anew."""
    sides = [_difference(before.slots.get(slot, Counts()), after.slots.get(slot, Counts())) for slot in (live, candidate)]
    if sides[0] is None or sides[1] is None:
        return None
    return Increment(after.at - before.at, sides[0], sides[1])


def _difference(old: Counts, new: Counts) -> Slice | None:
    requests, errors = new.requests - old.requests, new.errors - old.errors
    if requests < 0 or errors < 0:
        return None
    if new.latency == old.latency:
        return Slice(requests, errors)
    if old.latency and [edge for edge, _ in old.latency] != [edge for edge, _ in new.latency]:
        return None
    earlier = [count for _, count in old.latency] or [0] * len(new.latency)
    places, bins, below = [], [], 0
    for place, count in enumerate([after - before for (_, after), before in zip(new.latency, earlier, strict=True)]):
        if count != below:
            places.append(place)
            bins.append(count - below)
            below = count
    return Slice(requests, errors, tuple(places), tuple(bins)) if not bins or min(bins) > 0 else None


class Tail:
    """How many of some requests took longer than an edge of the grid."""

    __slots__ = ("_above", "_places")

    def __init__(self, part: Slice) -> None:
        self._places = part.places
        self._above = [*accumulate(part.bins[::-1], initial=0)][::-1]

    @property
    def total(self) -> int:
        """All of them."""
        return self._above[0]

    def above(self, place: int) -> int:
        """Requests in buckets beyond the one at ``place``."""
        return self._above[bisect_right(self._places, place)]


def merged(parts: Sequence[Slice]) -> Slice:
    """What was answered in all of them."""
    bins: dict[int, int] = {}
    for part in parts:
        for place, count in zip(part.places, part.bins, strict=True):
            bins[place] = bins.get(place, 0) + count
    places = tuple(sorted(bins))
    requests, errors = sum(part.requests for part in parts), sum(part.errors for part in parts)
    return Slice(requests, errors, places, tuple([bins[place] for place in places]))
