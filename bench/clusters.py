"""Rollouts in a cluster under load: what is lost, and how soon nobody reaches a candidate any more.

``python bench/clusters.py --rate 300``, as root, after ``make test-kubernetes`` has built what it needs. A node of its own,
Traefik, the trading system; each scenario under the same load through the gateway. Ends with the times of ``--switches`` writes
of weights. Nothing is drawn by chance.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "engine"), str(ROOT)]

import kube_gateway
import kube_trading
from kube_hungry import evicted, hog, memory, tight
from kube_names import names
from kube_node import kube_node
from kube_workshop import KubeWorkshop, kube_workshop, patient
from machine import wait_for
from test_faults import FAULTS
from test_faults import PLAN as SHORT

from infra.contract import Contract
from smoke.clock import SystemClock
from smoke.meters import meter
from smoke.routers import router
from smoke.seeing import Seeing
from smoke.traffic import Entry, Target, entries, traffic
from tests.smoke.routers.gateway_harness import reached

SERVER_ERROR = 500
READY = 120.0
# Two cores carry the cluster, the gateway, both slots, the load and the driver.
PLAN: Mapping[str, Any] = {**SHORT, "limit": "60s", "prove": "60s", "gates": {**SHORT["gates"], "latency_ratio": 4}}
OURS = ("errors", "latency", "crash", "never ready", "wrong version", "silent feed")
"""Faults of those that the trading system has in a cluster, where it has no dashboard."""
STEPS = PLAN["steps"]


class Scene:
    """A stack under load."""

    def __init__(self, project: KubeWorkshop, rate: float, only: Sequence[str], aborts: int) -> None:
        self.project = project
        self.rate = rate
        self.aborts = aborts
        self.only = only
        """Words of the names of scenarios that are wanted; none: all are."""
        self.left: list[float] = []
        """Milliseconds from each decision to go back until the candidate's last answer."""
        self.moved: list[str] = []
        """What an ``up`` or a ``refresh`` changed at a step."""

    def row(self, name: str, act: Callable[[], int]) -> None:
        """Do it under load, and print what was lost."""
        if self.only and not any(each in name for each in self.only):
            return
        self.settled()
        target = {"api": Target(self.project.front("api", "/prices"), self.rate)}
        known = self._versions()
        with tempfile.TemporaryDirectory() as folder:
            record = Path(folder) / "requests"
            with traffic(target, limit=400.0, record=record) as load:
                code = act()
                time.sleep(1)
            seen, asked = load.summary()["api"], list(entries(record))
        report = self.project.report()
        failed = [each for each in asked if isinstance(each.outcome, int) and each.outcome >= SERVER_ERROR]
        own = sum(each.version == known[report["candidate"]] for each in failed)
        wrong = sum(count for version, count in seen.versions.items() if version not in known.values())
        after = self._after(report, asked, known)
        late = f"p50 {seen.latency_p50_ms:.1f}, p99 {seen.latency_p99_ms:.1f}"
        why = report["because"][-1][:90] if report.get("because") else ""
        cells = (name, code, seen.offered, sum(seen.lost.values()), f"{len(failed)}, {own}", wrong, after, late, why)
        print(f"| {' | '.join(map(str, cells))} |", flush=True)

    def _after(self, report: Mapping[str, Any], asked: list[Entry], known: Mapping[str, str]) -> str:
        """Milliseconds that the candidate was still answered from, once it was decided to go back."""
        decided = [each["at"] for each in report["events"] if each["event"] in {"failed", "aborted"}]
        if not decided:
            return ""
        ahead = time.time() - time.monotonic()
        answered = [each.due + ahead + each.latency_ms / 1000 for each in asked if each.version == known[report["candidate"]]]
        if not answered:
            return "none came"
        self.left.append(max(0.0, 1000 * (max(answered) - decided[0])))
        return f"{self.left[-1]:.0f} ms"

    def _versions(self) -> Mapping[str, str]:
        """The API's version by slot."""
        (api,) = [each for each in self.project.contract()["services"] if each["name"] == "api"]
        return {slot: each["version"] for slot, each in api["placements"].items()}

    def settled(self) -> None:
        """Wait until every pod is ready."""
        wait_for(self.project.ready, "every pod is ready", limit=READY, pause=0.2)

    def release(self, **env: str) -> None:
        """Another release in green."""
        self.project.slot("green", runtime="py312", **env)
        self.project.up()

    @contextmanager
    def step(self, weight: int) -> Iterator["subprocess.Popen[bytes]"]:
        """A promotion at that step: what drives it, which ends with the context."""
        with self.project.begun("promote", "--to", "green", "--again", "bench") as driver:
            wait_for(lambda: self.project.written()["green"] == weight, f"{weight} % on green", limit=READY, pause=0.05)
            yield driver

    def at(self, weight: int, act: Callable[[], object]) -> int:
        """Promote, do something at that step, and wait for the end."""
        with self.step(weight) as driver:
            act()
            return driver.wait(READY)

    def crossfade(self, *words: str) -> int:
        """Type it, and wait for its end."""
        return self.project.crossfade(*words, expected=None).returncode

    def delete(self) -> None:
        """Held at this step, delete every pod of both slots of the API, one after the other, each once all are ready."""
        self.crossfade("pause", "--why", "bench")
        for name in [each for each in self.project.pods() if each.startswith("api-")]:
            self.project.node.api.kubectl("delete", "pod", name, "-n", self.project.namespace, "--wait=false", check=False)
            time.sleep(0.5)
            self.settled()
        self.crossfade("resume")

    def declared(self) -> None:
        """Held at this step, declare everything again, and read it back: neither may change a route."""
        self.crossfade("pause", "--why", "bench")
        route = self.project.get("httproute", "api")["spec"]
        changes = self.project.changes()
        self.project.pulumi("refresh", "--yes", "--skip-preview", "--suppress-outputs")
        if changes or self.project.get("httproute", "api")["spec"] != route:
            self.moved.append(f"{route}: {changes}")
        self.crossfade("resume")

    def short(self) -> None:
        """Have the node run short of memory, by a pod that asked for none, until its kubelet takes that pod away."""
        hog(self.project.node)
        wait_for(lambda: evicted(self.project.node), "the hungry pod is evicted", limit=READY, pause=0.5)

    def killed(self, weight: int) -> int:
        """Its driver is killed at that step, and the next command goes on."""
        with self.step(weight):
            pass
        return self.crossfade("promote")

    def back(self) -> None:
        """All on blue again, outside of any table."""
        if self.project.status()["live"] == "green":
            self.project.crossfade("revert", "--why", "bench")


def main() -> None:
    """Run it, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="words of the names of scenarios; without them all")
    parser.add_argument("--rate", type=float, default=300.0, help="requests a second")
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--aborts", type=int, default=0, help="more aborts, for their times")
    asked = parser.parse_args()
    with stack() as project:
        scene = Scene(project, asked.rate, asked.only, asked.aborts)
        head = (
            "what",
            "exit",
            "sent",
            "lost",
            "5xx, and the candidate's own",
            "of another version",
            "answers of the candidate after",
        )
        print(f"| {' | '.join((*head, 'latency ms', 'reason'))} |\n|{' --- |' * (len(head) + 2)}")
        rollouts(scene)
        if len(scene.left) > 1:
            cuts = quantiles(scene.left, n=100, method="inclusive")
            print(f"\ncandidate's last answer after the decision: p50 {cuts[49]:.0f}, p99 {cuts[98]:.0f} ms of {len(scene.left)}")
        print(f"changed by up or refresh at a step: {scene.moved or 'nothing'}")
        print(switches(scene, asked.switches))
        print(memory(project.node))


def rollouts(scene: Scene) -> None:
    """Every scenario, one after the other."""
    scene.row("promote 3.9 to 3.12", lambda: scene.crossfade("promote"))
    scene.row("way back", lambda: scene.crossfade("revert", "--why", "bench"))
    for name in OURS:
        scene.release(**FAULTS[name].env)
        scene.row(name, lambda: scene.crossfade("promote"))
        scene.back()
    scene.release()
    scene.row("every pod deleted at 50 %", lambda: scene.at(50, scene.delete))
    scene.back()
    for weight in STEPS:
        scene.row(
            f"abort at {weight} %", lambda weight=weight: scene.at(weight, lambda: scene.crossfade("abort", "--why", "bench"))
        )
    for number in range(scene.aborts):
        scene.row(f"abort {number + 1} at 20 %", lambda: scene.at(STEPS[0], lambda: scene.crossfade("abort", "--why", "bench")))
    for weight in STEPS:
        scene.row(f"up and refresh at {weight} %", lambda weight=weight: scene.at(weight, scene.declared))
        scene.back()
    tight(scene.project.node)
    scene.row("node short of memory at 50 %", lambda: scene.at(50, scene.short))
    scene.back()
    for weight in STEPS:
        scene.row(f"driver killed at {weight} %", lambda weight=weight: scene.killed(weight))
        scene.back()


def switches(scene: Scene, count: int) -> str:
    """How long a write of weights takes until the meter has seen the new shares, under load."""
    service = Contract.from_json(scene.project.contract()).service("api")
    assert service.router is not None
    assert service.meter is not None
    seen = []
    target = {"api": Target(scene.project.front("api", "/prices"), scene.rate)}
    counter = meter(service.meter)
    seeing = Seeing(router(service.router), lambda: counter, SystemClock(), 10.0)
    with traffic(target, limit=400.0) as load:
        time.sleep(2)
        for number in range(count):
            share = 50 if number % 2 == 0 else 0
            began = time.monotonic()
            seeing.write({"blue": 100 - share, "green": share})
            seen.append(time.monotonic() - began)
            time.sleep(0.3)
        time.sleep(0.5)
    cuts = quantiles(seen, n=100, method="inclusive")
    summary = load.summary()["api"]
    lost = sum(summary.lost.values()) + sum(n for status, n in summary.statuses.items() if status >= SERVER_ERROR)
    return (
        f"{count} switches between 0 and 50 %, until the shares are seen: p50 {1000 * cuts[49]:.0f} ms, "
        f"p99 {1000 * cuts[98]:.0f} ms, max {1000 * max(seen):.0f} ms; of {summary.offered} requests {lost} lost or failed"
    )


@contextmanager
def stack() -> Iterator[KubeWorkshop]:
    """A node, a gateway and the trading system, blue on 3.9 live."""
    with ExitStack() as held:
        began = time.monotonic()
        node = held.enter_context(kube_node())
        print(f"cluster ready in {time.monotonic() - began:.1f} s; {memory(node)}", flush=True)
        gateway = held.enter_context(kube_gateway.gateway(node.api))
        for runtime in kube_trading.RUNTIMES:
            with tempfile.TemporaryDirectory() as folder:
                node.load(kube_trading.image(Path(folder), runtime))
        held.enter_context(names(node))
        project = held.enter_context(kube_workshop(node, gateway, "bench", PLAN, patient))
        held.enter_context(reached(node.api))
        began = time.monotonic()
        project.up()
        print(f"up from nothing in {time.monotonic() - began:.1f} s", flush=True)
        yield project


if __name__ == "__main__":
    main()
