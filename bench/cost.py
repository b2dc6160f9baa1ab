"""What the decision engine costs: microseconds a tick and service, a thousand services in one driver, and two days of memory.

``python bench/cost.py``. Traffic is drawn beforehand from a seed that is printed; only the engine is timed, in process time. A
look is what the driver does with a reading: its increment, the evidence and the findings.
"""

import argparse
import random
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from math import exp, inf
from statistics import mean, median

from smoke.analysis import Evidence, judge
from smoke.analysis.counts import Increment, Slice
from smoke.analysis.trial import Trial, step_weight
from smoke.model import Counts, Look, Sample
from smoke.plan import Gates, Plan, Step

GRID = (*(round(1.05**power, 4) for power in range(226)), inf)
STEP = Step(share=5, bake=60.0, requests=100, limit=1800.0)
SHARE, ERRORS, MEDIAN_MS, SIGMA = 0.05, 0.001, 40.0, 0.5
DAYS = 48 * 3600.0


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311 - a benchmark
    print(f"seed {asked.seed}")
    print("| requests/s | tick s | evidence median us | mean us | look and findings median us | mean us |")
    print("|" + " --- |" * 6)
    for rate in (50, 200, 1000):
        for tick in (0.25, 1.0):
            increments = [_increment(chance, rate, tick) for _ in range(600)]
            folds, looks = _folds(increments), _looks(increments)
            print(f"| {rate} | {tick:g} | {median(folds):.1f} | {mean(folds):.1f} | {median(looks):.1f} | {mean(looks):.1f} |")
    print(f"a thousand services of 50 requests/s, looks each second: {_thousand(chance):.2f} of a core")
    for hours in (1, 48):
        print(f"numbers in the evidence after {hours} h of looks each second: {_numbers(chance, 3600.0 * hours)}")


def _increment(chance: random.Random, rate: float, tick: float) -> Increment:
    return Increment(tick, _slice(chance, rate * tick * (1.0 - SHARE)), _slice(chance, rate * tick * SHARE))


def _slice(chance: random.Random, expected: float) -> Slice:
    requests = max(0, round(chance.gauss(expected, expected**0.5)))
    places = Counter(bisect_left(GRID, MEDIAN_MS * exp(SIGMA * chance.gauss(0.0, 1.0))) for _ in range(requests))
    errors = sum(chance.random() < ERRORS for _ in range(requests))
    ordered = tuple(sorted(places))
    return Slice(requests, errors, ordered, tuple(places[place] for place in ordered))


def _began(increments: Sequence[Increment]) -> Trial:
    trial = Trial(Gates())
    for increment in increments[:100]:
        trial = trial.after(Increment(increment.seconds, increment.live), GRID)
    return trial.for_step(step_weight(0, 4), GRID)


def _folds(increments: Sequence[Increment]) -> list[float]:
    trial, took = _began(increments), []
    for increment in increments:
        began = time.process_time_ns()
        trial = trial.after(increment, GRID)
        took.append((time.process_time_ns() - began) / 1000.0)
    return took


def _looks(increments: Sequence[Increment]) -> list[float]:
    plan, took = Plan(steps=(STEP,), gates=Gates()), []
    evidence, meter = Evidence("blue", "green", plan, ("api",)), _Meter()
    for number, increment in enumerate(increments):
        look = Look(number * increment.seconds, samples={"api": meter.after(increment)})
        evidence = evidence.for_step(0) if number == len(increments) // 10 else evidence
        began = time.process_time_ns()
        evidence = evidence.with_look(look)
        judge(evidence, STEP)
        took.append((time.process_time_ns() - began) / 1000.0)
        evidence = evidence.noted()
    return took


class _Meter:
    """Adds increments up, as a meter's readings are cumulative."""

    def __init__(self) -> None:
        self._at = 0.0
        self._sums = {slot: [0, 0, [0] * len(GRID)] for slot in ("blue", "green")}

    def after(self, increment: Increment) -> Sample:
        self._at += increment.seconds
        parts = {"blue": increment.live, "green": increment.candidate}
        return Sample(self._at, {slot: self._counts(self._sums[slot], part) for slot, part in parts.items()})

    @staticmethod
    def _counts(sums: list, part: Slice) -> Counts:  # type: ignore[type-arg]
        sums[0] += part.requests
        sums[1] += part.errors
        for place, count in zip(part.places, part.bins, strict=True):
            for upper in range(place, len(GRID)):
                sums[2][upper] += count
        return Counts(sums[0], sums[1], tuple(zip(GRID, sums[2], strict=True)))


def _thousand(chance: random.Random) -> float:
    """Share of a core that a thousand services take: their evidence and findings, each second."""
    names = tuple(f"service-{number}" for number in range(1000))
    evidence = Evidence("blue", "green", Plan(steps=(STEP,), gates=Gates()), names)
    meters = {name: _Meter() for name in names}
    increments = [_increment(chance, 50.0, 1.0) for _ in range(50)]
    took = []
    for second in range(8):
        look = Look(float(second), samples={name: meter.after(chance.choice(increments)) for name, meter in meters.items()})
        evidence = evidence.for_step(0) if second == 2 else evidence  # noqa: PLR2004 - two looks at the live slot alone
        began = time.process_time()
        evidence = evidence.with_look(look)
        judge(evidence, STEP)
        took.append(time.process_time() - began)
        evidence = evidence.noted()
    return median(took[3:])


def _numbers(chance: random.Random, seconds: float) -> int:
    """Numbers that a trial holds after so long."""
    increments = [_increment(chance, 50.0, 1.0) for _ in range(100)]
    trial = _began(increments)
    for second in range(int(seconds)):
        trial = trial.after(increments[second % len(increments)], GRID)
    return _count(trial)


def _count(value: object) -> int:
    if isinstance(value, int | float):
        return 1
    if isinstance(value, tuple | list):
        return sum(map(_count, value))
    fields = getattr(value, "__dataclass_fields__", {})
    return sum(_count(getattr(value, name)) for name in fields)


if __name__ == "__main__":
    main()
