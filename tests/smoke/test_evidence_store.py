"""Where evidence is kept: in order, chained, and refused where it was changed."""

from pathlib import Path

import pytest

from smoke.clock import FakeClock
from smoke.errors import JournalError
from smoke.evidence import Evidence, Outcome
from smoke.evidence_store import EvidenceStore
from smoke.journals import FileJournal

FIRST = Evidence("a", Outcome.PASS, "seen", 1.0, "ann@desk", "r1")
SECOND = Evidence("b", Outcome.FAIL, "not seen", 2.0, "ann@desk", "r1", n=3)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence", FakeClock())


def test_what_is_added_is_there(store: EvidenceStore) -> None:
    """Nothing at first; then all of it, oldest first, each with a hash of its own."""
    assert list(store.all()) == []
    hashes = {store.add(each) for each in (FIRST, SECOND)}
    assert (list(store.all()), len(hashes)) == ([FIRST, SECOND], 2)


def test_what_was_changed_is_refused(store: EvidenceStore) -> None:
    """Whole lines of the file that do not follow one another are no evidence, and nothing is added to them."""
    for each in (FIRST, SECOND):
        store.add(each)
    file = store.folder / "chain.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(reversed(lines)))
    with pytest.raises(JournalError, match="the chain of evidence is broken"):
        store.all()
    with pytest.raises(JournalError, match="the chain of evidence is broken"):
        store.add(FIRST)
    assert len(FileJournal(store.folder).records("chain")) == 2


def test_nobody_else_may_read_it(store: EvidenceStore) -> None:
    """Folder and chain are their owner's alone."""
    store.add(FIRST)
    assert [each.stat().st_mode & 0o077 for each in (store.folder, store.folder / "chain.jsonl")] == [0, 0]
