"""The plan as the contract and the journal carry it."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.plan import Freeze, Gates, Plan, Policy, Step, Traffic, Window

seconds = some.floats(0, 1e10)
words = some.text(max_size=5)
FLOATS = {each.name: seconds for each in fields(Gates) if each.type is float}
gates = some.builds(Gates, requests=some.none() | some.integers(0, 9), split=some.booleans(), **FLOATS)
steps = some.builds(Step, bake=seconds, limit=seconds, approvals=some.integers(0, 3))
plans = some.builds(
    Plan,
    steps=some.lists(steps, max_size=2).map(tuple),
    gates=gates,
    own=some.dictionaries(words, gates, max_size=2),
    tick=seconds,
    warm_up=seconds,
    prove=seconds,
    blind=seconds,
    hold=seconds,
    policy=some.sampled_from(Policy),
    false_aborts=seconds,
    false_passes=seconds,
    traffic=some.dictionaries(words, some.builds(Traffic, rate=seconds), max_size=2),
    windows=some.lists(some.builds(Window, days=some.lists(some.integers(0, 6)).map(tuple)), max_size=2).map(tuple),
    freezes=some.lists(some.builds(Freeze, start=seconds, end=seconds, zone=words), max_size=2).map(tuple),
    approvals_last=seconds,
    own_approval=some.booleans(),
    absence=seconds,
    keep=seconds,
    forward=some.booleans(),
)
EARLIER: Mapping[str, Any] = {
    "steps": [{"share": 5, "bake": 60.0, "requests": 100, "limit": 1800.0, "singletons": False}],
    "gates": {},
    "tick": 0.5,
    "prove": 60.0,
    "blind": 10.0,
    "hold": 3600.0,
    "policy": "back",
    "traffic": {},
}
"""What the first version wrote."""


@given(plans)
def test_every_plan_is_read_back(plan: Plan) -> None:
    """Whatever a plan says, its document is JSON and is read back to an equal plan."""
    document = json.loads(json.dumps(plan.to_json()))

    assert Plan.from_json(document) == plan
    assert set(document) == {field.name for field in fields(Plan)}


def test_a_plan_of_an_earlier_version() -> None:
    """What an earlier version did not know is as it was then: always open, no approvals, nothing that lasts differently."""
    expected = Plan(steps=(Step(5, 60, 100, 1800),), gates=Gates(), tick=0.5, policy=Policy.BACK, traffic={})
    found = Plan.from_json(EARLIER)

    assert found == expected
    assert (found.windows, found.freezes, found.steps[0].approvals, found.forward) == ((), (), 0, False)


@pytest.mark.parametrize("name", sorted(Plan(steps=(), gates=Gates()).to_json().keys() - EARLIER.keys()))
@given(plan=plans)
def test_a_plan_without_one_of_the_later_words(name: str, plan: Plan) -> None:
    """Each word that an earlier version did not know may be missing by itself."""
    document = {key: value for key, value in plan.to_json().items() if key != name}
    bare = Plan(steps=(), gates=Gates())

    assert getattr(Plan.from_json(document), name) == getattr(bare, name)
