"""The same rollouts on processes and in containers: what is lost, and whether the same happens.

``python bench/containers.py --rate 500``, as root. Images of both runtimes are built with an empty cache; an ``up`` more.
Then on both targets, under the same load: each fault of the example switched on in green, a promotion and a way back. Ends with
what differs between their journals. Nothing is drawn by chance.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVER_ERROR = 500
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "engine"), str(ROOT)]

from docker_host import RUNNING, DockerHost, docker_host
from docker_workshop import DockerWorkshop, docker_workshop
from test_faults import FAULTS, PLAN
from workshop import Workshop, workshop

from infra.contract import Contract
from smoke.meters import meter
from smoke.traffic import Target, traffic

Events = dict[str, list[str]]


def main() -> None:
    """Run it, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--warm", action="store_true", help="leave the builder's cache as it is")
    asked = parser.parse_args()
    with _host() as host:
        print("| target | what | exit | sent | lost | 5xx, and the candidate's own | events, or the reason |")
        print("|" + " --- |" * 7)
        with workshop(plan=PLAN) as project:
            project.up()
            local = _rollouts("local", project, asked.rate)
        with docker_workshop(host, PLAN, _unlimited) as made:
            built = _built(made, cold=not asked.warm)
            docker = _rollouts("docker", made, asked.rate)
    print(f"\n{built}\n")
    for name in local:
        same = "the same events" if local[name] == docker[name] else f"local {local[name]}, docker {docker[name]}"
        print(f"- {name}: {same}")


@contextmanager
def _host() -> Iterator[DockerHost]:
    if (running := os.environ.get(RUNNING)) is not None:
        yield DockerHost.of(running)
        return
    with docker_host() as host:
        yield host


def _unlimited(project: DockerWorkshop) -> None:
    for service in project.settings["services"].values():
        del service["memory"]


def _built(project: DockerWorkshop, *, cold: bool) -> str:
    """How long an ``up`` takes from nothing, once more, and after a line changed, and how large the images are."""
    if cold:
        project.host.docker("buildx", "prune", "--all", "--force")
    first, second = _timed(project), _timed(project)
    lines = project.listed(
        "images", "--filter", f"label=crossfade.home={project.home}", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}"
    )
    sizes = ", ".join(line for line in lines if "-" in line.partition(":")[2].split()[0])
    return f"first up {first:.1f} s{'' if cold else ', with a cache'}; second {second:.1f} s; images: {sizes}"


def _timed(project: DockerWorkshop) -> float:
    began = time.monotonic()
    project.up()
    return time.monotonic() - began


def _rollouts(target: str, project: Workshop, rate: float) -> Mapping[str, list[str]]:
    """Events by name of the rollout; a row of the table for each."""
    found: Events = {}
    for name, fault in FAULTS.items():
        project.slot("green", runtime="py312", **fault.env)
        project.up()
        found[name] = _row(target, name, project, rate, "promote")
    project.slot("green", runtime="py312")
    project.up()
    found["none"] = _row(target, "none", project, rate, "promote")
    found["back"] = _row(target, "way back", project, rate, "revert", "--why", "bench")
    return found


def _row(target: str, name: str, project: Workshop, rate: float, *words: str) -> list[str]:
    before = _failed(project)
    targets = {"api": Target(project.front("api", "/prices"), rate), "dashboard": Target(project.front("dashboard"), 40.0)}
    with traffic(targets, limit=200.0) as load:
        code = project.crossfade(*words, expected=None).returncode
    seen, own = load.summary()["api"], _failed(project) - before
    errors = sum(count for status, count in seen.statuses.items() if status >= SERVER_ERROR)
    events, report = project.events(), project.report()
    said = report["because"][-1][:100] if code else ", ".join(events)
    print(f"| {target} | {name} | {code} | {seen.offered} | {sum(seen.lost.values())} | {errors}, {own} | {said} |", flush=True)
    return events


def _failed(project: Workshop) -> int:
    """Requests of green that failed, as the proxy counted them."""
    service = Contract.from_json(project.contract()).service("api")
    assert service.meter is not None
    slots = meter(service.meter).read().slots
    return slots["green"].errors if "green" in slots else 0


if __name__ == "__main__":
    main()
