"""The plan of a rollout: the steps, how long each is watched, and the gates. Read from the contract once; pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Self

from infra.contract import Json

_LATER = ("warm_up", "false_aborts", "false_passes", "approvals_last", "own_approval", "absence", "keep", "forward")
"""What the plans of earlier versions do not say."""


class Policy(Enum):
    """What happens when a step's limit is reached without a verdict."""

    HOLD = "hold"
    """Stop where we are and wait for a person, with a deadline."""
    BACK = "back"
    """Go back."""


@dataclass(frozen=True, slots=True)
class Step:
    """One station on the way: a share of traffic, and how it must be watched."""

    share: int
    """Percent of requests that the candidate gets, in every weighted service."""
    bake: float
    """Least watched seconds: only ticks in which both slots were seen count."""
    requests: int
    """Least requests that the candidate must have answered at this step, in each service that has a meter; 0: no evidence is
    asked for, and what speaks against the candidate still counts."""
    limit: float
    """Seconds of any kind after which the policy applies."""
    singletons: bool = False
    """Singletons work on the candidate from here on."""
    approvals: int = 0
    """Persons who must approve before the step begins."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the week in which a rollout may go forward."""

    days: tuple[int, ...]
    """Days on which it opens; Monday is 0."""
    start: int
    """Minutes of the day, 0 to 1439, by the clocks of the zone."""
    end: int
    """Minutes of the day, 0 to 1440; not after ``start``: it goes past midnight."""
    zone: str
    """Name in the tz database, as ``Europe/Berlin``."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which no rollout may go forward."""

    start: float
    """Seconds since 1970."""
    end: float
    """Seconds since 1970, from which on it may again."""
    why: str
    zone: str = "UTC"
    """Whose clocks people read it by."""


@dataclass(frozen=True, slots=True)
class Gates:
    """What must hold; see ``smoke.analysis``."""

    failures: int = 3
    """Consecutive failed readings of one probe that make a FAIL."""
    restarts: int = 0
    """Restarts of one placement during the rollout that are tolerated."""
    successes: int = 3
    """Consecutive good readings of each probe before the first shift."""
    errors: float = 0.01
    """Absolute objective: share of requests that may fail, 0 to 1."""
    p95_ms: float = 1000.0
    """Absolute objective: milliseconds that 95 % of requests must not exceed."""
    error_ratio: float = 2.0
    """The candidate's error rate may be this many times the live one's; 0: it is not compared."""
    error_margin: float = 0.001
    """Share of requests that may fail on top of that: too few to matter, 0 to 1."""
    latency_ratio: float = 1.05
    """The candidate's latency may be this many times the live one's; 0: it is not compared."""
    memory_ratio: float = 2.0
    """The candidate's resident memory may be this many times the live one's."""
    requests: int | None = None
    """Least requests at a step, in the place of the step's own number; 0: this service may pass unseen."""
    split: bool = True
    """Its requests that go by no name follow the weights, so that another share is a fault of the data plane."""

    def needed(self, step: Step) -> int:
        """Requests that the candidate must have answered at a step; 0: no evidence is asked for."""
        return step.requests if self.requests is None or not step.requests else self.requests


@dataclass(frozen=True, slots=True)
class Traffic:
    """Synthetic open-loop traffic through the front door, for a stack without users."""

    rate: float
    """Requests a second."""
    path: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order and everything that is the same for all of them."""

    steps: tuple[Step, ...]
    gates: Gates
    """Of every service that has none of its own."""
    own: Mapping[str, Gates] = field(default_factory=dict)
    """By service: its own gates, whole."""
    tick: float = 0.25
    """Seconds between looks."""
    warm_up: float = 0.0
    """Seconds of the first step in which what is counted is no evidence: caches fill."""
    prove: float = 60.0
    """Seconds that the candidate has to become healthy before it gets any traffic."""
    blind: float = 10.0
    """Seconds without sight before we go back."""
    hold: float = 3600.0
    """Seconds that a held rollout waits for a person before it goes back."""
    policy: Policy = Policy.HOLD
    false_aborts: float = 0.01
    """Greatest probability that a rollout is taken back whose candidate is as good as allowed."""
    false_passes: float = 0.05
    """Greatest probability, for each test of each step, that a candidate worse than allowed passes."""
    traffic: Mapping[str, Traffic] | None = None
    """By service; None where the stack has users of its own."""
    windows: tuple[Window, ...] = ()
    """When it may go forward; none: always."""
    freezes: tuple[Freeze, ...] = ()
    """When it may not, whatever the windows say."""
    approvals_last: float = 3600.0
    """Seconds for which an approval counts."""
    own_approval: bool = True
    """Whether whoever began the rollout may approve it."""
    absence: float = 60.0
    """Seconds that a rollout may be without a driver before the watchdog takes it back."""
    keep: float = 86400.0
    """Seconds for which the slot that was live stays warm after a promotion; ``retire`` before that is refused."""
    forward: bool = False
    """The live slot is known to be broken: it is not asked to be well, and the candidate is not compared with it."""

    def gates_of(self, service: str) -> Gates:
        """The gates that a service must pass."""
        return self.own.get(service, self.gates)

    def to_json(self) -> Mapping[str, Json]:
        """The form that the contract and the journal carry; ``from_json`` reads it back to an equal value."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "gates": asdict(self.gates),
            "own": {service: asdict(gates) for service, gates in self.own.items()},
            "tick": self.tick,
            "prove": self.prove,
            "blind": self.blind,
            "hold": self.hold,
            "policy": self.policy.value,
            "traffic": {name: {"rate": t.rate, "path": t.path} for name, t in (self.traffic or {}).items()},
            "windows": [{**asdict(window), "days": list(window.days)} for window in self.windows],
            "freezes": [asdict(freeze) for freeze in self.freezes],
            **{key: getattr(self, key) for key in _LATER},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> Self:
        """Read what ``to_json`` or ``infra.config`` wrote, which is valid; what an earlier version did not know is default."""
        rest = {key: document[key] for key in ("tick", "prove", "blind", "hold")}
        rest |= {key: document[key] for key in _LATER if key in document}
        return cls(
            steps=tuple(Step(**step) for step in document["steps"]),
            gates=Gates(**document["gates"]),
            own={service: Gates(**gates) for service, gates in document.get("own", {}).items()},
            policy=Policy(document["policy"]),
            traffic={name: Traffic(**each) for name, each in document["traffic"].items()},
            windows=tuple(Window(**{**each, "days": tuple(each["days"])}) for each in document.get("windows", ())),
            freezes=tuple(Freeze(**each) for each in document.get("freezes", ())),
            **rest,
        )
