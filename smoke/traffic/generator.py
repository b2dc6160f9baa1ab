"""The open loop: requests are due at fixed times, whatever became of those before."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from smoke.traffic.connection import Exchange, Pool
from smoke.traffic.load import Load, Target
from smoke.traffic.record import Recorder
from smoke.traffic.summary import Loss, Summary, Tally

_BATCH = 64
"""Requests that are started before answers are looked at again: who fell behind may not be deaf while catching up."""
_NAP = 0.05
"""Longest time between two looks at what is due, overdue or to be ended, in seconds."""
_CHORE = 1.0
"""Seconds between two writes to the record."""


class Stream:
    """The requests to one target. Request ``i`` is due ``i / rate`` seconds after the start."""

    def __init__(self, name: str, load: Load, recorder: Recorder, start: float) -> None:
        self._name = name
        self._target: Target = load.targets[name]
        self._load = load
        self._recorder = recorder
        self._start = start
        self._length = load.limit
        """Seconds; what would be due after them is not sent."""
        self._next = 0
        self._waiting: deque[Exchange] = deque()
        """All that wait for their answer, and ended ones between them; in the order in which they were started."""
        self._outstanding = 0
        self.tally = Tally()
        self.pool = Pool(self._target)

    def advance(self, now: float) -> float:
        """Lose what is overdue, start what is due; returns when the next request is."""
        self._expire(now)
        for _ in range(_BATCH):
            if not self._has_due(now):
                break
            self._start_next()
        return self._due

    def stop(self, now: float) -> None:
        """Nothing is due any more from now on."""
        self._length = min(self._length, now - self._start)

    def done(self, now: float) -> bool:
        """Everything that was to be sent became something."""
        return now - self._start >= self._length and not self._has_due(now) and not self._outstanding

    def exhausted(self, now: float) -> bool:
        """Whatever is still not sent or answered has had its time."""
        return now - self._start > self._length + self._load.timeout + _NAP

    def give_up(self, now: float) -> None:
        """Lose all that is due or waits for its answer."""
        self.stop(now)
        while self._has_due(now):
            self._lose_next(now, Loss.UNSENT)
        for exchange in self._waiting:
            if not exchange.over:
                exchange.abandon(Loss.GIVEN_UP)

    @property
    def _due(self) -> float:
        return self._start + self._next / self._target.rate

    def _has_due(self, now: float) -> bool:
        return self._next / self._target.rate < self._length and self._due <= now

    def _start_next(self) -> None:
        # Not the time of the tick: what was started before this one in the same tick made it late.
        now = asyncio.get_running_loop().time()
        if self._outstanding >= self._load.outstanding:
            self._lose_next(now, Loss.CROWDED)
            return
        exchange = Exchange(self._due, now, self._settle)
        self._next += 1
        self._outstanding += 1
        self.tally.start(1000 * (now - exchange.due))
        self._waiting.append(exchange)
        self.pool.ask(exchange)

    def _lose_next(self, now: float, reason: Loss) -> None:
        self.tally.lose(reason, self._due - self._start)
        self._recorder.add(self._name, self._due, 1000 * (now - self._due), reason, None)
        self._next += 1

    def _settle(self, exchange: Exchange, outcome: int | str, version: str | None) -> None:
        self._outstanding -= 1
        latency = 1000 * (asyncio.get_running_loop().time() - exchange.due)
        if isinstance(outcome, int):
            self.tally.answer(outcome, version, latency)
        else:
            self.tally.lose(outcome, exchange.due - self._start)
        self._recorder.add(self._name, exchange.due, latency, outcome, version)

    def _expire(self, now: float) -> None:
        """Lose what had its time. All have the same time, so those that were started first come first."""
        while self._waiting and (self._waiting[0].over or now - self._waiting[0].started >= self._load.timeout):
            exchange = self._waiting.popleft()
            if not exchange.over:
                exchange.abandon(exchange.overdue)


class Generator:
    """Sends a load, once."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._stopping = False
        self._given_up = False

    def stop(self) -> None:
        """Send no more, and wait for the answers that are on their way. The second time: do not wait."""
        self._given_up = self._stopping
        self._stopping = True

    def give_up(self) -> None:
        """Send no more, and wait for nothing."""
        self._stopping = self._given_up = True

    async def run(self, begun: Callable[[], object] = lambda: None) -> Mapping[str, Summary]:
        """Send all, and return what became of it once nothing is outstanding; ``begun`` is called before the first request.

        Raises:
            OSError: a host has no address, or the record cannot be written.
        """
        recorder = Recorder(self._load.record)
        try:
            start = asyncio.get_running_loop().time()
            streams = {name: Stream(name, self._load, recorder, start) for name in self._load.targets}
            begun()
            await self._send(list(streams.values()), recorder)
            for stream in streams.values():
                await stream.pool.close()
        finally:
            recorder.close()
        return {name: stream.tally.summary() for name, stream in streams.items()}

    async def _send(self, streams: list[Stream], recorder: Recorder) -> None:
        loop, chore = asyncio.get_running_loop(), 0.0
        while True:
            now = loop.time()
            if now >= chore:
                chore = now + _CHORE
                recorder.flush()
                for stream in streams:
                    stream.pool.tidy(now)
            if self._ended(streams, now):
                return
            due = min((stream.advance(now) for stream in streams), default=now)
            await asyncio.sleep(min(max(due - loop.time(), 0.0), _NAP))

    def _ended(self, streams: list[Stream], now: float) -> bool:
        for stream in streams:
            if self._stopping:
                stream.stop(now)
            if self._given_up or stream.exhausted(now):
                stream.give_up(now)
        return all(stream.done(now) for stream in streams)
