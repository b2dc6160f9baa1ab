"""A simulated stack for the driver: real core, real driver, real memory backends, and a clock that jumps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from smoke.capacities.memory import MemoryCapacity
from smoke.clock import FakeClock
from smoke.driver import Driver, World
from smoke.errors import HandoverError, MeterError
from smoke.journals import MemoryJournal, MemoryMailbox
from smoke.model import Answer, Counts, Reading, Sample
from smoke.plan import Gates, Plan, Policy, Step
from smoke.rollout import Opened, Rollout, apply, from_record, replay, to_record
from smoke.rollout.tick import Listener, Tick
from smoke.routers.memory import MemoryRouter
from smoke.stack import MemoryStack

EDGES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, float("inf"))


@dataclass
class Side:
    """How one slot behaves; a test changes it at any time."""

    errors: float = 0.0
    latency_ms: float = 5.0
    well: bool = True
    impostor: bool = False
    started: int = 1
    version: str = "v"


class FrontDoor:
    """A meter whose counts follow from the weights, the rate and the sides; no chance in it."""

    def __init__(self, clock: FakeClock, router: MemoryRouter, sides: Mapping[str, Side], rate: float) -> None:
        self._router, self._sides, self._rate = router, sides, rate
        self._clock = clock
        self._seen = dict.fromkeys(sides, 0.0)
        self._bad = dict.fromkeys(sides, 0.0)
        self._slow = {slot: dict.fromkeys(EDGES, 0.0) for slot in sides}
        self._at = clock.now()
        self.blind = False
        clock.on_sleep(self._serve)

    def _serve(self, now: float) -> None:
        passed, self._at = now - self._at, now
        for slot, side in self._sides.items():
            count = passed * self._rate * self._router.weights.get(slot, 0) / 100
            self._seen[slot] += count
            self._bad[slot] += count * side.errors
            for edge in EDGES:
                self._slow[slot][edge] += count if side.latency_ms <= edge else 0

    def read(self) -> Sample:
        """Counts so far, as whole requests."""
        if self.blind:
            raise MeterError("the meter is off, as scripted")
        slots = {
            slot: Counts(
                int(self._seen[slot]),
                int(self._bad[slot]),
                tuple((edge, int(self._slow[slot][edge])) for edge in EDGES),
            )
            for slot in self._sides
        }
        return Sample(self._clock.now(), slots)


class Probes:
    """A sampler that reads the sides once a look."""

    def __init__(self, clock: FakeClock, sides: Mapping[str, Side]) -> None:
        self._clock, self._sides = clock, sides

    def look(self) -> tuple[Reading, ...]:
        """One reading of each side."""
        return tuple(self._read(slot, side) for slot, side in self._sides.items())

    def _read(self, slot: str, side: Side) -> Reading:
        answer = Answer.OK if side.well and not side.impostor else Answer.FAILED
        detail = "status 200" if side.well else "connection refused"
        return Reading(
            "api", slot, "http /", answer, detail, self._clock.now(), side.version, side.impostor, f"{slot}-{side.started}"
        )


@dataclass
class Fence:
    """A hand-over that keeps who was at work, and fails on request."""

    at_work: str | None = "blue"
    fails: int = 0
    idle: set[str] = field(default_factory=set)
    """Slots whose process does not say that it works, although it may."""
    history: list[str] = field(default_factory=list)

    def hold(self, slot: str) -> None:
        """Grant the work, unless another has it."""
        if self.at_work not in {None, slot}:
            raise HandoverError(f"{self.at_work} still works")
        if self.fails and slot == "green":
            self.fails -= 1
            raise HandoverError("green did not say that it works, as scripted")
        self.at_work = slot
        self.history.append(slot)
        if slot in self.idle:
            raise HandoverError(f"{slot} is not connected to what it works on")

    def release(self, slot: str) -> None:
        """Take the work away."""
        self.at_work = None if self.at_work == slot else self.at_work

    def holder(self) -> str | None:
        """Who is at work."""
        return self.at_work


class Simulation:
    """Everything a driver needs, and every knob that a test may turn."""

    def __init__(self, rate: float = 200.0) -> None:
        self.clock = FakeClock()
        self.sides = {"blue": Side(), "green": Side()}
        self.router = MemoryRouter()
        self.meter = FrontDoor(self.clock, self.router, self.sides, rate)
        self.fence = Fence()
        self.capacity = MemoryCapacity()
        self.reverts = True
        self.stack = MemoryStack(contract=None)  # type: ignore[arg-type] - never asked here
        self.mailbox = MemoryMailbox()
        self.journal = MemoryJournal(self.clock)
        self.ticks: list[Tick] = []
        self.opened = OPENED
        self.listeners: list[Listener] = [self.ticks.append]

    def world(self) -> World:
        """What the driver acts on."""
        return World(
            routers={"api": self.router},
            meters={"api": self.meter},
            handovers={"agent": self.fence},
            sampler=Probes(self.clock, self.sides),
            probes=(("api", "http /"),),
            stack=self.stack,
            mailbox=self.mailbox,
            capacities={"api": self.capacity},
            reverts=self.reverts,
        )

    def run(self) -> Rollout:
        """Drive to the end; begins, or goes on where the journal says."""
        name = self.opened.rollout
        with self.journal.open(name) as writer:
            if not self.journal.records(name):
                writer.append(to_record(self.opened))
            rollout = replay(from_record(record) for record in self.journal.records(name))
            assert rollout is not None
            return Driver(self.world(), writer, self.clock, self.listeners).run(rollout)

    def told(self) -> Rollout:
        """What the journal alone says."""
        rollout = None
        for record in self.journal.records(self.opened.rollout):
            rollout = apply(rollout, from_record(record))
        assert rollout is not None
        return rollout


PLAN = Plan(
    steps=(
        Step(5, bake=5.0, requests=20, limit=60.0),
        Step(50, bake=5.0, requests=100, limit=60.0),
        Step(100, bake=10.0, requests=100, limit=60.0),
        Step(100, bake=5.0, requests=0, limit=60.0, singletons=True),
    ),
    gates=Gates(errors=0.05, error_margin=0.05),
    prove=10.0,
    blind=5.0,
    hold=30.0,
    policy=Policy.BACK,
)
OPENED = Opened(
    at=1_700_000_000.0,
    rollout="0001-abc",
    live="blue",
    candidate="green",
    release="abc",
    plan=PLAN,
    services=("api",),
    singletons=("agent",),
    inputs={},
    back={"api": {"runtime": "py39"}},
    by="me@here",
    born="once",
    queries={"api": "scripted {}"},
)
