"""Targets: what a stack says of itself, and what a journal remembers."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from fuzz_run import Target, outcome, plain
from simulation import PLAN, Simulation

from infra.contract import Backend, Contract, ContractError, Metric, Placement, Service
from smoke.plan import Freeze, Traffic, Window
from smoke.rollout import Event, IllegalEvent, Rollout, apply, describe, from_record, sentence, to_record

CONTRACT = Contract(
    stack="staging",
    target="local",
    start="blue",
    born="2026-01-01T00:00:00Z",
    services=(
        Service(
            name="api",
            kind="http",
            after=("agent",),
            placements={
                slot: Placement("api", slot, "py312", "sha256:00", "py312-0", "127.0.0.1:1", None, "p", "/", {"A": "1"}, {"x": 1})
                for slot in ("blue", "green")
            },
            probes=(Backend("http", {"path": "/", "timeout": 1.0}),),
            router=Backend("envoy", {"route": "/r"}),
            meter=Backend("envoy", {"service": "api", "admin": "/a"}),
            handover=None,
            front="http://127.0.0.1:2",
            metrics=(Metric("rejects", Backend("sql", {"database": "/d"}), 0.01, None, 10.0),),
        ),
        Service("agent", "singleton", (), {}, (), None, None, Backend("file", {"folder": "/f"}), None),
    ),
    plan=PLAN.to_json(),
    config={"slots": {"blue": {}}},
    releases={"blue": "f", "green": "e"},
)


def contract(data: bytes) -> str:
    """A contract, as the stack's output carries it; one that is taken is written to an equal document and used."""

    def act() -> None:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return  # whose error that is, whoever reads the output says
        taken = Contract.from_json(document)
        again = Contract.from_json(json.loads(json.dumps(taken.to_json())))
        assert repr(again) == repr(taken)
        assert set(taken.placed()) <= {"blue", "green"}

    return outcome(act, ContractError, ours=True)


def record(data: bytes) -> str:
    """One line of a journal; an event that is taken is written again to an equal one."""

    def act() -> None:
        event = from_record(_object(data))
        assert repr(from_record(json.loads(json.dumps(to_record(event))))) == repr(event)

    return outcome(act, ValueError, ours=True)


def journal(data: bytes) -> str:
    """The lines of a journal, each event told to a person, and the state that follows shown."""

    def act() -> None:
        rollout: Rollout | None = None
        for event in _events(data):
            rollout = apply(rollout, event)
            sentence(event, rollout)
            json.dumps(describe(rollout))
            assert sum(rollout.weights.values()) == 100
            assert rollout.worker in {rollout.opened.live, rollout.opened.candidate}

    return outcome(act, ValueError, IllegalEvent, ours=True)


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(document, dict):
        raise ValueError("a journal has objects alone")  # noqa: TRY004 - as the journal does
    return document


def _events(data: bytes) -> list[Event]:
    return [from_record(_object(line)) for line in data.splitlines()]


@cache
def journals() -> tuple[bytes, ...]:
    """Journals of real drivers: one that promoted, one that went back, and one that carries everything that a plan can."""
    good, bad, rich = Simulation(), Simulation(), Simulation()
    bad.sides["green"].errors = 0.5
    more = replace(
        PLAN,
        steps=PLAN.steps[-2:],
        own={"api": PLAN.gates},
        traffic={"api": Traffic(1.0, "/")},
        windows=(Window((0, 1, 2, 3, 4, 5, 6), 0, 1440, "UTC"),),
        freezes=(Freeze(0.0, 1.0, "past"),),
    )
    rich.opened = replace(rich.opened, plan=more, queries={"api": "q"})
    found = []
    for each in (good, bad, rich):
        each.run()
        found.append("\n".join(json.dumps(line) for line in each.journal.records(each.opened.rollout)).encode())
    return tuple(found)


def targets() -> tuple[Target, ...]:
    """All of them."""
    lines = tuple({json.loads(line)["event"]: line for each in journals() for line in each.splitlines()}.values())
    words = tuple({word for line in lines for word in line.split(b'"') if 0 < len(word) < 16})
    whole = json.dumps(CONTRACT.to_json()).encode()
    return (
        Target("contract", plain(contract), (whole,), tuple({word for word in whole.split(b'"') if 0 < len(word) < 16})),
        Target("journal record", plain(record), lines, words),
        Target("journal", plain(journal), journals(), words, cost=20),
    )
