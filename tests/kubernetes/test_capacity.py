"""Autoscalers that a rollout holds, by the real Pulumi, a real API server and the controllers. Pods do not run."""

from collections.abc import Iterator

import pytest
from kube_api import Api
from machine import wait_for

from infra.contract import Backend, Contract
from infra.contract.pods import HELD
from smoke.capacities import capacity
from smoke.clock import SystemClock
from smoke.seams import Capacity
from tests.kubernetes.test_declaring import ClusterWorkshop, in_cluster

pytestmark = pytest.mark.engine
LIMIT = 60.0
"""Seconds that controllers may take."""


@pytest.fixture(name="stack", scope="module")
def _stack(kube_controlled: Api) -> Iterator[ClusterWorkshop]:
    """A stack whose API has an autoscaler for each slot; somebody has given blue, which is live, five pods."""
    with in_cluster(kube_controlled, "held") as made:
        made.settings["services"]["api"] |= {"autoscale": {"max": 8}, "cpus": 0.1}
        made.save()
        made.up()
        made.api.kubectl("scale", "deployment", "api-blue", "--replicas", "5", "-n", "held")
        yield made


@pytest.fixture(name="held")
def _held(stack: ClusterWorkshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Capacity]:
    """What a driver uses."""
    monkeypatch.setenv("KUBECONFIG", str(stack.api.kubeconfig))
    contract = Contract.from_json(stack.contract())
    backend = contract.service("api").capacity
    assert backend is not None
    made = capacity(Backend(backend.kind, backend.settings), SystemClock())
    yield made
    made.free()


def _least(stack: ClusterWorkshop) -> dict[str, int]:
    return {slot: stack.get("horizontalpodautoscaler", f"api-{slot}")["spec"]["minReplicas"] for slot in ("blue", "green")}


def test_a_share_is_given_pods_before_requests(stack: ClusterWorkshop, held: Capacity) -> None:
    """Half of what blue has is asked for of green's autoscaler, which makes pods though no request came; blue's own stay."""
    missing = held.hold("blue", "green", 50)

    assert missing == "0 of 3 pods that 50 % ask for are ready"
    assert _least(stack) == {"blue": 5, "green": 3}
    wait_for(lambda: stack.counts("api") == {"blue": 5, "green": 3}, "three pods of green are asked for", limit=LIMIT, pause=0.2)


def test_pulumi_leaves_alone_what_is_held(stack: ClusterWorkshop, held: Capacity) -> None:
    """While it is held `up` changes nothing, nor after a refresh; freed, both have their own numbers again, for `up` too."""
    held.hold("blue", "green", 100)
    least = _least(stack)
    first = stack.changes()
    stack.pulumi("refresh", "--yes", "--skip-preview", "--suppress-outputs")
    second = stack.changes()
    after = _least(stack)
    held.free()
    freed = _least(stack)
    notes = [stack.get("horizontalpodautoscaler", f"api-{slot}")["metadata"].get("annotations", {}) for slot in ("blue", "green")]
    last = stack.changes()

    assert (first, second) == ({}, {})
    assert least == after == {"blue": 5, "green": 5}
    assert freed == {"blue": 2, "green": 2}
    assert not any(HELD in each for each in notes)
    assert stack.changes() == {}, f"{last} was not enough"
    assert _least(stack) == {"blue": 2, "green": 2}
