"""Where evidence is kept: a chain beside the journal of the stack, one writer at a time."""

from collections.abc import Sequence
from pathlib import Path

from smoke.errors import JournalError
from smoke.evidence import Broken, Evidence, chained, linked
from smoke.evidence.chain import FIRST
from smoke.journals import FileJournal
from smoke.seams import Clock

_CHAIN = "chain"
"""Its name in its folder."""


class EvidenceStore:
    """All evidence of one stack."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._journal = FileJournal(folder, clock)

    def all(self) -> Sequence[Evidence]:
        """Oldest first.

        Raises:
            JournalError: it is damaged, or was changed after it was written.
        """
        return self.read()[0]

    def read(self) -> tuple[Sequence[Evidence], str]:
        """All of it, oldest first, and the hash of its last link, which whoever has it can hold against the chain later.

        Raises:
            JournalError: it is damaged, or was changed after it was written.
        """
        records = self._journal.records(_CHAIN)
        try:
            return chained(records), str(records[-1]["hash"]) if records else FIRST
        except Broken as error:
            hint = f"keep a copy of {self.folder}, then remove the folder and ask anew: crossfade check"
            raise JournalError("the chain of evidence is broken", where=str(self.folder), cause=str(error), hint=hint) from error

    def add(self, evidence: Evidence) -> str:
        """Keep it; returns the hash of its link, which no later link can do without.

        Raises:
            JournalError: it cannot be written, or what is there is broken.
            Locked: somebody else adds some at this moment.
        """
        with self._journal.open(_CHAIN) as writer:
            _, before = self.read()  # nothing is added to what is broken
            record = linked(evidence, before)
            writer.append(record)
        return str(record["hash"])
