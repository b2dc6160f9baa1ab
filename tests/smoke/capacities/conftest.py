"""Capacities of every kind, for the suite that all of them pass."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from cluster_said import NAMESPACE, SCALERS, STACK, Cluster, deployment, kubeconfig, scaler

from infra.contract import Backend
from smoke.capacities import CAPACITIES, capacity
from smoke.capacities.memory import MemoryCapacity
from smoke.clock import FakeClock
from smoke.seams import Capacity

SHOP = "api"


@dataclass
class Scaled:
    """A service of a cluster whose controllers act when they are told to."""

    cluster: Cluster = field(default_factory=Cluster)
    clock: FakeClock = field(default_factory=FakeClock)

    def declare(self, slot: str, replicas: int, least: int | None = None, most: int = 10) -> None:
        """A slot with so many pods, all ready; ``least`` and ``most`` are its autoscaler's, if it has one."""
        self.cluster.put("deployments", deployment(slot, replicas, SHOP))
        if least is not None:
            self.cluster.put(SCALERS, scaler(slot, least, most, SHOP))
        self.act()

    def act(self) -> None:
        """Until nothing is to be done any more."""
        for _ in range(3):
            self.cluster.act()

    def least(self) -> dict[str, int]:
        """The autoscalers' least numbers, by slot."""
        found = self.cluster.objects[SCALERS].values()
        return {each["metadata"]["labels"]["crossfade/slot"]: each["spec"]["minReplicas"] for each in found}

    def capacity(self, *, autoscale: bool = True) -> Capacity:
        """What a driver that was started just now uses."""
        settings = {"namespace": NAMESPACE, "stack": STACK, "service": SHOP, "autoscale": autoscale}
        return capacity(Backend("pods", settings), self.clock)


@pytest.fixture
def scaled() -> Iterator[Scaled]:
    """A service of which nothing is declared yet."""
    made = Scaled()
    with made.cluster.door() as address, kubeconfig(shop=address):
        yield made


@dataclass
class Any:
    """A capacity of one kind, of a service with four instances of blue and two of green; three more of each may come."""

    capacity: Capacity
    pods: Scaled | None

    def come(self) -> None:
        """What was asked for comes."""
        if self.pods is not None:
            self.pods.act()
            self.pods.clock.sleep(5.0)
        else:
            assert isinstance(self.capacity, MemoryCapacity)
            self.capacity.comes = True

    def shut(self) -> None:
        """Nobody answers any more."""
        if self.pods is not None:
            self.pods.cluster.refuses["GET deployments"] = 403
            self.pods.clock.sleep(5.0)
        else:
            assert isinstance(self.capacity, MemoryCapacity)
            self.capacity.broken = True


@pytest.fixture(params=CAPACITIES)
def any_capacity(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A capacity of each kind in the table."""
    if request.param == "memory":
        memory = MemoryCapacity({"blue": 4, "green": 2})
        memory.comes = False
        yield Any(memory, None)
        return
    pods = Scaled()
    with ExitStack() as stack:
        stack.enter_context(kubeconfig(shop=stack.enter_context(pods.cluster.door())))
        pods.declare("blue", 4, 2, 7)
        pods.declare("green", 2, 2, 7)
        yield Any(pods.capacity(), pods)
