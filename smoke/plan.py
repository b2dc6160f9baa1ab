"""The plan of a rollout: the steps, how long each is watched, and the gates. Read from the contract once; pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Self

from infra.contract import Json


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
    """The candidate's latency may be this many times the live one's."""
    memory_ratio: float = 2.0
    """The candidate's resident memory may be this many times the live one's."""
    requests: int | None = None
    """Least requests at a step, in the place of the step's own number; 0: this service may pass unseen."""
    split: bool = True
    """Its requests follow the weights, so that another share is a fault of the data plane."""

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

    def gates_of(self, service: str) -> Gates:
        """The gates that a service must pass."""
        return self.own.get(service, self.gates)

    def to_json(self) -> Mapping[str, Json]:
        """The form that the contract and the journal carry; ``from_json`` reads it back to an equal value."""
        return {
            "steps": [
                {"share": s.share, "bake": s.bake, "requests": s.requests, "limit": s.limit, "singletons": s.singletons}
                for s in self.steps
            ],
            "gates": asdict(self.gates),
            "own": {service: asdict(gates) for service, gates in self.own.items()},
            "tick": self.tick,
            "prove": self.prove,
            "blind": self.blind,
            "hold": self.hold,
            "policy": self.policy.value,
            "warm_up": self.warm_up,
            "false_aborts": self.false_aborts,
            "false_passes": self.false_passes,
            "traffic": {name: {"rate": t.rate, "path": t.path} for name, t in (self.traffic or {}).items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> Self:
        """Read what ``to_json`` or ``infra.config`` wrote, which is valid; what an earlier version did not know is default."""
        rest = {key: document[key] for key in ("tick", "prove", "blind", "hold")}
        rest |= {key: document[key] for key in ("warm_up", "false_aborts", "false_passes") if key in document}
        return cls(
            steps=tuple(Step(**step) for step in document["steps"]),
            gates=Gates(**document["gates"]),
            own={service: Gates(**gates) for service, gates in document.get("own", {}).items()},
            policy=Policy(document["policy"]),
            traffic={name: Traffic(**each) for name, each in document["traffic"].items()},
            **rest,
        )
