"""Time as a parameter: the machine's clock, and one that a test or a rehearsal moves."""

import time
from collections.abc import Callable


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Monotonic seconds since the machine was started."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Return after that long; at once for nothing or less."""
        time.sleep(max(0.0, seconds))


class FakeClock:
    """A clock that stands still until somebody sleeps: then it jumps there, and tells whoever wants to act at that time."""

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self._now = 0.0
        self._start = wall
        self._on_sleep: list[Callable[[float], None]] = []

    def now(self) -> float:
        """Seconds that were slept so far."""
        return self._now

    def wall(self) -> float:
        """The start, and what was slept since."""
        return self._start + self._now

    def set(self, wall: float) -> None:
        """Set the date, as a person or a time server does; no time passes."""
        self._start = wall - self._now

    def sleep(self, seconds: float) -> None:
        """Jump ahead."""
        self._now += max(0.0, seconds)
        for listener in self._on_sleep:
            listener(self._now)

    def on_sleep(self, listener: Callable[[float], None]) -> None:
        """Call ``listener`` with the time after each jump."""
        self._on_sleep.append(listener)
