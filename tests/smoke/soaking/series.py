"""Made-up memory of 48 hours, a look a minute: with a day's cycle, noise that remembers itself, and what a test asks for."""

import random
from collections.abc import Callable
from math import exp, pi, sin

HOURS = 48
Shape = Callable[[float], float]
"""Megabytes beside the base, by the hours since the begin."""

SHAPES: dict[str, Shape] = {
    "flat": lambda _: 0.0,
    "plateau": lambda hours: 80.0 * (1 - exp(-hours / 4)),
    "sawtooth": lambda hours: 30.0 * (hours % 3) / 3,
    "one step": lambda hours: 15.0 * (hours > 30),
    "leak of 2 MiB an hour": lambda hours: 2.1 * hours,
    "leak of 1 MB an hour": lambda hours: 1.0 * hours,
    "leak under a sawtooth": lambda hours: 1.0 * hours + 30.0 * (hours % 3) / 3,
}


def series(shape: Shape, seed: int, hours: float = HOURS, base: float = 200.0) -> list[tuple[float, float]]:
    """``(seconds, megabytes)``, a minute apart."""
    chance, noise, points = random.Random(seed), 0.0, []  # noqa: S311 - made-up memory, no secret
    for minute in range(int(hours * 60)):
        noise = 0.95 * noise + chance.gauss(0, 0.5)
        at = minute / 60
        points.append((minute * 60.0, base + shape(at) + 2.0 * sin(2 * pi * at / 24) + noise))
    return points
