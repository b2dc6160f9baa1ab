"""Clocks that a test moves."""

from smoke.clock import FakeClock, SystemClock


class UnsteadyClock(FakeClock):
    """A clock whose wall time somebody sets, while monotonic time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def wall(self) -> float:
        """What it was set to."""
        return super().wall() + self.ahead


class AheadClock(SystemClock):
    """The machine's clock, so many seconds ahead: for those who meet others, and must wait for them as long as it takes."""

    def __init__(self, seconds: float) -> None:
        self._ahead = seconds

    def now(self) -> float:
        """Monotonic seconds, ahead."""
        return super().now() + self._ahead


def later(seconds: float) -> FakeClock:
    """The machine's monotonic time, so many seconds from now; it stands still, so that whoever sleeps has slept at once."""
    clock = FakeClock(SystemClock().wall())
    clock.sleep(SystemClock().now() + seconds)
    return clock
