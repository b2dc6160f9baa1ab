"""A meter that counts what it was told to: for tests and for ``rehearse``."""

import math
import time
from collections.abc import Mapping, Sequence

from infra.contract import Json
from smoke.errors import MeterError, UsageError
from smoke.model import Counts, Sample

_HINT = (
    "it has only: samples, a list of {slot: {requests, errors, latency?}}, or null to be blind; "
    "whole numbers, and latency as [[upper edge in ms, requests at or below], ...] (cumulative, the last edge infinite)"
)


class ScriptedMeter:
    """Gives one sample after the other, and the last one for ever; None is a look that sees nothing."""

    def __init__(self, samples: Sequence[Mapping[str, Counts] | None]) -> None:
        self._samples = samples
        self._given = 0

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> "ScriptedMeter":
        """The meter that plays ``samples``.

        Raises:
            UsageError: the setting is missing, not of that shape, or there is another.
        """
        if unknown := sorted(set(settings) - {"samples"}):
            raise UsageError(f"meter scripted: unknown setting {', '.join(unknown)}", hint=_HINT)
        samples = settings.get("samples")
        if not isinstance(samples, list) or not samples:
            raise UsageError("meter scripted: samples is missing, empty or no list", hint=_HINT)
        return cls([_sample(place, words) for place, words in enumerate(samples)])

    def read(self) -> Sample:
        """The next one."""
        slots = self._samples[min(self._given, len(self._samples) - 1)]
        self._given += 1
        if slots is None:
            raise MeterError("the counts cannot be read, as scripted")
        return Sample(time.monotonic(), dict(slots))


def _sample(place: int, words: Json) -> Mapping[str, Counts] | None:
    if words is None:
        return None
    try:
        return {slot: _counts(**each) for slot, each in words.items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"meter scripted: samples[{place}] is not of that shape", cause=str(error), hint=_HINT) from error


def _counts(*, requests: Json, errors: Json, latency: Json = ()) -> Counts:
    """The counts, if a meter could have counted so."""
    pairs = tuple((float(edge), below) for edge, below in latency)
    numbers = [requests, errors, *(below for _, below in pairs)]
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in numbers) or not 0 <= errors <= requests:
        raise ValueError(f"{errors!r} errors in {requests!r} requests")
    edges, below = [edge for edge, _ in pairs], [0, *(count for _, count in pairs)]
    if pairs and (edges != sorted(set(edges)) or below != sorted(below) or edges[-1] != math.inf):
        raise ValueError("latency does not ascend to an infinite edge")
    return Counts(requests, errors, pairs)
