"""The same tests on two runtimes, test by test: ``crossfade gate junit BEFORE.xml AFTER.xml``, reports as JUnit has them.

It passes when every test that ran before runs after and passes. A test that passed on the old runtime and is skipped on the new
one was not moved: it counts as a failure, and so does one that is gone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, listed
from smoke.gates.pair import told_apart
from smoke.gates.xml import root_of

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_MARKS = {"failure": FAILED, "error": FAILED, "skipped": SKIPPED}


def gate(given: Sequence[str]) -> Answer:
    """Compare two reports.

    Raises:
        UsageError: one of them cannot be read, or is none.
    """
    if len(given) != 2:  # noqa: PLR2004 - both
        raise UsageError(f"gate junit wants 2 words, and has {len(given)}", hint="crossfade gate junit BEFORE.xml AFTER.xml")
    told_apart(*given)
    before, after = (cases(Path(each)) for each in given)
    return compared(before, after, tuple(given))


def cases(file: Path) -> Mapping[str, str]:
    """What became of each test of a report, by its class and name; of one that is there more than once, the worst.

    Raises:
        UsageError: it cannot be read, or is no report.
    """
    hint = "pytest --junit-xml=FILE writes one"
    root = root_of(file, hint)
    if root.tag not in {"testsuites", "testsuite"}:
        raise UsageError(f"{file} is no JUnit report", where=str(file), cause=f"it is a <{root.tag}>", hint=hint)
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        name = "::".join(each for each in (case.get("classname"), case.get("name")) if each)
        outcome = next((_MARKS[child.tag] for child in case if child.tag in _MARKS), PASSED)
        found[name] = max(outcome, found.get(name, outcome), key=[PASSED, SKIPPED, FAILED].index)
    return found


def compared(before: Mapping[str, str], after: Mapping[str, str], files: tuple[str, ...] = ()) -> Answer:
    """What differs. Tests that are new, and those that were skipped on both, are no difference."""
    broken = [name for name, each in after.items() if each == FAILED and before.get(name) == PASSED]
    failing = [name for name, each in after.items() if each == FAILED and name not in broken]
    skipped = [name for name, each in after.items() if each == SKIPPED and before.get(name) == PASSED]
    missing = [name for name in before if name not in after]
    kinds = {
        "passed before and fail": broken,
        "fail": failing,
        "passed before and are skipped": skipped,
        "are gone": missing,
    }
    lines = tuple(f"{name}: {kind}" for kind, names in kinds.items() for name in names)
    wrong = [f"{len(names)} {kind}: {listed(names)}" for kind, names in kinds.items() if names]
    count = sum(each != SKIPPED for each in after.values())
    if not before or not after:
        empty = "before" if not before else "after"
        return Answer(Outcome.UNMEASURED, f"the report {empty} has no tests", 0, files=files)
    detail = "; ".join(wrong) or f"{count} tests pass on both, {len(after) - count} are skipped on both"
    outcome = Outcome.FAIL if wrong else Outcome.PASS
    return Answer(outcome, detail, count, len(lines), "==", 0.0, files, lines)
