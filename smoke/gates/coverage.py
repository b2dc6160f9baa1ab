"""How much of a program its tests run: ``crossfade gate coverage 80 REPORT``, by coverage.py's report in XML or JSON.

It passes with more than so many per cent of the statements. A report without statements has measured nothing.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer
from smoke.gates.xml import root_of

_HINT = "coverage xml, or coverage json, writes one"


def gate(given: Sequence[str]) -> Answer:
    """Read a report.

    Raises:
        UsageError: it cannot be read, or a word makes no sense.
    """
    limit = given[0] if given else ""
    if len(given) != 2 or not limit.isdecimal() or int(limit) >= 100:  # noqa: PLR2004 - per cent, and a report
        raise UsageError("gate coverage wants per cent, below 100, and a report", hint="crossfade gate coverage 80 coverage.xml")
    run, all_of_them = counted(Path(given[1]))
    if not all_of_them:
        return Answer(Outcome.UNMEASURED, f"{given[1]} has no statement", 0, files=(given[1],))
    share = 100 * run / all_of_them
    outcome = Outcome.PASS if share > int(limit) else Outcome.FAIL
    detail = f"{share:.1f} % of {all_of_them} statements are run by the tests, and {limit} % are wanted"
    return Answer(outcome, detail, all_of_them, share, ">", float(limit), (given[1],))


def counted(file: Path) -> tuple[int, int]:
    """Statements that were run, and all of them.

    Raises:
        UsageError: it is no report.
    """
    try:
        if file.suffix == ".json":
            totals = json.loads(file.read_text(encoding="utf-8"))["totals"]
            found = totals["covered_lines"], totals["num_statements"]
        else:
            tree = root_of(file, _HINT)
            found = int(tree.get("lines-covered", "")), int(tree.get("lines-valid", ""))
    except OSError as error:
        raise UsageError(f"{file} cannot be read", where=str(file), cause=str(error), hint=_HINT) from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UsageError(f"{file} is no report of coverage", where=str(file), cause=str(error), hint=_HINT) from error
    if not all(type(each) is int for each in found) or not 0 <= found[0] <= found[1]:
        raise UsageError(f"{file} makes no sense: {found[0]} of {found[1]} statements", where=str(file), hint=_HINT)
    return found
