"""Killed anywhere, a rollout ends as it would have. `python bench/crashes.py` tries every point, and twice in a row."""

import random

import pytest
from crashing import SCENARIOS, crash, wrongs

EACH = 16
"""Points tried of each scenario here; the bench tries all."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_a_kill_it_ends_as_it_should(name: str) -> None:
    """Each scenario has the end that its name promises, and its driver passes many points at which it could die."""
    ordeal, _ = crash(name, ())

    assert [*wrongs(name, ())] == []
    assert ordeal.deaths == 0
    assert len({point for point in ordeal.fate.names if "journal" not in point}) >= 6


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_point_it_ends_the_same(name: str) -> None:
    """Killed before or after any append or effect, and driven on, it ends the same, and no failed candidate gets traffic."""
    points = crash(name, ())[0].fate.points
    chosen = sorted(random.Random(name).sample(range(points), min(EACH, points)))  # noqa: S311 - no secret

    assert {kill: [*wrongs(name, (kill,))] for kill in chosen} == {kill: [] for kill in chosen}


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_twice_in_a_row_it_ends_the_same(name: str) -> None:
    """The successor may be killed as well, at its very first act or later: it ends the same."""
    points, chance = crash(name, ())[0].fate.points, random.Random(f"{name} twice")  # noqa: S311 - no secret
    firsts = sorted(chance.sample(range(points), min(EACH // 2, points)))
    pairs = [(first, first + chance.choice((1, 2, 3, 10))) for first in firsts]

    assert {pair: [*wrongs(name, pair)] for pair in pairs} == {pair: [] for pair in pairs}


def test_a_killed_driver_is_seen() -> None:
    """The harness kills: every kill that is named comes to pass."""
    assert crash("good", (3, 20))[0].deaths == 2
