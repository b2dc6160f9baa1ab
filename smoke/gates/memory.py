"""The most memory of one program on two interpreters, in turn: ``crossfade gate memory LIMIT ROUNDS BEFORE AFTER WORD...``.

``memory 1.1 10 .venv39/bin/python .venv312/bin/python stress.py`` passes when the new one holds at most 1.1 times as much. What a
run costs is the most resident memory that the kernel counted (``ru_maxrss``) of its largest process: the program, or whatever it
started and waited for. Not the sum of several, and nothing of those that it did not wait for.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from tempfile import NamedTemporaryFile

from smoke.gates.answer import Answer
from smoke.gates.turns import Costs, Failed, asked, in_turn, judged, started, well
from smoke.process import NOT_STARTED

_BEGINNING = """
import _signal, os, sys
child = os.fork()
if child == 0:
    for each in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(each, _signal.SIG_DFL)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        os.write(2, str(error).encode())
        os._exit(127)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as told:
    print(os.waitstatus_to_exitcode(status), used.ru_maxrss, file=told)
"""
"""Begins a program, and writes to a file how that ended and what it held at most, in KiB.

Linux counts for a program what the process held that became it, too: 300 MB, where that was a copy of one with 300 MB. So what
begins it must be less than any Python that it begins. A fork of an interpreter without ``site`` is (5.7 MB of at least 6.9); a
vfork, as of ``subprocess`` and ``posix_spawn``, counts for all of what it is of, and ``signal`` would bring ``enum``.
"""


def gate(given: Sequence[str]) -> Answer:
    """Run it, and judge.

    Raises:
        UsageError: a word makes no sense.
    """
    wanted = asked(given, "memory", "crossfade gate memory 1.1 10 .venv39/bin/python .venv312/bin/python stress.py")
    try:
        return compared(in_turn(wanted, peak), wanted.limit)
    except Failed as error:
        return error.answer()


def compared(held: Costs, limit: float) -> Answer:
    """What the peaks of each round, in MB, say."""
    before, after = median([*held.old, *held.again]), median(held.new)
    return judged(held, limit, "much", f"; {before:.1f} MB before, {after:.1f} MB after (medians)")


def peak(words: Sequence[str], number: int, *, new: bool) -> float:
    """The most that one run held, in MB (2**20 bytes).

    Raises:
        Failed: it cannot be started, ended badly, or nobody was there who could count.
    """
    with NamedTemporaryFile("r", encoding="ascii") as told:
        ended = started([sys.executable, "-I", "-S", "-c", _BEGINNING, told.name, *words], number)
        status, held = _said(told.read())
    if status == NOT_STARTED[-1]:
        raise Failed(f"{words[0]} cannot be started: {ended.err.strip()[-200:]}", new=False)
    well(ended if status is None else replace(ended, status=status), words, new=new)
    if held <= 0:
        raise Failed(f"nobody counted what {' '.join(words)} held", new=False)
    return held / 2**10


def _said(text: str) -> tuple[int | None, int]:
    """How it ended, None where that is not known, and KiB."""
    try:
        status, held = map(int, text.split())
    except ValueError:
        return None, 0
    return status, held
