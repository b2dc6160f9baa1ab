"""Two drivers at once, and one that dies: however their requests fall, there are never two pods."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from cluster_said import Cluster, deployment, kubeconfig
from hypothesis import given, settings
from hypothesis import strategies as some

from smoke.clock import FakeClock
from smoke.errors import HandoverError
from smoke.handovers.scale import ScaleHandover
from tests.smoke.handovers.test_scale import SETTINGS

Calls = Sequence[tuple[str, str]]
ACTS = some.lists(some.sampled_from(["declare", "replicate", "begin", "end", "nothing"]), max_size=20)
CALLS = some.lists(
    some.tuples(some.sampled_from(["release", "hold"]), some.sampled_from(["blue", "green"])), min_size=1, max_size=3
)
OVER, BACK = (("release", "blue"), ("hold", "green")), (("release", "green"), ("hold", "blue"))


@dataclass
class Race:
    """A cluster that acts in this order while somebody waits, and by itself once that is done."""

    held: ExitStack
    acts: list[str]
    cluster: Cluster = field(default_factory=Cluster)
    doors: dict[str, str] = field(default_factory=dict)

    def begin(self, before: Callable[[], bool]) -> None:
        """Have doors for a driver whose requests are preceded by that, and for everybody else."""
        for slot, replicas in (("blue", 1), ("green", 0)):
            self.cluster.put("deployments", deployment(slot, replicas))
        self.cluster.act()
        for name, first in (("first", before), ("other", lambda: True)):
            self.doors[name] = self.held.enter_context(self.cluster.door(first))
        self.held.enter_context(kubeconfig(**self.doors))

    def drive(self, context: str, calls: Calls) -> None:
        """Do what a driver does, and go on after what fails."""
        clock = FakeClock()
        clock.on_sleep(lambda _: self._act())
        handover = ScaleHandover({**SETTINGS, "context": context, "timeout": 1.0}, clock)
        for call, slot in calls:
            with suppress(HandoverError):
                getattr(handover, call)(slot)

    def _act(self) -> None:
        what = self.acts.pop(0) if self.acts else "all"
        if what != "nothing":
            self.cluster.act(what)


def judge(race: Race) -> None:
    """There were never two pods; and whoever comes then can have the work where it belongs."""
    race.acts.clear()
    for calls, slot in ((OVER, "green"), (BACK, "blue")):
        race.drive("other", calls)
        pods = race.cluster.objects["pods"].values()
        assert [pod["metadata"]["labels"]["crossfade/slot"] for pod in pods] == [slot]
    assert race.cluster.most <= 1


@settings(max_examples=25)
@given(at=some.integers(0, 24), mine=CALLS | some.just(OVER), others=CALLS | some.just(BACK), acts=ACTS)
def test_two_drivers_never_have_two_at_work(at: int, mine: Calls, others: Calls, acts: list[str]) -> None:
    """Between any two requests of one driver another may do all of its own: no two pods are there at once."""
    with ExitStack() as held:
        race, asked = Race(held, acts), []

        def before() -> bool:
            asked.append(1)
            if len(asked) == at + 1:
                race.drive("other", others)
            return True

        race.begin(before)
        race.drive("first", mine)
        judge(race)


@settings(max_examples=25)
@given(at=some.integers(0, 24), mine=CALLS | some.just(OVER), acts=ACTS)
def test_a_driver_that_dies_leaves_what_goes_on(at: int, mine: Calls, acts: list[str]) -> None:
    """Whatever its last request was, the next driver has the work where it wants it, and no two pods are there at once."""
    with ExitStack() as held:
        race, asked = Race(held, acts), []

        def before() -> bool:
            asked.append(1)
            return len(asked) <= at

        race.begin(before)
        race.drive("first", mine)
        judge(race)
