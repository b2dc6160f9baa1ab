"""Hand-overs of every kind, for the suite that all of them pass."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_said import NAMESPACE, SERVICE, STACK, Cluster, deployment, kubeconfig

from infra.contract import Backend
from smoke.clock import SystemClock
from smoke.handovers import HANDOVERS, handover
from smoke.seams import Handover
from tests.smoke.handovers.stage import SLOTS, Stage


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Stage]:
    """A fence that names blue, by token 1; no process runs."""
    with Stage(tmp_path) as stage:
        stage.name("blue", 1)
        yield stage


@pytest.fixture
def stage(empty: Stage) -> Stage:
    """A fence with a process in each slot; blue works."""
    for slot in SLOTS:
        empty.start(slot)
    empty.more_orders("blue", 1)
    return empty


@pytest.fixture
def scaled() -> Iterator[Backend]:
    """A singleton of a cluster whose controllers act by themselves; blue works."""
    cluster = Cluster()
    for slot, replicas in (("blue", 1), ("green", 0)):
        cluster.put("deployments", deployment(slot, replicas))
    names = {"blue": f"{SERVICE}-blue", "green": f"{SERVICE}-green"}
    with cluster.acting(), cluster.door() as address, kubeconfig(shop=address):
        settings = {"namespace": NAMESPACE, "stack": STACK, "service": SERVICE, "deployments": names, "timeout": 60.0}
        yield Backend("scale", settings)


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.processes if kind == "file" else ()) for kind in HANDOVERS])
def any_handover(request: pytest.FixtureRequest) -> Handover:
    """A hand-over of each kind in the table, with slots blue and green and blue at work."""
    backends = {
        "memory": lambda: Backend("memory", {}),
        "file": lambda: request.getfixturevalue("stage").backend(),
        "scale": lambda: request.getfixturevalue("scaled"),
    }
    return handover(backends[request.param](), SystemClock())
