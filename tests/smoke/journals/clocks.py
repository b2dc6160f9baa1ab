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


def later(seconds: float) -> FakeClock:
    """The machine's monotonic time, so many seconds from now."""
    clock = FakeClock(SystemClock().wall())
    clock.sleep(SystemClock().now() + seconds)
    return clock
