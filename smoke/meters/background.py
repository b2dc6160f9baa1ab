"""Reads a slow meter in a thread of its own, so that whoever looks is never kept waiting.

What must not be here: what the meter counts.
"""

import threading
import traceback
from dataclasses import replace
from pathlib import Path

from smoke.errors import MeterError
from smoke.model import Sample
from smoke.seams import Clock, Meter

RETRY = 1.0
"""Seconds from a read that failed to the next: who sees nothing for long goes back."""
_FAREWELL = 0.5
"""Seconds that ``close`` waits for a read that is about to end."""


class Background:
    """A meter that answers at once with the newest sample of another one, or with why there is none.

    Nothing is read before the first ``read``. A sample that is older than two reads may take counts for nothing any more.
    """

    def __init__(self, meter: Meter, every: float, timeout: float, clock: Clock) -> None:
        """Read ``meter`` every so many seconds, counted from the start of its last read, which may take ``timeout``."""
        self._meter = meter
        self._every = every
        self._oldest = every + 2 * timeout + 1.0
        self._clock = clock
        self._newest: tuple[float, Sample | MeterError] = (clock.now(), MeterError("no answer yet"))
        """When the last read that has ended began, and what came of it."""
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def read(self) -> Sample:
        """The newest sample; it says itself what time it holds for.

        Raises:
            MeterError: there is none yet, the last read failed, or the next one hangs.
        """
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(target=self._keep_reading, name="meter", daemon=True)
            self._thread.start()
        began, newest = self._newest
        if isinstance(newest, MeterError):
            raise replace(newest)
        age = self._clock.now() - began
        if age > self._oldest:
            raise MeterError(f"no answer for {age:.1f} s: the meter hangs")
        return newest

    def close(self) -> None:
        """Read no more; may be repeated. A read that hangs is left to itself, and keeps the program from nothing."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(_FAREWELL)

    def _keep_reading(self) -> None:
        while not self._closed.is_set():
            began = self._clock.now()
            newest = self._asked()
            self._newest = (began, newest)
            pause = min(RETRY, self._every) if isinstance(newest, MeterError) else self._every
            self._closed.wait(max(0.0, began + pause - self._clock.now()))

    def _asked(self) -> Sample | MeterError:
        try:
            return replace(self._meter.read(), every=self._every)
        except MeterError as error:
            return error
        except BaseException as error:  # noqa: BLE001 - nobody above would hear of it: the thread would end without a word
            where = traceback.extract_tb(error.__traceback__)[-1]
            broke = f"the meter itself broke: {type(error).__name__}: {error}"
            return MeterError(f"{broke} ({Path(where.filename).name}:{where.lineno})")
