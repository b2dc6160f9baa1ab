"""Each fault of the example, switched on in green: how soon it was seen, and how soon users were safe after the verdict.

``python bench/faults.py``. The same faults as in ``tests/engine/test_faults.py``, on a stack of its own, 100 requests a second.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVER_ERROR = 500
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "engine"), str(ROOT)]

from test_faults import FAULTS, PLAN
from workshop import Workshop, workshop

from smoke.traffic import Target, traffic


def main() -> None:
    """Run each, and print a table."""
    print("| fault | exit | seen after s | verdict to read-back ms | lost in all | reason |")
    print("|" + " --- |" * 6)
    with workshop(plan=PLAN) as project:
        project.up()
        for name, fault in FAULTS.items():
            project.slot("green", runtime="py312", **fault.env)
            project.up()
            print(row(project, name), flush=True)


def row(project: Workshop, name: str) -> str:
    """One fault, as a line of the table."""
    with traffic({"api": Target(project.front("api", "/prices"), 100.0)}, limit=150.0) as load:
        code = project.crossfade("promote", expected=None).returncode
    seen, report = load.summary()["api"], project.report()
    at = {event["event"]: event["at"] for event in report["events"]}
    began = at.get("shifted", at["opened"])
    lost = sum(seen.lost.values()) + sum(count for status, count in seen.statuses.items() if status >= SERVER_ERROR)
    times = f"{at['failed'] - began:.1f} | {1000 * (at['cleared'] - at['failed']):.0f}"
    return f"| {name} | {code} | {times} | {lost} of {seen.offered} | {report['because'][-1][:110]} |"


if __name__ == "__main__":
    main()
