"""What remembers a rollout, and what carries requests to it: one file a backend, and the one table that knows them."""

from collections.abc import Mapping

from infra.contract import Backend
from smoke import table
from smoke.journals.cluster import ClusterJournal, ClusterMailbox
from smoke.journals.file import FileJournal, FileMailbox
from smoke.journals.lease import LEASE
from smoke.journals.memory import MemoryJournal, MemoryMailbox
from smoke.journals.s3 import S3Journal, S3Mailbox
from smoke.seams import Clock, Journal, Mailbox

JOURNALS = {"cluster": ClusterJournal, "file": FileJournal, "memory": MemoryJournal, "s3": S3Journal}
MAILBOXES = {"cluster": ClusterMailbox, "file": FileMailbox, "memory": MemoryMailbox, "s3": S3Mailbox}
ELSEWHERE: Mapping[str, str] = {"cluster": "smoke.journals.cluster:in_cluster", "s3": "smoke.journals.s3:in_bucket"}
"""What a contract may name, and what makes it."""


def elsewhere(backend: Backend, clock: Clock) -> tuple[Journal, Mailbox]:
    """The journal that a contract names, and its mailbox.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    made: tuple[Journal, Mailbox] = table.backend("journal", ELSEWHERE, backend.kind)(backend.settings, clock)
    return made


__all__ = [
    "ELSEWHERE",
    "JOURNALS",
    "LEASE",
    "MAILBOXES",
    "ClusterJournal",
    "ClusterMailbox",
    "FileJournal",
    "FileMailbox",
    "MemoryJournal",
    "MemoryMailbox",
    "S3Journal",
    "S3Mailbox",
    "elsewhere",
]
