"""What people ask of the rollout that is driven here."""

from smoke.rollout import Phase, Rollout
from smoke.rollout.decision import Request
from smoke.seams import Mailbox, Record


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
        new = [(place, each) for place, each in enumerate(posted) if place >= self._read and _is_request(each)]
        self._read = len(posted)
        self.handed_over = self.handed_over or any(each["verb"] == "drive" for place, each in new if place >= self._begun)
        # What a driver before us has acted on is older than the phase it led to; to go back twice does no harm.
        asked = tuple(
            _request(each, heard=place >= self._begun)
            for place, each in new
            if place >= self._begun or each["verb"] == "abort" or each["at"] > self._since
        )
        heard, self._pending = (*self._pending, *asked), ()
        if rollout.phase is Phase.SHIFTING:
            self._pending = tuple(each for each in heard if each.verb == "pause")
        return heard


def _is_request(posted: Record) -> bool:
    """Anybody may post anything; what is no request is nobody's."""
    return all(isinstance(posted.get(name), str) for name in ("verb", "by")) and isinstance(posted.get("at"), int | float)


def _request(posted: Record, *, heard: bool) -> Request:
    """What was asked; while it is heard as it is asked, its date does not matter."""
    step = posted.get("step")
    at = None if heard else float(posted["at"])
    return Request(posted["verb"], posted["by"], str(posted.get("why", "")), at, step if isinstance(step, int) else None)
