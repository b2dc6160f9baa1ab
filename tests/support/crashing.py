"""A release of two services and two singletons in a simulated stack, whose driver can be killed at every append and every effect.

A kill is an exception that nothing in the product catches, raised right before or right after what it names; whoever comes next
knows what the journal and the world say, and nothing else. The real thing, by signal and process, is in ``tests/engine``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from simulation import OPENED, Fence, FrontDoor, Probes, Side

from smoke.clock import FakeClock
from smoke.driver import Driver, World
from smoke.errors import DeployError
from smoke.journals import MemoryJournal, MemoryMailbox
from smoke.model import Reading
from smoke.plan import Gates, Plan, Policy, Step
from smoke.rollout import Event, Phase, Retried, Rollout, from_record, replay, to_record
from smoke.routers.memory import MemoryRouter

SERVICES = ("api", "web")
PLAN = Plan(
    steps=(
        Step(10, bake=3.0, requests=20, limit=30.0),
        Step(100, bake=3.0, requests=50, limit=30.0, approvals=1),
        Step(100, bake=2.0, requests=0, limit=30.0, singletons=True),
    ),
    gates=Gates(errors=0.05, error_margin=0.05, latency_ratio=0.0),
    tick=0.5,
    prove=5.0,
    blind=3.0,
    hold=60.0,
    policy=Policy.BACK,
)
AWAY = 2.0
"""Seconds until somebody goes on with a rollout whose driver was killed."""
BOUND = 400.0
"""Seconds within which every rollout has ended, whatever happened to it."""


class Killed(BaseException):
    """The driver is gone. No ``except Exception`` of the product sees it."""


@dataclass
class Fate:
    """Counts the points at which a driver can die, and lets it die at those that are named."""

    kills: frozenset[int] = frozenset()
    points: int = 0
    names: list[str] = field(default_factory=list)

    def pass_by(self, name: str) -> None:
        """Go past a point, or die there."""
        here, self.points = self.points, self.points + 1
        self.names.append(name)
        if here in self.kills:
            raise Killed

    def around(self, name: str, act: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the act returns
        """Do something between two points."""
        self.pass_by(f"before {name}")
        done = act()
        self.pass_by(f"after {name}")
        return done


class Stack:
    """Goes back as often as it is asked, once it works."""

    def __init__(self) -> None:
        self.reverted: list[str] = []
        self.broken = 0
        """How often it fails first; below 0: always."""

    def revert(self, slot: str, inputs: Mapping[str, Any]) -> str:
        """Go back, or fail."""
        del inputs
        if self.broken:
            self.broken -= 1
            raise DeployError("the stack fails, as scripted")
        self.reverted.append(slot)
        return "nothing differs"

    def busy(self) -> str | None:
        """Nobody."""
        return None


class Several:
    """The probes of every service."""

    def __init__(self, clock: FakeClock, sides: Mapping[str, Side]) -> None:
        self._one = Probes(clock, sides)

    def look(self) -> tuple[Reading, ...]:
        """One reading of each side of each service."""
        return tuple(replace(reading, service=service) for service in SERVICES for reading in self._one.look())


class Wrapped:
    """Calls of a seam, each between two points of fate."""

    def __init__(self, inner: Any, fate: Fate, name: str, acts: Sequence[str]) -> None:  # noqa: ANN401 - any backend
        self._inner, self._fate, self._name, self._acts = inner, fate, name, acts

    def __getattr__(self, act: str) -> Any:  # noqa: ANN401 - dito
        found = getattr(self._inner, act)
        if act not in self._acts:
            return found
        return lambda *words: self._fate.around(f"{self._name}.{act}", lambda: found(*words))


class Ordeal:
    """One rollout, what happens to it, and who drives it."""

    def __init__(self, kills: Sequence[int] = (), plan: Plan = PLAN) -> None:
        self.fate = Fate(frozenset(kills))
        self.clock = FakeClock()
        self.sides = {"blue": Side(), "green": Side()}
        self.routers = {service: MemoryRouter() for service in SERVICES}
        self.meters = {service: FrontDoor(self.clock, router, self.sides, 200.0) for service, router in self.routers.items()}
        self.fences = {name: Fence() for name in ("agent", "clerk")}
        self.stack = Stack()
        self.mailbox = MemoryMailbox()
        self.journal = MemoryJournal(self.clock)
        self.opened = replace(OPENED, plan=plan, services=SERVICES, singletons=tuple(self.fences))
        self.deaths = 0
        self.faults: list[str] = []
        """What must never be and was."""
        self._approve()
        self._guard()

    # What people do

    def post(self, verb: str, by: str = "me@here") -> None:
        """Ask something of the rollout."""
        self.mailbox.post(self.opened.rollout, {"verb": verb, "by": by, "why": "as scripted", "at": self.clock.wall() + 0.001})

    def once(self, when: Callable[[], bool], act: Callable[[], None]) -> None:
        """Do something at the first moment at which something holds."""
        done: list[bool] = []

        def listen(now: float) -> None:
            del now
            if not done and when():
                done.append(True)
                act()

        self.clock.on_sleep(listen)

    def at(self, share: int, seconds: float, act: Callable[[], None]) -> None:
        """Do something once the candidate has had that share for some seconds."""
        since: list[float] = []

        def long_enough() -> bool:
            if self.routers["web"].weights["green"] == share:
                since.append(self.clock.now())
            return bool(since) and self.clock.now() - since[0] >= seconds

        self.once(long_enough, act)

    def _approve(self) -> None:
        self.at(10, 5.0, lambda: self.post("approve", "you@there"))

    # What must hold at every moment

    def _guard(self) -> None:
        def watch(now: float) -> None:
            if now > BOUND:
                self.faults.append("it does not end")
                raise Killed
            self.faults += [f"{name} weighs {dict(each.weights)}" for name, each in self.routers.items() if _total(each) != 100]

        self.clock.on_sleep(watch)

    def _write_checked(self, service: str, weights: Mapping[str, int], keep: Any = ()) -> None:  # noqa: ANN401 - slots
        told = [record["event"] for record in self.journal.records(self.opened.rollout)]
        if weights["green"] and {"failed", "aborted"} & {*told}:
            self.faults.append(f"{service} gives green {weights['green']} % after a recorded {told[-1]}")
        self.routers[service].write(weights, keep)

    # Who drives

    def run(self) -> Rollout:
        """Drive to the end; whoever is killed has a successor a little later. What is stuck is mended, and tried again."""
        while True:
            try:
                end = self._drive()
            except Killed:
                self.deaths += 1
                if self.clock.now() > BOUND:
                    return self.told()
                self.clock.sleep(AWAY)
                continue
            if end.phase is not Phase.STUCK:
                return end
            self.stack.broken = 0
            with suppress(Killed), self.journal.open(self.opened.rollout) as writer:
                Wrapped(writer, self.fate, "journal", ["append"]).append(to_record(Retried(self.clock.wall(), "me@here")))

    def _drive(self) -> Rollout:
        name = self.opened.rollout
        with self.journal.open(name) as inner:
            writer = Wrapped(inner, self.fate, "journal", ["append"])
            if not self.journal.records(name):
                writer.append(to_record(self.opened))
            known = self.events()
            rollout = replay(known)
            assert rollout is not None
            return Driver(self._world(), writer, self.clock).run(rollout, known)

    def _world(self) -> World:
        fate = self.fate
        return World(
            routers={service: Wrapped(_Checked(self, service), fate, service, ["write"]) for service in SERVICES},
            meters=self.meters,
            handovers={name: Wrapped(each, fate, name, ["hold", "release"]) for name, each in self.fences.items()},
            sampler=Several(self.clock, self.sides),
            probes=tuple((service, "http /") for service in SERVICES),
            stack=Wrapped(self.stack, fate, "stack", ["revert"]),
            mailbox=self.mailbox,
        )

    def events(self) -> list[Event]:
        """What the journal says."""
        return [from_record(record) for record in self.journal.records(self.opened.rollout)]

    def told(self) -> Rollout:
        """The rollout by the journal alone."""
        rollout = replay(self.events())
        assert rollout is not None
        return rollout

    def ending(self) -> tuple[object, ...]:
        """How it ended, as users and people see it."""
        return (
            self.told().phase,
            *(tuple(sorted(each.weights.items())) for each in self.routers.values()),
            *(fence.at_work for fence in self.fences.values()),
            bool(self.stack.reverted),
        )


@dataclass
class _Checked:
    """A router that is watched."""

    ordeal: Ordeal
    service: str

    def write(self, weights: Mapping[str, int], keep: Any = ()) -> None:  # noqa: ANN401 - slots
        """Set them, and see whether they may be set."""
        self.ordeal._write_checked(self.service, weights, keep)  # noqa: SLF001 - a part of it

    def read(self) -> Mapping[str, int]:
        """The weights."""
        return self.ordeal.routers[self.service].read()


def _total(router: MemoryRouter) -> int:
    return sum(router.weights.values())


Scenario = Callable[[Ordeal], None]


def _green(**change: Any) -> Callable[[Ordeal], Callable[[], None]]:  # noqa: ANN401 - any field of a side
    def turn(ordeal: Ordeal) -> Callable[[], None]:
        def act() -> None:
            for name, value in change.items():
                setattr(ordeal.sides["green"], name, value)

        return act

    return turn


def _blind(ordeal: Ordeal) -> None:
    for meter in ordeal.meters.values():
        meter.blind = True


def _pause(ordeal: Ordeal) -> None:
    ordeal.post("pause")
    then = ordeal.clock.now()
    ordeal.once(lambda: ordeal.clock.now() > then + 6.0, lambda: ordeal.post("resume"))


def _refused_work(ordeal: Ordeal) -> None:
    ordeal.fences["clerk"].fails = 10


def _broken_stack(times: int) -> Scenario:
    def scenario(ordeal: Ordeal) -> None:
        ordeal.stack.broken = times
        ordeal.at(100, 2.0, _green(errors=0.5)(ordeal))

    return scenario


def _deaf(ordeal: Ordeal) -> None:
    ordeal.opened = replace(ordeal.opened, plan=replace(ordeal.opened.plan, own_approval=False), by="you@there")


SCENARIOS: Mapping[str, tuple[Scenario, Phase]] = {
    "good": (lambda _: None, Phase.PROMOTED),
    "never well": (lambda ordeal: _green(well=False)(ordeal)(), Phase.ROLLED_BACK),
    "an impostor": (lambda ordeal: _green(impostor=True)(ordeal)(), Phase.ROLLED_BACK),
    "errors at 10 %": (lambda ordeal: ordeal.at(10, 1.0, _green(errors=0.5)(ordeal)), Phase.ROLLED_BACK),
    "errors at 100 %": (lambda ordeal: ordeal.at(100, 2.0, _green(errors=0.5)(ordeal)), Phase.ROLLED_BACK),
    "down at 100 %": (lambda ordeal: ordeal.at(100, 2.0, _green(well=False)(ordeal)), Phase.ROLLED_BACK),
    "restarts at 10 %": (lambda ordeal: ordeal.at(10, 2.0, _green(started=2)(ordeal)), Phase.ROLLED_BACK),
    "blind at 10 %": (lambda ordeal: ordeal.at(10, 1.0, lambda: _blind(ordeal)), Phase.ROLLED_BACK),
    "refuses the work": (_refused_work, Phase.ROLLED_BACK),
    "aborted at 10 %": (lambda ordeal: ordeal.at(10, 1.0, lambda: ordeal.post("abort")), Phase.ROLLED_BACK),
    "aborted at the hand-over": (
        lambda ordeal: ordeal.once(lambda: ordeal.fences["clerk"].at_work == "green", lambda: ordeal.post("abort")),
        Phase.ROLLED_BACK,
    ),
    "paused and resumed": (lambda ordeal: ordeal.at(10, 1.0, lambda: _pause(ordeal)), Phase.PROMOTED),
    "never approved": (_deaf, Phase.ROLLED_BACK),
    "the stack fails for a while": (_broken_stack(5), Phase.ROLLED_BACK),
    "the stack fails until it is mended": (_broken_stack(-1), Phase.ROLLED_BACK),
}
"""By name: what happens, and how it ends with or without kills."""


def crash(name: str, kills: Sequence[int]) -> tuple[Ordeal, Phase]:
    """One scenario with its driver killed at these points; returns it as it ended, and how it had to end."""
    scenario, wanted = SCENARIOS[name]
    ordeal = Ordeal(kills)
    scenario(ordeal)
    ordeal.run()
    return ordeal, wanted


def wrongs(name: str, kills: Sequence[int]) -> Iterator[str]:
    """What went wrong, in one sentence each."""
    ordeal, wanted = crash(name, kills)
    live = "green" if wanted is Phase.PROMOTED else "blue"
    weights = tuple(sorted({"blue": 0, "green": 0, live: 100}.items()))
    right = (wanted, weights, weights, live, live, wanted is Phase.ROLLED_BACK)
    yield from ordeal.faults
    if ordeal.ending() != right:
        yield f"ended as {ordeal.ending()}, not as {right}"
