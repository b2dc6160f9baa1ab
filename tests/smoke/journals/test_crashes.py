"""The journal when its writer dies at any line of it."""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import pytest

from smoke.clock import FakeClock
from smoke.journals import LEASE, FileJournal, file, lease
from tests.smoke.journals.process import IN_MEMORY, Child, Commands

pytestmark = pytest.mark.processes
LINES_OF = (file.__file__, lease.__file__)


def _append_two(folder: Path, acknowledge: int) -> None:
    """Take the lease, drop a torn tail, append, renew and append, and give back."""
    clock = FakeClock()
    with FileJournal(folder, clock).open("0001-a") as writer:
        writer.append({"n": 1})
        os.write(acknowledge, b".")
        clock.sleep(LEASE)
        writer.append({"n": 2})
        os.write(acknowledge, b".")


def _die_at(line: int) -> None:
    """Let this process be killed at so many lines of the journal's own code from now."""
    left = line

    def trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - itself
        nonlocal left
        if frame.f_code.co_filename not in LINES_OF:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def _dying(folder: Path, line: int) -> tuple[bool, int]:
    """Whether a process that appends died at the line, and how many of its appends were acknowledged by then."""
    hear, say = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            _die_at(line)
            _append_two(folder, say)
        finally:
            os._exit(0)
    os.close(say)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(hear, "rb") as heard:
        return os.WIFSIGNALED(status), len(heard.read())


def _die_everywhere(folder: Path, commands: Commands) -> None:
    before = folder / "before"
    with FileJournal(before, FakeClock()).open("0001-a") as writer:
        writer.append({"n": 0})
    with (before / "0001-a.jsonl").open("ab") as torn:
        torn.write(b'12345678 {"n"')
    for line in count(1):
        place = folder / str(line)
        shutil.copytree(before, place)
        died, acknowledged = _dying(place, line)
        # For this clock the lease of the dead has long to run.
        journal = FileJournal(place, FakeClock())
        assert journal.holder() is None
        with journal.open("0001-a") as writer:
            writer.append({"n": 9})
        commands.send((died, acknowledged, [record["n"] for record in journal.records("0001-a")]))
        if not died:
            return


def test_a_crash_at_any_line() -> None:
    """Whatever line its writer dies at, the journal has every acknowledged record, at most one more, and the next one gets in."""
    lines, died = 0, True
    with TemporaryDirectory(dir=IN_MEMORY) as folder, Child(_die_everywhere, Path(folder)) as child:
        while died:
            died, acknowledged, found = child.hear()
            lines += 1
            kept = len(found) - 2
            assert found == [0, *range(1, kept + 1), 9]
            assert acknowledged <= kept <= acknowledged + 1
    assert (acknowledged, kept) == (2, 2)
    assert lines > 150, "the lines were not counted"


@pytest.mark.parametrize("draft", [b"", b'{"token"', b"\x00" * 400])
def test_a_draft_that_was_left(tmp_path: Path, draft: bytes) -> None:
    """A lease that was half written when its writer died is no lease, and is in nobody's way."""
    (tmp_path / "lease.draft").write_bytes(draft)
    with FileJournal(tmp_path).open("0001-a") as writer:
        writer.append({"n": 1})
        assert FileJournal(tmp_path).holder() is not None

    assert FileJournal(tmp_path).records("0001-a") == [{"n": 1}]
