"""Runs the benchmark: ``make bench``, or ``PYTHONPATH=bench python -m canary``. Ends with 1 where a line is not reached.

Everything is drawn from the seeds that are in the page, so the page is the same each time it is made.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from math import exp
from multiprocessing import get_context
from pathlib import Path

from canary import limits, report
from canary.heats import ALPHA, CURVE, Job, jobs, run
from canary.race import Outcome
from canary.tables import merged, table
from smoke.analysis.dispersion import CAP, LEAST_WEIGHT

DOCS = Path(__file__).parents[2] / "docs"
PROCESSES = 2


def results(every: list[Job], processes: int) -> report.Results:
    """All heats, those of one row put together."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        done = list(pool.map(run, every))
    parts: dict[tuple[str, str], dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for job, outcomes in zip(every, done, strict=True):
        for name, outcome in outcomes.items():
            parts[job.table, job.row][name].append(outcome)
    return {row: {name: merged(each) for name, each in found.items()} for row, found in parts.items()}


def page(found: report.Results, every: list[Job]) -> Iterator[str]:
    """The page, part by part."""
    seeds = f"{every[0].heat.seed} to {every[-1].heat.seed}"
    yield HEAD.format(runs=sum(job.heat.runs for job in every), heats=len(every), seeds=seeds)
    reached = list(report.lines(found))
    missed = [line for line in reached if not line.held]
    yield f"## What is to be reached\n\n{len(reached) - len(missed)} of {len(reached)} lines are held; the last table has all."
    if missed:
        yield "These are missed:\n"
        yield from table(LINE, (line.row() for line in missed))
        yield from (f"- better on both axes: {each}" for each in report.better(found))
    yield BRAKE.format(cap=exp(CAP), bad=LEAST_WEIGHT)
    for title, lines in SECTIONS:
        yield f"## {title}\n"
        yield from lines(found)
    yield "## All lines\n"
    yield from table(LINE, (line.row() for line in reached))


def quick(found: report.Results) -> Iterator[str]:
    """The delays of errors with looks as the product's default."""
    return report.delays(found, "quick errors")


LINE = ("line", "found", "at most", "")
SECTIONS = (
    ("False aborts where nothing is wrong, % of runs of 30 minutes", report.nulls),
    ("Errors: median/ninth decile of the delay in seconds, looks each second", report.delays),
    ("The same, looks each quarter of a second, the default of the product", quick),
    ("What users saw: medians of green's requests, and of its failed ones, until the abort", report.costs),
    ("Latency: median/ninth decile of the delay in seconds, looks each second", report.latency),
    ("Faults of other shapes: looks each quarter of a second, a step a minute, ten minutes", report.shapes),
    ("Where blue has no traffic: objectives alone, delay in seconds, looks each quarter of a second", report.alone),
    ("When a step may pass: median/ninth decile in seconds, looks each second", report.certified),
)
HEAD = """# How soon, and how often wrongly: the decision engine against its peers

Made by `make bench`; do not edit. {heats} heats of {runs} runs in all, seeds {seeds}, one a heat, in the order of
`bench/canary/heats.py`. Traffic is drawn, not sent: Poisson arrivals, blue fails at 0.1 %, latency is lognormal with a median
of 40 ms and a sigma of 0.5. The engine is a twin of `smoke.analysis` on arrays, held to it by `tests/canary/test_twin.py`; it
watches blue alone for 60 s first, as a rollout does. It has all of its tests in each run, and pays for them. A run ends after 30
minutes.

- **ours r0=1**: no more errors than blue. **ours r0=2**: up to twice as many. **ours as shipped**: the default gates, twice as
  many and 0.1 % on top, and objectives. Latency may be 5 % higher in all.
- **least**: log(1/alpha) over the information of a second, the least that any rule with 1 % of false aborts needs
  (`bench/canary/limits.py`), for what each of ours allows; **x** is the median delay over it.
- Peers are written from their documentation and papers (`peers.py`, `series.py`, `kayenta.py`). *doc* is the setting of the
  documentation, the others are tightened by us. Sequential tests are at 1 %, and each is about errors alone. Naive peeking is the
  negative control. Rules that look each ten seconds at most see draws of their own of the same streams.
- A share in brackets is that of the runs that aborted at all, where it is not all of them.

![Delay against false aborts](canary.svg)
"""
BRAKE = """
What the engine pays for safety from clumps: as long as blue has not shown about {bad:g} bad requests, it does not know whether
they come in clumps, and no look adds more than a factor of {cap:g} to its evidence. So where errors are rare even a total outage
takes some looks; these are of a quarter of a second in the product. What peers without such a brake do with clumps is in the
table of noise below.
"""


def main() -> int:
    """Run it, write the page and the picture, and say what was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--into", type=Path, default=DOCS, help="folder of the page and the picture")
    asked = parser.parse_args()
    from canary.picture import draw  # noqa: PLC0415  # the other processes need no picture

    began, every = time.monotonic(), jobs()
    found = results(every, asked.processes)
    (asked.into / "canary.md").write_text("\n".join(page(found, every)).rstrip() + "\n")
    least = limits.errors(limits.Traffic(CURVE.rps, CURVE.steps[0][1]), CURVE.green)
    title = f"{CURVE.name} to green, errors from 0.1 % to {100 * CURVE.green:g} %"
    draw(report.curves(found), least, ALPHA / 40.0, asked.into / "canary.svg", title)
    missed = [line for line in report.lines(found) if not line.held]
    for line in missed:
        print("missed:", *line.row()[:3], sep=" | ")
    print(f"{len(every)} heats in {time.monotonic() - began:.0f} s: {asked.into / 'canary.md'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
