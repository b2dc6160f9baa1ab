"""Journals and mailboxes of every kind, for the suites that all of them pass, and the clock that they go by."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smoke.journals import JOURNALS, MAILBOXES, FileJournal, FileMailbox, MemoryJournal, MemoryMailbox
from smoke.seams import Journal, Mailbox
from tests.smoke.journals.clocks import UnsteadyClock

_JOURNALS: dict[str, Callable[[Path, UnsteadyClock], Journal]] = {
    "file": FileJournal,
    "memory": lambda _, clock: MemoryJournal(clock),
}
_MAILBOXES: dict[str, Callable[[Path], Mailbox]] = {"file": FileMailbox, "memory": lambda _: MemoryMailbox()}


@pytest.fixture
def clock() -> UnsteadyClock:
    """Time stands still until the test moves it."""
    return UnsteadyClock()


@pytest.fixture(params=sorted(JOURNALS))
def journal(request: pytest.FixtureRequest, tmp_path: Path, clock: UnsteadyClock) -> Journal:
    """Each journal of the table."""
    return _JOURNALS[request.param](tmp_path / "journal", clock)


@pytest.fixture(params=sorted(MAILBOXES))
def mailbox(request: pytest.FixtureRequest, tmp_path: Path) -> Mailbox:
    """Each mailbox of the table."""
    return _MAILBOXES[request.param](tmp_path)
