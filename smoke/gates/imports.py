"""Every import, by both runtimes: ``crossfade gate imports BEFORE AFTER [FOLDER]``.

Each interpreter imports every module of the folder, and every top-level module that is installed for it. What a module does where
it is imported, it does: a script without a ``__main__`` guard runs. What cannot be imported by the old one either is no finding,
and neither is what a package can do without; what is not installed for the new one at all is told.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, listed
from smoke.gates.pair import told_apart
from smoke.imagecheck import INSIDE, Insight, Module, insight_of, sorted_out
from smoke.process import last_line, run

_LIMIT = 300.0
"""Seconds for all imports of one interpreter."""


def gate(given: Sequence[str]) -> Answer:
    """Import everything on both.

    Raises:
        UsageError: words are missing, or the folder is not there.
    """
    if len(given) not in {2, 3}:
        hint = "crossfade gate imports .venv39/bin/python .venv312/bin/python src"
        raise UsageError("gate imports wants two interpreters and a folder", hint=hint)
    before, after, folder = (*given, ".")[:3]
    told_apart(before, after)
    if not Path(folder).is_dir():
        raise UsageError(f"there is no folder {folder}", where=folder, hint="a folder that the modules of your program are in")
    old, new = (_insight(python, folder) for python in (before, after))
    if isinstance(old, str) or isinstance(new, str):
        why = f"{before} cannot be asked: {old}" if isinstance(old, str) else f"{after} cannot be asked: {new}"
        return Answer(Outcome.UNMEASURED, why, 0)
    return compared(old, new)


def compared(old: Insight, new: Insight) -> Answer:
    """What the new one cannot import that the old one can."""
    broken, excused = sorted_out(new.modules, {module.name for module in old.modules if module.error})
    there = {module.name for module in new.modules}
    gone = [each for each in old.modules if each.of and each.name not in there and not each.name.startswith("_")]
    lost = (f"{each.name} ({each.of}): not installed" for each in gone)
    lines = (*_lines(broken, "fails"), *_lines(excused, "may fail"), *lost)
    versions = f"{old.python} to {new.python}"
    count = len(new.modules)
    if broken:
        names = listed([f"{each.name}: {each.error}" for each in broken])
        detail = f"{len(broken)} of {count} modules cannot be imported any more from {versions}: {names}"
        return Answer(Outcome.FAIL, detail, count, len(broken), "==", 0.0, (), lines)
    beside = {"that may fail": excused, "not installed any more": gone}
    more = "".join(f", {len(each)} {what}" for what, each in beside.items() if each)
    detail = f"{count} modules, and none that {old.python} imports fails with {new.python}{more}"
    return Answer(Outcome.PASS if count else Outcome.UNMEASURED, detail, count, 0.0, "==", 0.0, (), lines)


def _lines(modules: Sequence[Module], what: str) -> Iterator[str]:
    return (f"{each.name} ({each.of or 'the program itself'}) {what}: {each.error}" for each in modules)


def _insight(python: str, folder: str) -> Insight | str:
    """What an interpreter says, or why it says nothing."""
    words = [str(Path(which(python) or python).absolute()), "-c", INSIDE.read_text(encoding="utf-8"), "deep"]
    try:
        ended = run(words, folder, _LIMIT)
        return insight_of(json.loads(last_line(ended.out)))
    except OSError as error:
        return str(error)
    except (ValueError, LookupError, TypeError, AttributeError):
        return last_line(ended.err) or f"no answer within {_LIMIT:g} s"
