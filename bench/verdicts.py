"""How soon a bad release is taken back, and whether a good one ever is: real promotions of the example under load.

``python bench/verdicts.py --rate 1000 --runs 20``. On a stack of its own, through the front door. First the candidate
fails 5 % of its requests at 5 % of the traffic, again and again; then one without a fault is promoted back and forth. The
errors are drawn by the example itself, so that figures differ a little from run to run.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT)]

from workshop import Workshop, workshop

from smoke.traffic import Target, traffic
from smoke.traffic.record import entries

SERVER_ERROR = 500
ROLLED_BACK = 10
PLAN = {
    "steps": [5, 50, 100],
    "bake": "5s",
    "last": "5s",
    "limit": "5m",
    "at_limit": "back",
    "traffic": {"dashboard": {"rate": 100, "path": "/_stcore/health"}},
}


def main() -> None:
    """Run both, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--latency-ratio", type=float, default=3.0, help="what the plan allows; this machine is shared")
    parser.add_argument("--good-margin", type=float, default=0.01, help="error_margin of the good ones: the default takes longer")
    asked = parser.parse_args()
    with workshop(plan={**PLAN, "gates": {"latency_ratio": asked.latency_ratio}}) as project:
        # Judged like the other, but too little used to wait for what its requests show.
        project.settings["services"]["dashboard"]["gates"] = {"latency_ratio": 50, "requests": 0}
        project.save()
        print(json.dumps({"bad": bad(project, asked.rate, asked.runs)}, indent=1), flush=True)
        project.settings["plan"]["gates"]["error_margin"] = asked.good_margin
        project.save()
        print(json.dumps({"good": good(project, asked.rate, asked.runs)}, indent=1))


def bad(project: Workshop, rate: float, runs: int) -> dict[str, object]:
    """A candidate that fails 5 % of its requests, as often as asked."""
    project.slot("green", runtime="py312", FAULT_ERRORS="0.05")
    project.up()
    found: list[dict[str, float]] = []
    with _load(project, rate) as record:
        for _ in range(runs):
            found.append(_taken_back(project, record))
            # What was taken back is asked for again: the settings still ask for it.
            project.up()
    seconds = [each["seconds"] for each in found]
    return {
        "median seconds from the first bad response to the verdict": round(median(seconds), 2),
        "seconds": sorted(round(each, 2) for each in seconds),
        "median bad responses": median(each["bad"] for each in found),
    }


def _taken_back(project: Workshop, record: Path) -> dict[str, float]:
    began = time.monotonic()
    code = project.crossfade("promote", "--again", "bench", expected=None).returncode
    if code != ROLLED_BACK:
        raise SystemExit(f"a bad candidate ended with {code}")
    # The journal has the time of day, the record the monotonic clock: both are read here.
    offset = time.time() - time.monotonic()
    failed = next(event["at"] for event in project.report()["events"] if event["event"] == "failed") - offset
    ended = [each.due + each.latency_ms / 1000.0 for each in entries(record) if _is_bad(each.outcome) and each.due > began]
    return {"seconds": failed - min(ended), "bad": float(len(ended))}


def _is_bad(outcome: int | str) -> bool:
    return not isinstance(outcome, int) or outcome >= SERVER_ERROR


def good(project: Workshop, rate: float, runs: int) -> dict[str, object]:
    """One without a fault, from slot to slot."""
    project.slot("green", runtime="py312")
    project.up()
    codes: list[int] = []
    with _load(project, rate):
        for number in range(runs):
            done = project.crossfade("promote", "--to", ("green", "blue")[number % 2], "--again", "bench", expected=None)
            codes.append(done.returncode)
            if done.returncode:
                print(done.stderr[-1500:], file=sys.stderr)
    return {"exit codes": codes, "aborted": sum(code == ROLLED_BACK for code in codes)}


@contextmanager
def _load(project: Workshop, rate: float) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        record = Path(folder) / "requests"
        with traffic({"api": Target(project.front("api", "/prices"), rate)}, limit=3600.0, record=record) as load:
            yield record
        print(json.dumps({"load": load.summary()["api"].to_json()}), file=sys.stderr)


if __name__ == "__main__":
    main()
