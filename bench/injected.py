"""Faults of the parts and of the surroundings, injected into a real stack with users: what happened, and how soon they were safe.

    python bench/injected.py            every fault; prints the table of docs/faults.md
    python bench/injected.py drift ...  these alone

Each has its own rollout, with 100 requests a second on the api. What must hold and did not is printed below the table.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT)]

import injected_disk
import injected_parts
import injected_people
from injecting import Fault, Outcome, inject
from injecting_stage import stage
from workshop import Workshop


def main() -> None:
    """Inject each, print a line each, and leave with 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faults", nargs="*", help="names; all by default")
    wanted = parser.parse_args().faults
    print(f"load of the machine: {', '.join(f'{each:.1f}' for each in os.getloadavg())}; {os.cpu_count()} processors\n")
    print("| fault | exit codes | ended | safe after s | candidate's last answer after s | lost | what was said, and seen |")
    print("|" + " --- |" * 7)
    wrong = _all(stage(), {**injected_parts.FAULTS, **injected_people.FAULTS}, wanted)
    reason = injected_disk.may_mount()
    if reason:
        print(f"\nskipped: {', '.join(injected_disk.FAULTS)}: {reason}")
    else:
        wrong += _all(injected_disk.small(), injected_disk.FAULTS, wanted)
    print("\n" + ("\n".join(wrong) or "everything held that must"))
    sys.exit(bool(wrong))


def _all(place: AbstractContextManager[Workshop], faults: Mapping[str, Fault], wanted: list[str]) -> list[str]:
    """What did not hold."""
    chosen = {name: fault for name, fault in faults.items() if not wanted or name in wanted}
    if not chosen:
        return []
    wrong = []
    with place as project:
        for name, fault in chosen.items():
            began = time.monotonic()
            try:
                outcome = inject(project, name, fault)
            except (TimeoutError, AssertionError) as error:
                wrong.append(f"{name}: {error}")
                project.crossfade("abort", expected=None)
                continue
            print(row(outcome), flush=True)
            sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s {list(outcome.wrong) or 'as it must'}\n")
            wrong += [f"{name}: {each}" for each in outcome.wrong]
    return wrong


def row(seen: Outcome) -> str:
    """One fault, as a line of the table."""
    exits = ", ".join(f"{who} {code}" for who, code in seen.exits.items())
    lost = sum(seen.lost.values())
    why = f": {', '.join(f'{count} {what}' for what, count in seen.lost.items())}" if lost else ""
    told = "; ".join([*seen.notes, *seen.because]).replace("|", "/").replace("\n", " ")
    last = seen.last if seen.phase == "rolled back" else None
    return (
        f"| {seen.fault} | {exits} | {seen.phase} | {_seconds(seen.safe)} | {_seconds(last)} "
        f"| {lost} of {seen.offered}{why} | {told[:300]} |"
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{max(value, 0.0):.1f}"


if __name__ == "__main__":
    main()
