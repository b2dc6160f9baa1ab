"""What remembers a rollout, and what carries requests to it: one file a backend, and the one table that knows them."""

from smoke.journals.cluster import ClusterJournal, ClusterMailbox
from smoke.journals.file import FileJournal, FileMailbox
from smoke.journals.lease import LEASE
from smoke.journals.memory import MemoryJournal, MemoryMailbox

JOURNALS = {"cluster": ClusterJournal, "file": FileJournal, "memory": MemoryJournal}
MAILBOXES = {"cluster": ClusterMailbox, "file": FileMailbox, "memory": MemoryMailbox}

__all__ = [
    "JOURNALS",
    "LEASE",
    "MAILBOXES",
    "ClusterJournal",
    "ClusterMailbox",
    "FileJournal",
    "FileMailbox",
    "MemoryJournal",
    "MemoryMailbox",
]
