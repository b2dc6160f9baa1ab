"""Ctrl-C and SIGTERM while a rollout is driven: nothing is left where it is because somebody pressed a key."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Any

from smoke.cli.frame import me
from smoke.errors import CrossfadeError
from smoke.rollout import Rollout
from smoke.wiring import Site

_QUESTION = """
the rollout goes on while you decide:
  b  let it go on in the background (crossfade watch shows it)
  h  hold it at the weights that it has; so does another Ctrl-C
  g  go back to {live}
b, h or g, and Enter; anything else: it goes on here
"""
_VERBS: Mapping[str, str] = {"b": "drive", "h": "pause", "g": "abort"}
_SAID: Mapping[str, str] = {"drive": "it goes on in the background", "pause": "it is to hold", "abort": "it is to go back"}
_LOOK = 0.2
"""Seconds between two looks whether an answer is still wanted."""


@contextmanager
def interrupts(site: Site, rollout: Rollout, others: Callable[[], bool] | None) -> Iterator[None]:
    """Have signals become requests to the rollout.

    In a terminal the first Ctrl-C asks what is meant, the second holds, and the third ends this program where it is. Anywhere
    else, for SIGTERM, and where ``others`` is None, the first goes back and the second ends the program.

    Args:
        site: the stack.
        rollout: the one that is driven.
        others: whether somebody would go on with it in the background; None: it is not to be asked what is meant.
    """
    terminal = sys.stdin is not None and sys.stdin.isatty()
    interrupted = _Interrupts(site, rollout, others if terminal else None)
    interrupted.begin()
    try:
        yield
    finally:
        interrupted.end()


class _Interrupts:
    """What the next signal means. The handler only counts and tells: what it interrupts may be about to write, too."""

    def __init__(self, site: Site, rollout: Rollout, others: Callable[[], bool] | None) -> None:
        self._site = site
        self._rollout = rollout.opened
        self._others = others
        self._count = 0
        self._before: dict[signal.Signals, Any] = {}
        self._heard: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        """Verbs, each with the signal that said it; the verb that asks is empty."""
        self._thread = threading.Thread(target=self._serve, name="interrupts", daemon=True)

    def begin(self) -> None:
        """Hear signals from here on."""
        self._thread.start()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._hear)

    def end(self) -> None:
        """Leave them to whoever heard them before; what was heard is asked of the rollout first."""
        self._restore()
        self._heard.put(None)
        self._thread.join()

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._count += 1
        asks = self._others is not None and number == signal.SIGINT
        if asks and self._count == 1:
            verb = ""
        else:
            verb = "pause" if asks else "abort"
            self._restore()
        self._heard.put((verb, signal.Signals(number).name))

    def _serve(self) -> None:
        while (heard := self._heard.get()) is not None:
            verb, why = heard
            if not verb:
                self._ask()
            else:
                self._post(verb, why, "; once more ends this program, and leaves everything as it is")

    def _ask(self) -> None:
        sys.stderr.write(_QUESTION.format(live=self._rollout.live))
        while self._heard.empty():
            # Past the stream: who waits in it for a line would keep its lock from the program's end.
            ready, _, _ = select.select([0], [], [], _LOOK)
            if ready:
                verb = _VERBS.get(os.read(0, 1024).decode(errors="replace").strip().lower())
                self._count = 0
                if verb == "drive" and not (self._others and self._others()):
                    sys.stderr.write("nobody is there who would go on with it in the background: it goes on here\n")
                elif verb is None:
                    sys.stderr.write("it goes on here\n")
                else:
                    self._post(verb, "Ctrl-C", "")
                return

    def _post(self, verb: str, why: str, more: str) -> None:
        try:
            self._site.ask(self._rollout.rollout, verb, me(), why)
        except CrossfadeError as error:
            sys.stderr.write(f"{error}\n")
        else:
            sys.stderr.write(f"{_SAID[verb]}{more}\n")
