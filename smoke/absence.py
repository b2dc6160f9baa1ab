"""The dead man's rule: a rollout without a driver is taken back, or gone on with, where its people asked for that."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from smoke.errors import CrossfadeError, Locked
from smoke.rollout import Phase, Rollout
from smoke.rollout.request import WATCHDOG
from smoke.wiring import Site

EVERY = 1.0
"""Seconds between two looks."""
_BACK = frozenset({Phase.ABORTING, Phase.REVERTING})


@dataclass
class Absence:
    """What is remembered between two looks at one stack."""

    drive: Callable[[Site, Rollout], Rollout]
    """Takes a rollout to its end. Raises Locked where somebody else does."""
    alone: float | None = None
    """Since when nobody drives a rollout that runs, in seconds of the monotonic clock."""

    def look(self, site: Site, rollout: Rollout | None) -> str | None:
        """Act where somebody must; returns what was done, in one sentence.

        Args:
            site: the stack.
            rollout: the one that runs, and that nobody drives; None: there is none.

        Raises:
            CrossfadeError: something could not be done; the next look tries again.
        """
        now = site.clock.now()
        if rollout is None:
            self.alone = None
            return None
        self.alone = now if self.alone is None else self.alone
        asked = site.detached(rollout)
        if not asked and now - self.alone < rollout.plan.absence:
            return None
        if not asked and rollout.phase not in _BACK:
            _back(site, rollout, now - self.alone)
        try:
            rollout = self.drive(site, rollout)
        except Locked:
            return None  # somebody came after all
        return f"{rollout.opened.rollout} is {rollout.phase.value}"


def told(look: Callable[[], str | None], said: str) -> str:
    """Look once, and tell what was done or went wrong unless that was ``said`` already; returns what is said now."""
    try:
        done = look() or ""
    except CrossfadeError as error:
        done = str(error)
    if done and done != said:
        sys.stderr.write(f"{done}\n")
    return done


def _back(site: Site, rollout: Rollout, away: float) -> None:
    """Ask for the way back: once, however often it must be tried."""
    name = rollout.opened.rollout
    if not any((each.verb, each.by) == ("abort", WATCHDOG) for each in site.requests(name)):
        site.ask(name, "abort", WATCHDOG, f"nobody drove it for {away:.0f} s")
