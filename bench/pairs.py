"""What ``crossfade gate ab`` says of one program against itself, and of one that is a tenth slower: ``python bench/pairs.py``.

Really run, on this machine as it is: each trial has 20 rounds, each of them the old one twice and the new one once. 5 % are
allowed. A pass of what is slower, or a failure of what is the same, is an alarm that is wrong.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from smoke.gates import gate

PROGRAM = """
import os, time
began, total = time.process_time(), 0
for number in range(int(os.environ["COUNT"])):
    total += number * number % 7
print(time.process_time() - began)
"""
COUNT = 400_000


def main() -> None:
    """Run the trials, and print what came of them."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--trials", type=int, default=20)
    words.add_argument("--rounds", type=int, default=20)
    asked = words.parse_args()
    for name, share in (("the same", 1.0), ("a tenth slower", 1.1)):
        with TemporaryDirectory() as folder:
            found = Counter(_trial(Path(folder), share, asked.rounds) for _ in range(asked.trials))
        print(f"{name}: {', '.join(f'{each} {count}' for each, count in found.most_common())}", flush=True)


def _trial(folder: Path, share: float, rounds: int) -> str:
    """The verdict on a program that has so much to do on the new side."""
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    sides = []
    for name, count in (("old", COUNT), ("new", round(COUNT * share))):
        side = folder / name
        side.write_text(f'#!/bin/sh\nCOUNT={count} exec {sys.executable} "$@"\n', encoding="utf-8")
        side.chmod(0o755)
        sides.append(str(side))
    return gate("ab")(["1.05", str(rounds), *sides, str(program)]).outcome.value


if __name__ == "__main__":
    main()
