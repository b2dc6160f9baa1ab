"""What holds of every mailbox, and of a file of requests that was damaged."""

from pathlib import Path

import pytest

from smoke.errors import JournalError
from smoke.journals import FileMailbox
from smoke.seams import Mailbox


def verbs(mailbox: Mailbox, rollout: str = "0001-a") -> list[str]:
    """What was asked of a rollout."""
    return [request["verb"] for request in mailbox.requests(rollout)]


def test_requests_arrive_in_order(mailbox: Mailbox) -> None:
    """What is posted arrives at its own rollout, in order."""
    mailbox.post("0001-a", {"verb": "pause"})
    mailbox.post("0001-a", {"verb": "abort"})

    assert verbs(mailbox) == ["pause", "abort"]
    assert verbs(mailbox, "0002-b") == []


def test_requests_are_what_they_were(mailbox: Mailbox) -> None:
    """Whoever changes a request after it was posted, or after it was read, changes nothing of what others read."""
    request = {"verb": "pause", "why": {"text": "lunch"}}
    mailbox.post("0001-a", request)
    request["verb"] = "abort"
    mailbox.requests("0001-a")[0]["why"]["text"] = ""

    assert list(mailbox.requests("0001-a")) == [{"verb": "pause", "why": {"text": "lunch"}}]


def test_a_damaged_request_is_passed_over(tmp_path: Path) -> None:
    """A damaged line costs that request alone: what came before and after it still arrives."""
    mailbox = FileMailbox(tmp_path)
    for verb in ("pause", "resume", "abort"):
        mailbox.post("0001-a", {"verb": verb})
    file = tmp_path / "0001-a.requests"
    file.write_bytes(file.read_bytes().replace(b"resume", b"rescue"))

    assert verbs(mailbox) == ["pause", "abort"]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_torn_request_does_not_tear_the_next(tmp_path: Path, cut: int) -> None:
    """What is posted after a request that was torn anywhere arrives whole."""
    mailbox = FileMailbox(tmp_path)
    mailbox.post("0001-a", {"verb": "pause"})
    mailbox.post("0001-a", {"verb": "resume"})
    file = tmp_path / "0001-a.requests"
    file.write_bytes(file.read_bytes()[:-cut])
    mailbox.post("0001-a", {"verb": "abort"})

    # Without its line end alone it is as whole as it was.
    assert verbs(mailbox) == (["pause", "resume", "abort"] if cut == 1 else ["pause", "abort"])


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A request that cannot be written is refused, with the file."""
    with pytest.raises(JournalError, match="the request cannot be written") as refused:
        FileMailbox(tmp_path / "nowhere").post("0001-a", {"verb": "abort"})

    assert refused.value.where == str(tmp_path / "nowhere" / "0001-a.requests")
