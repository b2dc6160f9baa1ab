"""What people ask of the rollout that is driven here."""

from dataclasses import replace

from smoke.rollout import Phase, Request, Rollout
from smoke.seams import Mailbox


class Inbox:
    """Reads a rollout's requests, each once."""

    def __init__(self, mailbox: Mailbox, rollout: Rollout) -> None:
        self._mailbox = mailbox
        self._name = rollout.opened.rollout
        self._since = rollout.entered
        self._read = 0
        self._begun = len(mailbox.requests(self._name))
        self._pending: tuple[Request, ...] = ()
        """What cannot be done in this phase, and will be in the next."""
        self.handed_over = False
        """Whether somebody asked that the watchdog drives, since this one began to."""

    def requests(self, rollout: Rollout) -> tuple[Request, ...]:
        """What was asked since the last look."""
        posted = self._mailbox.requests(self._name)
        new = [(place, Request.of(each)) for place, each in enumerate(posted) if place >= self._read]
        self._read = len(posted)
        asked: list[Request] = []
        for place, request in new:
            if request is None:
                continue
            if place >= self._begun:  # heard as it is asked: its date does not matter
                self.handed_over = self.handed_over or request.verb == "drive"
                asked.append(replace(request, at=None))
            # What a driver before us has acted on is older than the phase it led to; to go back twice does no harm.
            elif request.verb == "abort" or (request.at or 0.0) > self._since:
                asked.append(request)
        heard, self._pending = (*self._pending, *asked), ()
        if rollout.phase is Phase.SHIFTING:
            self._pending = tuple(each for each in heard if each.verb == "pause")
        return heard
