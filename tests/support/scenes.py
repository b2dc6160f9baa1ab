"""What scenarios share: a smaller project, a patient plan, and users who count what they lose."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workshop import PLAN, Workshop

from smoke.traffic import Running, Target, traffic

# A machine that does other things too is slow to prove anything; what is tested here is never that.
PATIENT: Mapping[str, Any] = {
    **PLAN,
    "steps": [50, 100],
    "prove": "2m",
    "limit": "2m",
    "traffic": {"api": {"rate": 60, "path": "/prices"}},
    "gates": {"latency_ratio": 20, "p95": "5s", "errors": 0.1, "error_margin": 0.1, "failures": 10},
}
QUIET: Mapping[str, Any] = {key: value for key, value in PATIENT.items() if key != "traffic"}
"""The same where nobody comes but those whom a test sends."""
BACK = ["aborted", "cleared", "reverted"]
"""What happens once somebody aborts."""


@contextmanager
def users(project: Workshop, rates: Mapping[str, float] | None = None, record: Path | None = None) -> Iterator[Running]:
    """Somebody asks the services, 50 times a second the API unless said; what became of each request is counted, or recorded."""
    paths = {"dashboard": "/_stcore/health"}
    wanted = rates or {"api": 50.0}
    targets = {name: Target(project.front(name, paths.get(name, "/prices")), rate) for name, rate in wanted.items()}
    with traffic(targets, limit=400.0, record=record) as load:
        yield load


def unserved(load: Running) -> dict[str, int]:
    """How many requests were lost, or answered by anything but 200, by service and by what became of them."""
    bad: dict[str, int] = {}
    for service, seen in load.summary().items():
        assert seen.answered, f"nobody was answered by {service}"
        bad |= {f"{service}: {reason}": count for reason, count in seen.lost.items()}
        bad |= {f"{service}: {status}": count for status, count in seen.statuses.items() if status != 200}
    return bad
