"""Driving a rollout from a command: how it is shown, what Ctrl-C means, and the exit code it ends with."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from smoke.cli.frame import me
from smoke.display import LiveTable, json_lines, plain
from smoke.errors import Exit, RollbackFailed
from smoke.rollout import Phase, Rollout
from smoke.rollout.tick import Listener
from smoke.wiring import Site


def drive(site: Site, rollout: Rollout, *, json_lines: bool = False) -> Rollout:
    """Take a rollout to its end, shown as the terminal or the pipe asks for.

    Raises:
        Locked: somebody else drives it.
    """
    with _listeners(as_lines=json_lines) as listeners, _going_back_on_signal(site, rollout):
        return site.drive(rollout, listeners)


def exit_of(rollout: Rollout, state: str) -> Exit:
    """The exit code that a rollout ended with, after one line on what users see now.

    Raises:
        RollbackFailed: it is stuck.
    """
    if rollout.phase is Phase.STUCK:
        raise RollbackFailed(
            "going back did not work, a person is needed now",
            where=rollout.opened.rollout,
            cause="\n".join(rollout.because),
            hint="mend what it names, then: crossfade abort",
            state=state,
        )
    sys.stderr.write(f"state: {state}\n")
    if rollout.phase is Phase.PROMOTED:
        return Exit.WANTED
    cancelled = rollout.because and rollout.because[0].startswith("aborted by")
    return Exit.HELD if cancelled else Exit.ROLLED_BACK


@contextmanager
def _listeners(*, as_lines: bool) -> Iterator[tuple[Listener, ...]]:
    if as_lines:
        yield (json_lines(sys.stdout), plain(sys.stderr))
    elif sys.stdout.isatty() and sys.stderr.isatty():
        table = LiveTable()
        try:
            yield (table,)
        finally:
            table.close()
    else:
        yield (plain(sys.stderr),)


@contextmanager
def _going_back_on_signal(site: Site, rollout: Rollout) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM asks the rollout to go back, in order; the second ends the program where it is."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        for each, handler in before.items():
            signal.signal(each, handler)
        sys.stderr.write("going back; once more to leave everything as it is\n")
        why = signal.Signals(number).name
        site.mailbox.post(rollout.opened.rollout, {"verb": "abort", "by": me(), "why": why, "at": site.clock.wall()})

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
