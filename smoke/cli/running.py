"""Driving a rollout from a command: how it is shown, and the exit code it ends with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from smoke.cli.interrupt import interrupts
from smoke.cli.standby import stand_by
from smoke.display import LiveTable, json_lines, plain
from smoke.errors import Exit, RollbackFailed
from smoke.rollout import Phase, Rollout
from smoke.rollout.tick import Listener
from smoke.wiring import Site


def drive(site: Site, rollout: Rollout, *, json_lines: bool = False, forward: bool = False) -> Rollout:
    """Take a rollout to its end, shown as the terminal or the pipe asks for.

    Going ``forward``, it may be given on the way to whoever stands by: then it is returned as it was when that took it.

    Raises:
        Locked: somebody else drives it.
    """
    others = stand_by(site, rollout)
    with _listeners(as_lines=json_lines) as listeners, interrupts(site, rollout, others if forward else None):
        return site.drive(rollout, listeners, hands_off=forward)


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
    if not rollout.ended:
        sys.stderr.write("it goes on in the background: crossfade watch shows it, crossfade abort takes it back\n")
        return Exit.HELD
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
