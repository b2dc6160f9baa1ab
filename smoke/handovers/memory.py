"""A hand-over that only remembers, and misbehaves on request: for tests and for ``rehearse``."""

from collections import deque
from collections.abc import Mapping, Sequence
from enum import Enum

from infra.contract import Json
from smoke.errors import HandoverError, UsageError
from smoke.seams import Clock


class Fault(Enum):
    """One way to misbehave, once."""

    REFUSE = "refuse"
    """The hold raises, and nothing changes."""
    HANG = "hang"
    """The release raises: nobody may work any more, and the slot still does until the next release."""
    LIE = "lie"
    """The hold raises, and the slot works all the same."""
    BLIND = "blind"
    """To ask for the holder raises."""


_CALL = {Fault.REFUSE: "hold", Fault.LIE: "hold", Fault.HANG: "release", Fault.BLIND: "holder"}


class MemoryHandover:
    """Keeps who may work, and who does, in this process."""

    named: dict[str, "MemoryHandover"] = {}  # noqa: RUF012 - shared on purpose: it plays a process, of which there is one
    """By ``name``: what a contract that names it gets, so that a rehearsal can reach the one that its driver uses."""

    def __init__(self, holder: str | None = "blue", slots: Sequence[str] = ("blue", "green")) -> None:
        self.at_work = holder
        """The slot whose process works: not always the one that may."""
        self.granted: list[str] = [] if holder is None else [holder]
        """Every grant, in order."""
        self.faults: deque[Fault] = deque()
        """What the next calls do; each is for the next call that can misbehave so."""
        self._holder = holder
        self._slots = tuple(slots)

    @classmethod
    def of(cls, settings: Mapping[str, Json], clock: Clock) -> "MemoryHandover":
        """The hand-over of that ``name``, the same one each time; a new one where there is no name. It never waits.

        Raises:
            UsageError: there is another setting, or the name is no text.
        """
        del clock
        wrong = sorted(key for key, value in settings.items() if key != "name" or not isinstance(value, str))
        if wrong:
            what = f"hand-over memory: {', '.join(wrong)} is unknown or of the wrong kind"
            raise UsageError(what, hint="it has only: name (a text)")
        return cls.named.setdefault(settings["name"], cls()) if "name" in settings else cls()

    def hold(self, slot: str) -> None:
        """Make ``slot`` the one at work, or do what the next fault says."""
        self._check(slot)
        if self.at_work not in {None, slot}:
            raise HandoverError(f"{self.at_work} still works; nothing was changed")
        fault = self._next("hold")
        if fault is Fault.REFUSE:
            raise HandoverError(f"{slot} was refused the work, as scripted")
        if self._holder != slot:
            self.granted.append(slot)
        self._holder = self.at_work = slot
        if fault is Fault.LIE:
            raise HandoverError(f"{slot} did not say that it works, as scripted")

    def release(self, slot: str) -> None:
        """Take the work from ``slot``, or do what the next fault says."""
        self._check(slot)
        if self._holder == slot:
            self._holder = None
        if self._next("release") is Fault.HANG:
            raise HandoverError(f"{slot} may still be at work, as scripted")
        if self.at_work == slot:
            self.at_work = None

    def holder(self) -> str | None:
        """The slot that may work."""
        if self._next("holder"):
            raise HandoverError("who may work cannot be known, as scripted")
        return self._holder

    def _check(self, slot: str) -> None:
        if slot not in self._slots:
            raise HandoverError(f"no slot {slot} in {', '.join(self._slots)}")

    def _next(self, call: str) -> Fault | None:
        """Take the next fault, if it is one of that call."""
        return self.faults.popleft() if self.faults and _CALL[self.faults[0]] == call else None
