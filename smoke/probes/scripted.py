"""A probe that answers what it was told to: for tests and for ``rehearse``."""

import threading
from collections.abc import Mapping, Sequence

from infra.contract import Json, Placement
from smoke.model import Answer
from smoke.probes.settings import Setting, settings
from smoke.probes.sight import Question, Sight
from smoke.seams import Probe

_ANSWERS = frozenset(each.value for each in Answer)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "answer": (str,),
    "detail": (str,),
    "version": (str, type(None)),
    "impostor": (bool,),
    "instance": (str, type(None)),
    "numbers": (Mapping,),
}


def scripted(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    wanted = "a list of {answer: ok, failed or untold, detail, version?, impostor?, instance?, numbers?}"
    known = settings("scripted", given, {"readings": Setting(wanted, _are_readings)})
    return Question("scripted", Scripted(known["readings"]).look)


class Scripted:
    """Gives one reading after the other, and the last one for ever. One that says no version shows the placement's own."""

    def __init__(self, readings: Sequence[Mapping[str, Json]]) -> None:
        self._readings = readings
        self._given = 0
        self._lock = threading.Lock()

    def look(self, placement: Placement) -> Sight:
        """The next one."""
        with self._lock:
            words = self._readings[min(self._given, len(self._readings) - 1)]
            self._given += 1
        return Sight(**{"version": placement.version, **words, "answer": Answer(words["answer"])})


def _are_readings(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_reading(each) for each in value)


def _is_reading(value: Json) -> bool:
    if not isinstance(value, Mapping) or not {"answer", "detail"} <= value.keys() <= _KINDS.keys():
        return False
    return all(isinstance(each, _KINDS[name]) for name, each in value.items()) and value["answer"] in _ANSWERS
