"""The records of one rollout in a bucket: objects that are numbered without a gap, each written once and never again.

One writer at a time, though a bucket has no lock: of all who write the same number one does. Who takes the lease takes the next
number for an entry that has no record, before it writes any. A writer writes to the number after its own last one and to no
other. So the first write of somebody who was deposed meets an entry that is not its own, wherever it was stopped, and
changes nothing.

An append that was said to have failed may be there nevertheless. Each entry says which one it follows, so the next of the same
writer leaves it out; nobody else can.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smoke.errors import JournalError
from smoke.journals.cluster_place import PATIENCE, READING, decoded, encoded
from smoke.journals.leasing import Tenure
from smoke.journals.s3_place import Place
from smoke.seams import Record

FOLDER = "rollouts"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one object says."""

    number: int
    writer: str
    """Token and word of a taking of the lease."""
    follows: int
    """Number of the entry before; what is between the two was given up. 0: there is none."""
    record: Record | None = None
    """None: somebody began to write here."""

    @property
    def text(self) -> str:
        """The object."""
        fields: dict[str, Any] = {"number": self.number, "writer": self.writer, "follows": self.follows}
        return encoded(fields if self.record is None else {**fields, "record": self.record})

    @property
    def token(self) -> int:
        """By which its writer had the lease."""
        match = re.match(r"(\d{1,12}) ", self.writer, re.ASCII)
        return int(match[1]) if match else 0


class Records:
    """The objects of one rollout."""

    def __init__(self, place: Place, rollout: str) -> None:
        self._place = place
        self._folder = place.name.key(FOLDER, rollout, "")

    def key(self, number: int) -> str:
        """The name of one."""
        return f"{self._folder}{named(number)}"

    def records(self) -> Sequence[Record]:
        """Everything that was appended and counts, in order.

        Raises:
            JournalError: an object is damaged or missing, and what follows was decided on it.
        """
        found = self._place.listed(self._folder, READING)
        for number, (name, _) in enumerate(found, 1):
            if name != named(number):
                raise self.damaged(number, "missing")
        kept: list[Entry] = []
        for number, text in enumerate(self._place.texts(self._folder, found, READING), 1):
            entry = entry_of(text)
            if entry is None or entry.number != number or not _fits(kept, entry):
                raise self.damaged(number, "damaged")
            kept.append(entry)
        return [entry.record for entry in kept if entry.record is not None]

    def token(self) -> int:
        """The greatest that is known here."""
        last = self._last()
        found = self._place.get(self.key(last)) if last else None
        entry = entry_of(found[1]) if found else None
        return entry.token if entry else 0

    def fence(self, tenure: Tenure, *, begin: bool) -> int:
        """Keep everybody out who had the lease before; returns the number of the entry that does.

        Args:
            tenure: of the lease.
            begin: whether to begin a rollout that has no entry; else nothing is written to it, and the number is 0.

        Raises:
            Deposed: another one took the lease.
        """
        while True:
            last = self._last()
            tenure.confirm()  # whoever takes it after this moment looks after it, and finds this entry or takes its number
            if not last and not begin:
                return 0
            if self._mine(Entry(last + 1, tenure.writer, last)):
                tenure.confirm()  # whoever takes it after this moment finds a rollout that was only begun before it
                return last + 1

    def _mine(self, entry: Entry) -> bool:
        """Whether it is there by now."""
        key = self.key(entry.number)
        return self._place.put(key, entry.text) is not None or (self._place.get(key) or ("", ""))[1] == entry.text

    def _last(self) -> int:
        names = [name for name, _ in self._place.listed(self._folder, PATIENCE)]
        return max((number_of(name) for name in names), default=0)

    def damaged(self, number: int, how: str) -> JournalError:
        """What is said of an object that is damaged or missing."""
        folder = self._place.where(self._folder)
        copy = f"keep a copy: {self._place.command('cp', '--recursive', folder, 'copy')}"
        rest = f"remove the objects from {named(number)} on, and run `crossfade abort`"
        what = f"object {named(number)} of the journal is {how}"
        return JournalError(what, self._place.where(self.key(number)), hint=f"{copy}\n{rest}")


class Tail:
    """Where the one writer's next record belongs."""

    def __init__(self, place: Place, rollout: str, tenure: Tenure, fence: int) -> None:
        self._place = place
        self._records = Records(place, rollout)
        self._tenure = tenure
        self._number = fence + 1
        self._follows = fence

    @property
    def key(self) -> str:
        """Name of its object."""
        return self._records.key(self._number)

    def put(self, record: Record) -> None:
        """Write the next record.

        Raises:
            Deposed: another one took the lease.
        """
        while True:
            text = Entry(self._number, self._tenure.writer, self._follows, record).text
            if self._place.put(self.key, text) is not None or self._there(text):
                self._follows = self._number
                self._number += 1
                return

    def _there(self, text: str) -> bool:
        """Whether it is there already, since an answer was lost; what is there of ours beside that was given up."""
        found = self._place.get(self.key)
        if found is None:
            return False  # somebody removed what was in the way
        entry = entry_of(found[1])
        if entry is None:
            raise self._records.damaged(self._number, "damaged")
        if entry.writer != self._tenure.writer:
            raise self._tenure.deposed()
        if found[1] == text:
            return True
        self._number += 1
        return False


def _fits(kept: list[Entry], entry: Entry) -> bool:
    """Whether it follows what is kept, once that is left out which its writer gave up; nobody gives up what is another's."""
    while kept and kept[-1].number > entry.follows and kept[-1].writer == entry.writer:
        kept.pop()
    return (kept[-1].number if kept else 0) == entry.follows


def named(number: int) -> str:
    """The name of an entry in its folder: they sort by number."""
    return f"{number:08d}.json"


def number_of(name: str) -> int:
    """The number of an entry; 0 where it is none of ours."""
    match = re.fullmatch(r"(\d{8})\.json", name, re.ASCII)
    return int(match[1]) if match else 0


def entry_of(text: str) -> Entry | None:
    """What an object says; None where it is damaged."""
    known = decoded(text) or {}
    number, writer, follows, record = (known.get(each) for each in ("number", "writer", "follows", "record"))
    if not isinstance(number, int) or not isinstance(follows, int) or not isinstance(writer, str):
        return None
    if not 0 <= follows < number or not isinstance(record, dict | None):
        return None
    return Entry(number, writer, follows, record)
