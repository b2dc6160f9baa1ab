"""The file that the process keeps replacing: fresh, its own, connected, and getting work done."""

import time
from collections.abc import Mapping

import psutil

from infra.contract import Json, Placement
from smoke.containers import Reference, Unseen
from smoke.heartbeat import Beat, Life, NoBeat, read_beat, traced
from smoke.model import Answer
from smoke.probes.settings import seconds, settings
from smoke.probes.sight import Question, Sight, failed, instance, untold
from smoke.seams import Probe

_HANGS = {
    Life.RUNNING: "it runs, and hangs",
    Life.STOPPED: "it was stopped by a signal",
    Life.PAUSED: "its container is paused",
}


def heartbeat(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    return Question("heartbeat", Heartbeat(**settings("heartbeat", given, {"max_age": seconds()})).look)


class Heartbeat:
    """Reads beats, and remembers since when their count stands still: a process that beats and does nothing is not well."""

    def __init__(self, max_age: float, timeout: float) -> None:
        del timeout  # a file answers at once
        self._max_age = max_age
        self._moved: dict[tuple[str, str], tuple[str | None, int, float]] = {}
        """By service and slot: the instance, its count, and when it was first seen, in monotonic seconds."""

    def look(self, placement: Placement) -> Sight:
        """Read the file once."""
        if placement.heartbeat is None:
            raise untold(f"{placement.service} has no heartbeat")
        try:
            beat, alive = traced(read_beat(placement.heartbeat), Reference.of(placement))
        except NoBeat as error:
            raise failed(str(error)) from error
        except Unseen as error:
            raise untold(str(error)) from error
        age = time.time() - beat.at
        if alive is Life.GONE:  # nobody answers, whoever it was: what an earlier release left behind is no impostor
            where = f" from container {placement.container}" if placement.container else ""
            raise failed(f"pid {beat.pid} is gone{where}; it beat {age:.1f} s ago for the last time")
        if beat.slot != placement.slot:
            detail = f"slot {beat.slot} beats into the file of {placement.slot}: two processes share {placement.heartbeat}"
            raise failed(detail, beat.version, impostor=True)
        wrong = self._wrong(beat, age, self._still(placement, beat), hangs=_HANGS[alive])
        return Sight(
            Answer.FAILED if wrong else Answer.OK,
            wrong or f"pid {beat.pid} beat {max(age, 0):.2f} s ago, {beat.beats} beats",
            beat.version,
            instance=instance(beat.pid, beat.started),
            numbers={"beats": beat.beats, "age": round(age, 3), **_memory(beat.pid)},
        )

    def _wrong(self, beat: Beat, age: float, still: float, hangs: str) -> str | None:
        allowed = f"{self._max_age:g} s are allowed"
        if age > self._max_age:
            return f"pid {beat.pid} beat {age:.1f} s ago, {allowed}: {hangs}"
        if -age > self._max_age:
            return f"the beat of pid {beat.pid} is dated {-age:.1f} s in the future: the machine's clock was set back"
        if not beat.connected:
            return f"feed is silent: pid {beat.pid} beats, and is not connected to what it works on"
        if still > self._max_age:
            return f"pid {beat.pid} has done nothing for {still:.1f} s, {allowed}: it stands at {beat.beats} beats"
        return None

    def _still(self, placement: Placement, beat: Beat) -> float:
        """Seconds for which the count has stood still, as far as was seen here."""
        place, run, now = (placement.service, placement.slot), instance(beat.pid, beat.started), time.monotonic()
        known = self._moved.get(place)
        if known is None or known[:2] != (run, beat.beats):
            self._moved[place] = known = (run, beat.beats, now)
        return now - known[2]


def _memory(pid: int) -> Mapping[str, float]:
    try:
        return {"rss_mb": round(psutil.Process(pid).memory_info().rss / 2**20, 1)}
    except psutil.Error:
        return {}
