"""What is run: which contestants, over which streams, in how many runs, from which seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from canary.engine import Aborts, Certifies, Engine
from canary.peers import (
    EmpiricalBernstein,
    LindonMalek,
    Msprt,
    Peeking,
    Periodic,
    Rule,
    argo,
    argo_relative,
    flagger,
    p95_over,
)
from canary.race import Heat, Outcome, race
from canary.series import KayentaLike, Percentile, p95_above, percent_of_errors
from canary.streams import OBJECTIVE, Latency, Noise, Stream
from smoke.plan import Gates

ALPHA = 0.01
LEVEL = log(1.0 / ALPHA)
Z_ALPHA = 2.326348
"""What a standard normal variable exceeds with probability ``ALPHA``."""
HALF_HOUR = 1800.0

PLAIN, TWICE, SHIPPED = "ours r0=1", "ours r0=2", "ours as shipped"
FAR = 10_000.0
"""Milliseconds: an objective that is out of the way."""
OURS: Mapping[str, Gates] = {
    PLAIN: Gates(error_ratio=1.0, error_margin=0.0, errors=0.5, p95_ms=FAR),
    TWICE: Gates(error_ratio=2.0, error_margin=0.0, errors=0.5, p95_ms=FAR),
    SHIPPED: Gates(),
}
OBJECTIVES = "ours, objectives"
ALONE = {OBJECTIVES: Gates(error_ratio=0.0, errors=0.001, p95_ms=OBJECTIVE)}
"""What is left where blue has no traffic: 0.1 % of errors, and 95 % within 100 ms."""

SPLITS = ((1000, 0.05), (1000, 0.25), (1000, 0.5), (200, 0.05), (50, 0.05), (50, 0.25), (50, 0.5))
ASSERTED = (1000, 200)
"""Requests a second at which the delays of errors are held to a limit."""
RATES = (0.005, 0.01, 0.05, 0.5, 1.0)
SHIFTS = (1.1, 1.2, 1.5)
RAMP = ((0.0, 0.05), (450.0, 0.25), (900.0, 0.5), (1350.0, 1.0))
QUICK = ((0.0, 0.05), (60.0, 0.25), (120.0, 0.5), (180.0, 1.0))
"""A minute a step."""


def label(rps: float, share: float) -> str:
    """What a split is called in the tables."""
    return f"{rps:g} rps, {100 * share:g} %"


def split(rps: float, share: float, **fault: float | Latency) -> Stream:
    """A stream whose share never changes."""
    return Stream(label(rps, share), rps, ((0.0, share),), **fault)


def noisy(name: str, noise: Noise, share: float = 0.25, clump: float = 1.0) -> Stream:
    """1000 requests a second with nothing wrong but noise."""
    return Stream(name, 1000, ((0.0, share),), noise=noise, clump=clump)


FIXED = tuple(split(*each) for each in SPLITS)
MOVING = (
    Stream("ramp 5, 25, 50, 100 %", 1000, RAMP),
    noisy("shared bursts", "bursts"),
    noisy("diurnal load, errors, latency", "diurnal"),
    noisy("readings late, 5 s a minute", "gaps"),
    noisy("readings lost, 5 s a minute", "missing"),
)
"""Nothing is wrong with green, and what moves is shared: false aborts must stay within alpha."""
OWN = (
    *(noisy(f"clumps of {m} errors, {100 * share:g} %", "clumps", share, m) for share in (0.05, 0.5) for m in (2, 5, 20)),
    noisy("each slot's rate wanders", "wander"),
    noisy("sticky sessions", "sticky"),
    noisy("green warms up for 30 s", "warmup"),
)
"""Nothing is wrong with green in the long run, but each slot has a noise of its own: no rule is exact, and it is reported."""
EDGES = (
    ("tolerated ratio 2", TWICE, split(1000, 0.25, green=0.002)),
    ("tolerated ratio 2 and 0.1 %", SHIPPED, split(1000, 0.25, green=0.003)),
    *((f"5 % slower, {label(rps, share)}", SHIPPED, split(rps, share, latency=Latency(ratio=1.05))) for rps, share in SPLITS),
)
"""As bad as is just allowed, and by which gates."""
SHAPES = (
    Stream("5 % errors from the start", 1000, QUICK, green=0.05),
    Stream("5 % errors from a step on", 1000, QUICK, green=0.05, at=60.0),
    Stream("5 % errors in the middle of a step", 1000, QUICK, green=0.05, at=90.0),
    Stream("errors grow to 5 % in 120 s", 1000, QUICK, green=0.05, grows=120.0),
    Stream("slowest 2 % twice as slow", 1000, QUICK, latency=Latency(share=0.02, factor=2.0, slowest=True)),
    Stream("5 % ten times as slow", 1000, QUICK, latency=Latency(share=0.05, factor=10.0)),
)

CURVE = split(1000, 0.05, green=0.01)
LEVELS = tuple(log(1.0 / alpha) for alpha in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0001))
BOUNDS = (0.9999, 0.999, 0.998, 0.997, 0.996, 0.995, 0.994, 0.993, 0.992, 0.991, 0.99, 0.985, 0.98, 0.95)
RATIOS = (1.1, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 8.0)
TOLERANCES = (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8)
SCORES = (1.5, 2.0, Z_ALPHA, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)


def ours(heat: Heat) -> Sequence[Rule]:
    """The engine, by three sets of gates."""
    engine = _proven(OURS, heat)
    return [Aborts(name, engine, (LEVEL,)) for name in OURS]


def objectives(heat: Heat) -> Sequence[Rule]:
    """The engine where there is nothing to compare with."""
    return [Aborts(OBJECTIVES, _proven(ALONE, heat), (LEVEL,))]


def certifying(heat: Heat) -> Sequence[Rule]:
    """When a step might pass: by errors, by latency, by both."""
    engine = _proven(OURS, heat, certify=True)
    latency = Certifies("latency below +5 %", engine, TWICE, ("latency",))
    errors = [Certifies(f"errors, {name}", engine, name, ("errors",)) for name in (TWICE, SHIPPED)]
    return [latency, *errors, Certifies(f"both, {SHIPPED}", engine, SHIPPED, ("errors", "latency"))]


def _proven(gates: Mapping[str, Gates], heat: Heat, *, certify: bool = False) -> Engine:
    engine = Engine(gates, heat.runs, heat.seconds, certify=certify)
    engine.prove(heat.stream, heat.seed + 500_000)
    return engine


def _tests(levels: Sequence[float], scores: Sequence[float]) -> Sequence[Rule]:
    return [
        LindonMalek("Lindon-Malek k=100", 100.0, levels),
        LindonMalek("Lindon-Malek k=10", 10.0, levels),
        EmpiricalBernstein("emp. Bernstein", levels),
        Msprt("mSPRT plug-in", levels),
        Peeking("naive peeking", scores),
    ]


def both(heat: Heat) -> Sequence[Rule]:
    """The engine, the sequential tests and the negative control, on the same draws."""
    return [*ours(heat), *_tests((LEVEL,), (Z_ALPHA,))]


def checks(_: Heat) -> Sequence[Rule]:
    """Periodic checks of errors, with the settings of their documentation and tighter ones."""
    return [
        flagger("Flagger doc", 60.0, (0.99,), 5),
        flagger("Flagger fast", 10.0, (0.99,), 1),
        flagger("Flagger tight", 10.0, (0.997,), 1),
        argo("Argo doc", (0.95,)),
        argo_relative("Argo relative", (1.2,)),
        KayentaLike("Kayenta", percent_of_errors),
    ]


def slow_checks(heat: Heat) -> Sequence[Rule]:
    """Periodic checks of the 95th percentile."""
    point = Percentile(heat.stream.latency, heat.seed)
    return [
        Periodic("Flagger p95 < 100 ms, 5", 60.0, 60.0, p95_over(), 5),
        Periodic("p95 < 1.05 x blue's, 1", 60.0, 60.0, p95_above(point, (1.05,)), 1),
        Periodic("p95 < 1.05 x blue's, 5", 60.0, 60.0, p95_above(point, (1.05,)), 5),
        Periodic("p95 < 1.20 x blue's, 1", 60.0, 60.0, p95_above(point, (1.2,)), 1),
        KayentaLike("Kayenta p95", point),
    ]


def varied(heat: Heat) -> Sequence[Rule]:
    """The engine and the sequential tests, with their thresholds varied."""
    engine = _proven(OURS, heat)
    return [*(Aborts(name, engine, LEVELS) for name in OURS), *_tests(LEVELS, SCORES)]


def varied_checks(_: Heat) -> Sequence[Rule]:
    """The periodic checks, with their thresholds varied."""
    return [
        flagger("Flagger, 60 s, 5 failures", 60.0, BOUNDS, 5),
        flagger("Flagger, 10 s, 1 failure", 10.0, BOUNDS, 1),
        argo_relative("Argo relative", RATIOS),
        KayentaLike("Kayenta", percent_of_errors, TOLERANCES),
    ]


RULES: Mapping[str, Callable[[Heat], Sequence[Rule]]] = {
    each.__name__: each for each in (ours, objectives, certifying, both, checks, slow_checks, varied, varied_checks)
}


@dataclass(frozen=True, slots=True)
class Job:
    """One heat of one table; heats of the same table and row are parts of one sample."""

    table: str
    row: str
    heat: Heat
    rules: str
    """Name of the contestants in ``RULES``."""


def run(job: Job) -> Mapping[str, Outcome]:
    """One heat: what each contestant did."""
    return race(job.heat, RULES[job.rules](job.heat))


CHUNK = 1000
"""Runs of a heat: small enough for a processor's cache."""
LOOK, FINE, COARSE = 1.0, 0.25, 10.0
"""Seconds of a tick: of the protocol, of the product, and of rules that look each ten seconds at most."""


def jobs() -> list[Job]:
    """Everything that is run, with seeds that are counted from 1000 on."""
    made: list[Job] = []

    def add(table: str, row: str, stream: Stream, rules: str, **how: float) -> None:
        seconds, horizon, runs = how.get("seconds", LOOK), how.get("horizon", HALF_HOUR), int(how.get("runs", CHUNK))
        for first in range(0, runs, CHUNK):
            heat = Heat(stream, min(CHUNK, runs - first), 1000 + len(made), seconds, horizon, slow=stream.latency != Latency())
            made.append(Job(table, row, heat, rules))

    _nulls(add)
    _delays(add)
    return made


def _nulls(add: Callable[..., None]) -> None:
    for stream in FIXED:
        add("null", stream.name, stream, "both", runs=4000)
        add("null", stream.name, stream, "checks", runs=4000, seconds=COARSE)
    for stream in MOVING:
        add("null", stream.name, stream, "both", runs=4000)
    add("null", "blue has no traffic", split(1000, 1.0), "objectives", runs=4000)
    for stream in OWN:
        add("own", stream.name, stream, "both")
    for row, gates, stream in EDGES:
        add(f"edge {gates}", row, stream, "ours", runs=2000)
    for rps, share in ((1000, 0.05), (1000, 0.25), (1000, 0.5), (50, 0.5)):
        add("certify", label(rps, share), split(rps, share), "certifying", runs=500)
    add("certify", "twice as many errors", split(1000, 0.25, green=0.002), "certifying", runs=1000)
    add("certify", "three times as many errors", split(1000, 0.25, green=0.003), "certifying", runs=1000)
    add("certify", "5 % slower", split(1000, 0.25, latency=Latency(ratio=1.05)), "certifying", runs=1000)


def _delays(add: Callable[..., None]) -> None:
    for stream in FIXED:
        for rate in RATES:
            faulty, row = replace(stream, green=rate), f"{stream.name}|{rate:g}"
            add("errors", row, faulty, "both")
            add("errors", row, faulty, "checks", seconds=COARSE)
            if stream.rps in ASSERTED:
                add("quick errors", row, faulty, "both", seconds=FINE, runs=500)
        for shift in (1.0, 1.05, *SHIFTS):
            slow, row = replace(stream, latency=Latency(ratio=shift)), f"{stream.name}|{shift:g}"
            add("latency", row, slow, "slow_checks", seconds=COARSE)
            if shift in SHIFTS:
                add("latency", row, slow, "ours", runs=500)
    for stream in SHAPES:
        add("shapes", stream.name, stream, "both", seconds=FINE, runs=500, horizon=600.0)
        add("shapes", stream.name, stream, "checks", seconds=COARSE, runs=500, horizon=600.0)
    for rate in RATES[:3]:
        add("alone", f"{rate:g}", split(1000, 1.0, green=rate), "objectives", seconds=FINE, runs=500)
    for shift in SHIFTS[1:]:
        add("alone", f"{shift:g}", split(1000, 1.0, latency=Latency(ratio=shift)), "objectives", seconds=FINE, runs=500)
    for stream, table in ((replace(CURVE, green=0.001), "curve null"), (CURVE, "curve")):
        runs = 1000 if table == "curve" else 4000
        add(table, "curve", stream, "varied", seconds=LOOK, runs=runs)
        add(table, "curve", stream, "varied_checks", seconds=COARSE, runs=runs)
