"""A million requests through a hundred shifts, hand-overs and aborts, with drivers killed on the way: what is lost.

``python bench/soak.py --requests 1000000 --rate 900 --shifts 100 --kills 20 --seed 1``. On a stack of its own, on loopback,
through the front door, until all of them were reached; it ends by itself, and takes the stack down. The acts are drawn from the
seed, what falls into which moment is not. Prints JSON and a table in Markdown, and ends with 1 where something did not hold.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT), str(ROOT / "bench")]

import psutil
from soaking.account import NOTHING, SHOWN, Failure, account, changes, failures_in, failures_of, lost, shares
from soaking.acts import LENGTH, Act, Soak, script
from soaking.past import Past
from soaking.sessions import LIFETIME, OK, Sessions, Visit
from workshop import BIN, Workshop, workshop

from smoke.traffic import Summary, Target, entries, traffic

SESSIONS = 100.0
"""Requests a second of all sessions together."""
REST = 10.0
"""Seconds under load before the first act."""
SLOW = 500.0
"""Milliseconds that at rest one in a hundred requests may take, and no more."""
ROOM = 0.45
"""Share of the processors' time that must be left at rest: releases, drivers and health checks come on top of the load."""
PLAN = {
    "steps": [25, 100],
    "bake": "4s",
    # Longer than a session lasts: whoever began on the old side ends there.
    "last": "6s",
    "requests": 20,
    "limit": "60s",
    "at_limit": "back",
    "absence": "20s",
    # This machine is shared, and what is asked here is not how soon a fault is seen.
    "gates": {"latency_ratio": 4, "errors": 0.1, "error_margin": 0.1},
}


def main() -> int:
    """Run it, and say what came of it."""
    asked = _asked()
    limit = 300.0 + 3 * max(asked.requests / asked.rate, asked.shifts * LENGTH)
    with workshop(plan=PLAN) as project, TemporaryDirectory() as folder:
        # Judged like the API, but too little used to wait for what its requests show.
        project.settings["services"]["dashboard"]["gates"] = {"latency_ratio": 50, "requests": 0}
        project.save()
        project.up()
        record = Path(folder) / "requests"
        chance = random.Random(asked.seed)  # noqa: S311 - a draw that can be repeated, not a secret
        soak = Soak(project, chance, hold=max(15.0, asked.requests / asked.rate / 10))
        port = project.settings["services"]["dashboard"]["port"]
        target = {"api": Target(project.front("api", "/prices"), asked.rate)}
        offset = time.time() - time.monotonic()
        with traffic(target, limit=limit + 600, record=record) as load, Sessions(port, SESSIONS) as sessions:
            left = rest(record)
            run(soak, asked, time.monotonic() + limit)
        failures = list(failures_of(entries(record), offset))
        found = {"asked": vars(asked), **result(soak, load.summary()["api"], failures, sessions.visits)}
        found["machine"]["idle at rest"] = left
        found["wrong"] = wrong(found)
    print(json.dumps(found, indent=1))
    print(table(found))
    return 1 if found["wrong"] else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000, help="least requests to the API")
    parser.add_argument("--rate", type=float, default=900.0, help="of them a second")
    parser.add_argument("--shifts", type=int, default=100, help="least shifts, hand-overs and ways back")
    parser.add_argument("--kills", type=int, default=20, help="drivers that are killed")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def rest(record: Path) -> float:
    """Whether this machine carries the load while nothing else happens: what is lost later is laid to the rollouts.

    Returns:
        The share of its processors' time that is left, of 1.

    Raises:
        SystemExit: it does not, or leaves too little for what is to come.
    """
    left = round(1 - psutil.cpu_percent(REST) / 100, 2)
    seen = list(entries(record))
    slow = sum(each.latency_ms > SLOW for each in seen)
    bad = sum(each.outcome != OK for each in seen)
    if not seen or bad or slow > len(seen) / 100 or left < ROOM:
        told = (
            f"of {len(seen)} requests {bad} lost, {slow} above {SLOW:g} ms; {left:.0%} of its time is left, {ROOM:.0%} is needed"
        )
        raise SystemExit(f"this machine does not carry the load at rest: {told}. Ask for a lower --rate")
    sys.stderr.write(f"at rest: {len(seen)} requests, {left:.0%} of the processors' time is left\n")
    return left


def run(soak: Soak, asked: argparse.Namespace, deadline: float) -> None:
    """One act after the other, until everything that was asked for was reached, or the time is over."""
    began = time.monotonic()
    acts = script(soak.chance, asked.shifts, asked.kills)
    # Whoever was at its end already when it was to be killed is made up for.
    for number, act in enumerate(chain(acts, repeat(None))):
        now, enough = time.monotonic(), number >= len(acts)
        kills = soak.killed.total() >= asked.kills
        shifts = sum(each.shifts for each in soak.pasts.all()) >= asked.shifts
        if now > deadline or (enough and kills and shifts and (now - began) * asked.rate >= asked.requests):
            return
        soak.act(act or (Act.PROMOTED if kills else Act.KILLED))


# What came of it


def result(soak: Soak, load: Summary, failures: Sequence[Failure], visits: Sequence[Visit]) -> dict[str, Any]:
    """Everything that was seen."""
    pasts = soak.pasts.all()
    moved, failed = changes(visits, pasts), list(failures_in(visits))
    return {
        "requests": load.offered,
        "sessions": {"requests": len(visits), "sessions": len({each.session for each in visits}), "lifetime s": LIFETIME},
        "acts": dict(soak.done),
        "ends": dict(Counter(each.now.phase.value for each in pasts)),
        "shifts": sum(each.shifts for each in pasts),
        "drivers killed": dict(soak.killed),
        "api": account(failures, pasts, soak.faulty),
        "dashboard": account(failed, pasts, soak.faulty),
        "lost when": lost([*failures, *failed], pasts, soak.faulty),
        "changed side": dict(Counter(each.why for each in moved)),
        "first changed without a reason": [each.told for each in moved if each.why == NOTHING][:SHOWN],
        "shares": [each.to_json() for each in shares(visits, pasts, soak.hold)],
        "hand-overs": gaps(pasts),
        "orders": orders(soak.project),
        "odd": soak.odd,
        "machine": {"cores": os.cpu_count(), "load p50": median(soak.busy or [0.0]), "load max": max(soak.busy, default=0.0)},
        "load": load.to_json(),
    }


def gaps(pasts: Sequence[Past]) -> dict[str, object]:
    """Seconds for which nobody may have worked, as the journals have them."""
    found = [seconds for past in pasts for seconds in past.gaps]
    return {"count": len(found), "gap p50 s": round(median(found or [0.0]), 3), "gap max s": round(max(found, default=0.0), 3)}


def orders(project: Workshop) -> dict[str, Any]:
    """What the checker says of what the exchange received."""
    log = project.home / "data" / "exchange" / "orders.jsonl"
    words = [str(BIN / "crossfade"), "orders", str(log), "--json"]
    done = subprocess.run(
        words, cwd=project.folder, env=project.environment, capture_output=True, text=True, timeout=120, check=False
    )
    said: dict[str, Any] = json.loads(done.stdout)
    between = [span["gap"] for span in said.get("spans", ()) if span["gap"] is not None]
    return {
        "exit": done.returncode,
        "orders": said.get("orders", 0),
        "tokens": len(said.get("spans", ())),
        "gap p50 s": round(median(between or [0.0]), 3),
        "gap max s": round(max(between, default=0.0), 3),
        "violations": said.get("violations"),
        "first violations": said.get("first_violations", []),
    }


def wrong(found: Mapping[str, Any]) -> list[str]:
    """What did not hold."""
    asked = found["asked"]
    killed = sum(found["drivers killed"].values())
    missing = {name: sum(found[name]["lost"].values()) for name in ("api", "dashboard")}
    off = [each for each in found["shares"] if each["verdict"] == "beyond"]
    claims = {
        f"{found['requests']} requests of {asked['requests']}": found["requests"] >= asked["requests"],
        f"{found['shifts']} shifts of {asked['shifts']}": found["shifts"] >= asked["shifts"],
        f"{killed} kills of {asked['kills']}": killed >= asked["kills"],
        **{f"{count} lost of {name}": count == 0 for name, count in missing.items()},
        "sessions changed side, and nothing explains it": NOTHING not in found["changed side"],
        f"crossfade orders ended with {found['orders']['exit']}": found["orders"]["exit"] == 0,
        **{f"{each['of']}: {each['share']} % where {each['weight']} % were due": False for each in off},
        **dict.fromkeys(found["odd"], False),
    }
    return [claim for claim, holds in claims.items() if not holds]


def table(found: Mapping[str, Any]) -> str:
    """The figures, in Markdown."""
    total = {(name, whose): sum(each.values()) for name in ("api", "dashboard") for whose, each in found[name].items()}
    load, order, hand = found["load"], found["orders"], found["hand-overs"]
    sessions = found["sessions"]
    rows: dict[str, object] = {
        "requests": f"{found['requests']} to the API, {sessions['requests']} of {sessions['sessions']} sessions",
        "shifts, hand-overs and ways back": found["shifts"],
        "rollouts": ", ".join(f"{count} {phase}" for phase, count in found["ends"].items()),
        "drivers killed": sum(found["drivers killed"].values()),
        "lost": f"{total['api', 'lost']} of the API, {total['dashboard', 'lost']} of sessions",
        "failed by the candidate itself": total["api", "candidate"] + total["dashboard", "candidate"],
        "not sent, by the generator's own limits": total["api", "generator"],
        "sent late by": f"{load['lag_p99_ms']} ms (p99), at most {load['lag_max_ms']} ms",
        "without an answer: first and last second, how many": load["lost_when"][:SHOWN] or "none",
        "latency": f"p50 {load['latency_p50_ms']} ms, p99 {load['latency_p99_ms']} ms, max {load['latency_max_ms']} ms",
        "orders": f"{order['orders']} by {order['tokens']} tokens; two at work: {order['violations']} times",
        "gap of a hand-over, by the journals": f"p50 {hand['gap p50 s']} s, max {hand['gap max s']} s, of {hand['count']}",
        "gap between orders at a hand-over": f"p50 {order['gap p50 s']} s, max {order['gap max s']} s",
        "sessions that changed side": ", ".join(f"{count} {why}" for why, count in found["changed side"].items()) or 0,
        **{f"{each['of']} at {each['weight']} %": _share(each) for each in found["shares"]},
        "machine": ", ".join(f"{name} {value}" for name, value in found["machine"].items()),
        "did not hold": "; ".join(found["wrong"]) or "nothing",
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])


def _share(each: Mapping[str, Any]) -> str:
    return f"{each['share']} % of {each['count']}, by chance ± {each['sigma']}: {each['verdict']} two points"


if __name__ == "__main__":
    sys.exit(main())
