"""Watching a stack for hours or days: where looks are kept, a report for each day, and the verdict in words."""

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from smoke.gates import Answer
from smoke.journals import FileJournal
from smoke.meters import meter
from smoke.notices import Notice
from smoke.noticing import complain, notifier_of
from smoke.private import write_private
from smoke.soaker import Soaker, soak
from smoke.soaking import Look, Soak, Wanted, judged
from smoke.wiring import Site

HOUR, DAY = 3600.0, 86_400.0
_QUIET = 300.0
"""Seconds between two lines of progress."""
_LIMIT = 20.0
"""Seconds that all probes together may take at a look."""


def kept(site: Site, folder: str) -> list[Look]:
    """What was looked at so far, of the release that is live.

    Raises:
        JournalError: it cannot be read.
    """
    return _looks(*_journal(site, folder))


def watched(site: Site, folder: str, wanted: Wanted) -> Sequence[Look]:
    """Look until it is decided, or until somebody ends it; what was looked at before, and since.

    Raises:
        Locked: somebody else does.
        JournalError: a look cannot be kept.
    """
    journal, name = _journal(site, folder)
    contract = site.contract
    live, slots = site.history().live(contract), tuple(sorted(contract.releases))
    meters = {each.name: meter(each.meter) for each in contract.services if each.meter is not None}
    with journal.open(name) as writer, site.sampler(slots) as sampler:
        looks = _looks(journal, name)
        with suppress(KeyboardInterrupt):
            soaker = Soaker(live, lambda: sampler.once(_LIMIT), meters, site.clock)
            soak(soaker, writer, looks, wanted, _Telling(site, folder, looks, wanted))
    return looks


def answered(looks: Sequence[Look], wanted: Wanted) -> Answer:
    """What these looks show, as a gate says it."""
    found = judged(looks, wanted)
    share = found.errors / found.requests if found.requests else 0.0
    head = (
        f"watched {found.watched / HOUR:.1f} h by a look every {wanted.every:g} s, well in {found.up:.3%} of it",
        f"{found.requests} requests, {share:.3%} of them failed; {found.restarts} restarts",
    )
    hours = found.counted / HOUR  # not rounded: a pass must not be short of its own limit
    return Answer(found.outcome, found.why, int(found.counted), hours, ">=", wanted.seconds / HOUR, (), (*head, *found.lines))


class _Telling:
    """Hears of each look: a line now and then, and a report of the day, which is told once the day is over."""

    def __init__(self, site: Site, folder: str, looks: Sequence[Look], wanted: Wanted) -> None:
        self._site = site
        self._folder = site.folder / folder
        self._looks = looks
        self._wanted = replace(wanted, seconds=DAY)
        self._told = float("-inf")
        self._day = ""

    def __call__(self, found: Soak) -> None:
        now = self._site.clock.now()
        if now - self._told >= _QUIET:
            self._told = now
            sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {found.outcome.value:<13} {found.why}\n")
        day = _date(self._looks[-1])
        if self._day and day != self._day:
            self._send(self._day)
        self._day = day
        write_private(self._folder / f"{day}.md", self._report(day))

    def _report(self, day: str) -> str:
        answer = answered([each for each in self._looks if _date(each) == day], self._wanted)
        lines = "".join(f"- {line}\n" for line in (*answer.lines, answer.detail))
        return f"# {self._site.name} on {day} (UTC): {answer.outcome.value}\n\n{lines}"

    def _send(self, day: str) -> None:
        notifier = notifier_of(self._site.contract, self._site.project.folder, self._site.clock)
        if notifier is not None:
            complain(notifier.send(Notice(self._site.name, self._report(day), self._site.clock.wall())))


def _date(look: Look) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(look.at))


def _looks(journal: FileJournal, name: str) -> list[Look]:
    return [Look.from_record(each) for each in journal.records(name)] if name in journal.rollouts() else []


def _journal(site: Site, folder: str) -> tuple[FileJournal, str]:
    contract = site.contract
    return FileJournal(site.folder / folder, site.clock), contract.releases[site.history().live(contract)]
