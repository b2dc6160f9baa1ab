"""Feeds every parser of outside data with broken inputs: what came of them, and how long the slowest took.

``python bench/fuzz.py --inputs 100000 --seed 1``. Targets that ask a process, a server or a file get fewer inputs, by what one of
them costs. Exits with 1 where an error came out that no document names, and prints the input.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT)]

from fuzz_configuration import WHOLE, check_configuration
from fuzz_run import Found, Target, fuzz, plain
from fuzz_targets import targets

SETTINGS = Target("settings file", plain(check_configuration), WHOLE, (b"crossfade:", b"&a", b"*a", b"<<:", b"!!"), cost=400)


def main() -> int:
    """Print a line a target, and then each fault; whether there are any."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--inputs", type=int, default=100_000, help="of each target that is a function alone")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", default="", help="targets with this in their name")
    given = asked.parse_args()
    faults: list[str] = []
    print("| target | inputs | distinct outcomes | faults | slowest ms |\n|" + " --- |" * 5)
    for target in (*targets(), SETTINGS):
        if given.only in target.name:
            found = fuzz(target, given.inputs, given.seed)
            faults += told(target.name, found)
            print(line(target.name, found), flush=True)
    print("\n".join(["", *faults]) if faults else "")
    return bool(faults)


def line(name: str, found: Found) -> str:
    """One target, as a line of the table."""
    return f"| {name} | {found.inputs:,} | {len(found.outcomes)} | {len(found.faults)} | {found.slowest:.0f} |"


def told(name: str, found: Found) -> list[str]:
    """Each kind of fault once, with the shortest input that shows it."""
    shortest: dict[str, bytes] = {}
    for data, why in found.faults:
        if len(data) < len(shortest.get(why, data + b".")):
            shortest[why] = data
    return [f"{name}: {why}\n    {data!r:.2000}" for why, data in shortest.items()]


if __name__ == "__main__":
    sys.exit(main())
