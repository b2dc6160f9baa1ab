"""What holds where the parts of one stack are put together."""

from pathlib import Path

import pytest

from smoke.errors import JournalError
from smoke.journals import FileJournal
from smoke.stack.project import Project
from smoke.wiring import Site


def test_a_rollout_of_another_version_is_told_by_its_file(tmp_path: Path) -> None:
    """A record that this version does not know is no fault of ours: the error names the file, and what to do with it."""
    site = Site(Project("shop", tmp_path, tmp_path / "state"), "staging")
    folder = site.project.journal("staging")
    with FileJournal(folder).open("0001-abc") as writer:
        writer.append({"event": "teleported", "at": 1.0})

    with pytest.raises(JournalError, match="rollout 0001-abc cannot be read") as caught:
        site.events("0001-abc")
    assert caught.value.where == str(folder / "0001-abc.jsonl")
    assert "another version of Crossfade wrote it" in str(caught.value.cause)
    assert caught.value.hint
