"""Kill the driver at every append and every effect, before and after, and twice in a row; says how often all ended as it should.

    python bench/crashes.py            every point of every scenario, and as many pairs
    python bench/crashes.py --pairs 0  single kills alone

In one process, with a clock that jumps: see ``tests/support/crashing.py``. Kills of real processes are in ``tests/engine``.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from crashing import SCENARIOS, crash, wrongs

SEED = 20261128
NEXT = 12
"""How far the second kill may be from the first: a successor's first acts."""


def main() -> None:
    """Print a line a scenario, and leave with 1 where something ended wrongly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=4, help="second kills tried for each first one")
    pairs = parser.parse_args().pairs
    began = time.perf_counter()
    print(f"seed {SEED}\n\n| scenario | points | single kills | double kills | wrong |\n| --- | --- | --- | --- | --- |")
    runs = [0, 0]
    bad: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, points, singles, doubles, found in pool.map(_scenario, SCENARIOS, [pairs] * len(SCENARIOS)):
            print(f"| {name} | {points} | {singles} | {doubles} | {len(found)} |", flush=True)
            runs = [runs[0] + singles, runs[1] + doubles]
            bad += found
    print(f"\n{runs[0]} runs with one kill, {runs[1]} with two, {len(bad)} wrong; {time.perf_counter() - began:.0f} s")
    for each in bad[:20]:
        print(each)
    sys.exit(bool(bad))


def _scenario(name: str, pairs: int) -> tuple[str, int, int, int, Sequence[str]]:
    points, chance = crash(name, ())[0].fate.points, random.Random(f"{SEED} {name}")  # noqa: S311 - a benchmark
    kills = [(first,) for first in range(points)]
    twice = [(first, first + offset) for first in range(points) for offset in _offsets(chance, pairs)]
    found = [f"{name}, killed at {each}: {wrong}" for each in (*kills, *twice) for wrong in wrongs(name, each)]
    return name, points, len(kills), len(twice), found


def _offsets(chance: random.Random, pairs: int) -> Sequence[int]:
    return sorted(chance.sample(range(1, NEXT + 1), min(pairs, NEXT)))


if __name__ == "__main__":
    main()
