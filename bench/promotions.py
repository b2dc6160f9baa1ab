"""Promotions back and forth under load: what is lost, and how long a switch of the weights takes until it is read back.

``python bench/promotions.py --rate 1000 --promotions 10``. Open loop through the front door, on loopback; a stack of its own on
free ports, taken down at the end. Nothing here is drawn by chance: requests are due at fixed intervals.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from workshop import Workshop, workshop

from infra.contract import Contract
from smoke.routers import router
from smoke.traffic import Target, traffic

PLAN = {
    "steps": [25, 100],
    "bake": "2s",
    "last": "3s",
    "requests": 20,
    "limit": "60s",
    "at_limit": "back",
    "traffic": {"dashboard": {"rate": 80, "path": "/_stcore/health"}},
}


def main() -> None:
    """Run it, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second")
    parser.add_argument("--promotions", type=int, default=10)
    parser.add_argument("--switches", type=int, default=200, help="writes of the weights that are timed")
    parser.add_argument("--latency-ratio", type=float, default=1.5, help="what the plan allows; this machine is shared")
    asked = parser.parse_args()
    plan = {**PLAN, "gates": {"latency_ratio": asked.latency_ratio, "errors": 0.1, "error_margin": 0.1}}
    with workshop(plan=plan) as project:
        project.up()
        print(json.dumps({"promotions": promotions(project, asked.rate, asked.promotions)}, indent=1), flush=True)
        print(json.dumps({"switches": switches(project, asked.rate, asked.switches)}, indent=1))


def promotions(project: Workshop, rate: float, count: int) -> dict[str, object]:
    """From slot to slot, as often as asked, while requests come in."""
    took, codes = [], []
    with traffic({"api": Target(project.front("api", "/prices"), rate)}, limit=1800.0) as load:
        for number in range(count):
            began = time.monotonic()
            done = project.crossfade("promote", "--to", ("green", "blue")[number % 2], "--again", "bench", expected=None)
            codes.append(done.returncode)
            took.append(time.monotonic() - began)
            if done.returncode:
                print(done.stderr[-1500:], file=sys.stderr)
    seen = load.summary()["api"]
    return {"exit codes": codes, "seconds each": round(median(took), 2), "load": seen.to_json()}


def switches(project: Workshop, rate: float, count: int) -> dict[str, object]:
    """Weights to and fro under load, as fast as they are read back."""
    service = Contract.from_json(project.contract()).service("api")
    assert service.router is not None
    way, took = router(service.router), []
    with traffic({"api": Target(project.front("api", "/prices"), rate)}, limit=600.0) as load:
        time.sleep(1.0)
        for number in range(count):
            began = time.perf_counter()
            way.write({"blue": 100, "green": 0} if number % 2 else {"blue": 0, "green": 100})
            assert way.read()
            took.append(1000 * (time.perf_counter() - began))
            time.sleep(0.05)
    cuts = quantiles(took, n=100, method="inclusive")
    times = {"p50 ms": cuts[49], "p99 ms": cuts[98], "max ms": max(took)}
    return {**{name: round(time, 2) for name, time in times.items()}, "load": load.summary()["api"].to_json()}


if __name__ == "__main__":
    main()
