"""Asks every probe again and again, each in a thread of its own, so that one that hangs keeps nobody waiting.

What must not be here: what a probe asks, and what follows from its answer.
"""

import queue
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.contract import Backend, Placement
from smoke.model import Answer, Reading
from smoke.probes.settings import EVERY
from smoke.seams import Clock, Probe

_PATIENCE = 2.0
"""A look that takes longer than its own limit times this, and a second, hangs on our side of the question."""
_FAREWELL = 0.5
"""Seconds that ``close`` waits for looks that are about to end."""


class Sampler:
    """Asks each question every so many seconds, counted from the start of its last look, and never twice at the same time.

    Nothing is asked before the first ``look``. The readings of one question arrive in the order in which it was asked.
    """

    def __init__(self, questions: Sequence[tuple[Placement, Probe, Backend]], clock: Clock) -> None:
        self.questions = tuple(questions)
        self._clock = clock
        self._lock = threading.Lock()
        """Held for moments only, never while somebody is asked."""
        self._arrived: list[Reading] = []
        self._since: dict[int, tuple[float, float]] = {}
        """By question that is being asked now: when the look began, and from when on it may be said that it hangs."""
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def look(self) -> tuple[Reading, ...]:
        """The readings that arrived since the last look; returns at once. One that hangs is told as one that could not tell."""
        if not self._threads and not self._closed.is_set():
            self._threads = [_started(self._keep_asking, index) for index in range(len(self.questions))]
        with self._lock:
            arrived = (*self._arrived, *self._hanging())
            self._arrived.clear()
        return arrived

    def once(self, limit: float) -> tuple[Reading, ...]:
        """One reading of every question, all asked at the same time; after ``limit`` seconds the rest are told as unanswered."""
        answers: queue.SimpleQueue[tuple[int, Reading]] = queue.SimpleQueue()
        for index in range(len(self.questions)):
            _started(lambda index: answers.put((index, self._asked(index))), index)
        began = self._clock.now()
        readings: dict[int, Reading] = {}
        while len(readings) < len(self.questions):
            try:
                index, reading = answers.get(timeout=max(0.0, began + limit - self._clock.now()))
            except queue.Empty:
                break
            readings[index] = reading
        silent = f"did not answer within {limit:g} s: it hangs"
        return tuple(readings.get(each) or self._untold(each, silent, began) for each in range(len(self.questions)))

    def close(self) -> None:
        """Ask no more; may be repeated. A look that hangs is left to itself, and keeps the program from nothing."""
        self._closed.set()
        until = self._clock.now() + _FAREWELL
        for each in self._threads:
            each.join(max(0.0, until - self._clock.now()))

    def _keep_asking(self, index: int) -> None:
        every = self.questions[index][2].settings.get("every", EVERY)
        while not self._closed.is_set():
            began = self._clock.now()
            with self._lock:
                self._since[index] = (began, began + self._patience(index))
            reading = self._asked(index)
            with self._lock:
                del self._since[index]
                self._arrived.append(reading)
            self._closed.wait(max(0.0, began + every - self._clock.now()))

    def _hanging(self) -> list[Reading]:
        """One reading for each look that takes far too long, and again whenever it has taken as long once more."""
        now, found = self._clock.now(), []
        for index, (began, due) in self._since.items():
            if now >= due:
                self._since[index] = (began, now + self._patience(index))
                found.append(self._untold(index, f"has not ended for {now - began:.1f} s: the probe itself hangs", began))
        return found

    def _patience(self, index: int) -> float:
        return float(self.questions[index][2].settings.get("timeout", EVERY)) * _PATIENCE + 1.0

    def _asked(self, index: int) -> Reading:
        placement, probe, _ = self.questions[index]
        began = self._clock.now()
        try:
            return probe.read(placement)
        except BaseException as error:  # noqa: BLE001 - nobody above would hear of it: the thread would end without a word
            where = traceback.extract_tb(error.__traceback__)[-1]
            broke = f"the probe itself broke: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            return self._untold(index, broke, began)

    def _untold(self, index: int, detail: str, at: float) -> Reading:
        placement, probe, _ = self.questions[index]
        return Reading(placement.service, placement.slot, probe.name, Answer.UNTOLD, detail, at)


def _started(act: Callable[[int], None], index: int) -> threading.Thread:
    thread = threading.Thread(target=act, args=(index,), name=f"probe {index}", daemon=True)
    thread.start()
    return thread
