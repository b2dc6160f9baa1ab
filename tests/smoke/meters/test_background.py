"""What holds for a meter that is read in a thread of its own."""

import threading
from collections.abc import Callable

from infra.contract import Backend, Json
from smoke.clock import FakeClock, SystemClock
from smoke.errors import MeterError
from smoke.meters import meter
from smoke.meters.background import Background
from smoke.model import Counts, Sample
from tests.smoke.routers.envoy_harness import wait_for


class Told:
    """A meter that does what it was told to, and counts how often."""

    def __init__(self, act: Callable[[], Sample]) -> None:
        self._act = act
        self.reads = 0

    def read(self) -> Sample:
        """Do it."""
        self.reads += 1
        return self._act()


def scripted(*samples: Json) -> Background:
    """One that plays these, every few milliseconds."""
    return Background(meter(Backend("scripted", {"samples": [*samples]})), 0.01, 1.0, SystemClock())


def blue(requests: int) -> Json:
    """A sample of one slot."""
    return {"blue": {"requests": requests, "errors": 0}}


def sample(background: Background) -> Sample | None:
    """The newest, or None where there is none."""
    try:
        return background.read()
    except MeterError:
        return None


def error_of(background: Background) -> MeterError | None:
    """Why there is none, or None where there is one."""
    try:
        background.read()
    except MeterError as error:
        return error
    return None


def said(background: Background) -> str:
    """The same in its first words; empty where there is a sample."""
    error = error_of(background)
    return error.what if error else ""


def test_nothing_is_read_before_somebody_looks() -> None:
    """A meter that nobody looks at is left alone; the first look finds no answer yet, and does not wait for one."""
    held = threading.Event()
    told = Told(lambda: Sample(float(held.wait(10)), {}))
    mine = Background(told, 0.01, 1.0, SystemClock())
    assert told.reads == 0
    assert said(mine) == "no answer yet"
    wait_for(lambda: told.reads == 1)
    assert said(mine) == "no answer yet"
    held.set()
    wait_for(lambda: sample(mine) == Sample(1.0, {}, every=0.01))
    mine.close()


def test_the_newest_sample_is_given_as_it_was_read() -> None:
    """Samples come in order with their own times, and say how often they are read; the newest comes until there is another."""
    mine = scripted(blue(1), blue(2), blue(3))
    found: list[Sample] = []
    wait_for(lambda: bool(newest := sample(mine)) and (found.append(newest) or newest.slots["blue"].requests == 3))
    mine.close()
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert {each.slots["blue"].requests for each in found} <= {1, 2, 3}
    assert {each.every for each in found} == {0.01}


def test_the_last_read_is_what_counts() -> None:
    """After a read that failed there is no sample, whatever there was before; after one that did not there is one again."""
    answers = iter([True, False])
    gate = threading.Semaphore(0)

    def act() -> Sample:
        gate.acquire(timeout=10)
        if not next(answers, True):
            raise MeterError("blue: no database", cause="gone")
        return Sample(0.0, {"blue": Counts(1)})

    mine = Background(Told(act), 0.01, 60.0, SystemClock())
    for expected in ("", "blue: no database", ""):
        said(mine)
        gate.release()
        wait_for(lambda expected=expected: said(mine) == expected)
    gate.release(100)
    mine.close()


def test_a_failure_is_asked_about_again_soon() -> None:
    """After a failure nobody waits the whole time between two reads: who sees nothing for long goes back."""
    answers = iter([False])

    def act() -> Sample:
        if not next(answers, True):
            raise MeterError("blue: no database")
        return Sample(0.0, {})

    mine = Background(Told(act), 3600.0, 1.0, SystemClock())
    wait_for(lambda: sample(mine) is not None)
    mine.close()


def test_each_look_has_an_error_of_its_own() -> None:
    """An error that is told again and again does not grow with every look."""
    mine = scripted(None)
    wait_for(lambda: said(mine) == "the counts cannot be read, as scripted")
    first, second = error_of(mine), error_of(mine)
    mine.close()
    assert first is not second
    assert first == second


def test_a_read_that_hangs_takes_the_sample_with_it() -> None:
    """While a read hangs the last sample counts for a while, and then for nothing: it would be said again and again for ever."""
    clock, held = FakeClock(), threading.Event()
    told = Told(lambda: Sample(0.0, {}) if told.reads == 1 else Sample(float(held.wait(10)), {}))
    mine = Background(told, 0.01, 5.0, clock)
    wait_for(lambda: sample(mine) is not None and told.reads == 2)
    clock.sleep(11.0)
    assert sample(mine) is not None
    clock.sleep(0.1)
    assert said(mine) == "no answer for 11.1 s: the meter hangs"
    held.set()
    wait_for(lambda: sample(mine) == Sample(1.0, {}, every=0.01))
    mine.close()


def test_a_meter_that_breaks_is_told() -> None:
    """An error of another kind ends neither the thread nor the rollout: it is told, with where it was."""
    told = Told(lambda: Sample(1 / 0, {}))
    mine = Background(told, 0.01, 1.0, SystemClock())
    wait_for(lambda: said(mine).startswith("the meter itself broke: ZeroDivisionError: division by zero (test_background.py:"))
    wait_for(lambda: told.reads > 2)
    mine.close()


def test_it_stops_with_its_owner() -> None:
    """Once closed nothing is read any more, however often it is closed, and no thread is left."""
    told = Told(lambda: Sample(0.0, {}))
    before = threading.active_count()
    mine = Background(told, 0.01, 1.0, SystemClock())
    wait_for(lambda: sample(mine) is not None)
    for _ in range(2):
        mine.close()
    assert threading.active_count() == before
    reads = told.reads
    assert sample(mine) is not None
    assert told.reads == reads


def test_one_that_was_never_read_is_closed() -> None:
    """A meter that is closed before the first look is never asked."""
    told = Told(lambda: Sample(0.0, {}))
    mine = Background(told, 0.01, 1.0, SystemClock())
    mine.close()
    assert said(mine) == "no answer yet"
    assert told.reads == 0
