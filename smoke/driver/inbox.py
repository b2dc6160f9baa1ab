"""What people ask of the rollout that is driven here."""

from smoke.rollout import Phase, Rollout
from smoke.rollout.decision import Request
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
        self.handed_over = self.handed_over or any(each["verb"] == "drive" for each in posted[self._begun :])
        # What a driver before us has acted on is older than the phase it led to; to go back twice does no harm.
        asked = tuple(
            Request(each["verb"], each["by"], each.get("why", ""))
            for place, each in enumerate(posted)
            if place >= self._read and (place >= self._begun or each["verb"] == "abort" or each["at"] > self._since)
        )
        self._read = len(posted)
        heard, self._pending = (*self._pending, *asked), ()
        if rollout.phase is Phase.SHIFTING:
            self._pending = tuple(each for each in heard if each.verb == "pause")
        return heard
