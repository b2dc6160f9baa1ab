"""One program on two interpreters, again and again in turn: ``crossfade gate ab LIMIT ROUNDS BEFORE AFTER WORD...``.

``ab 1.05 20 .venv39/bin/python .venv312/bin/python bench.py`` passes when the new one takes at most 1.05 times as long. What a
run costs is the number on its last line, or else the seconds that it took.
"""

import time
from collections.abc import Callable, Sequence
from math import isfinite

from smoke.gates.answer import Answer
from smoke.gates.turns import Failed, asked, in_turn, judged, started, well
from smoke.process import last_line


def gate(given: Sequence[str]) -> Answer:
    """Run it, and judge.

    Raises:
        UsageError: a word makes no sense.
    """
    wanted = asked(given, "ab", "crossfade gate ab 1.05 20 .venv39/bin/python .venv312/bin/python bench.py")
    try:
        return judged(in_turn(wanted, _cost), wanted.limit, "long")
    except Failed as error:
        return error.answer()


def _cost(words: Sequence[str], number: int, *, new: bool, clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    ended = started(words, number)
    took = clock() - began
    well(ended, words, new=new)
    try:
        told = float(last_line(ended.out))
    except ValueError:
        return took
    if not (isfinite(told) and told > 0):
        raise Failed(f"{' '.join(words)} says that it cost {told}", new=new)
    return told
