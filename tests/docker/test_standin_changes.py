"""What the stand-in takes for a change: by the values, and never by the order in which they arrive."""

import sys
from itertools import permutations
from pathlib import Path

import pytest

STANDIN = Path(__file__).parents[2] / "toolchain" / "docker-standin"
LABELS = [{"label": "crossfade.home", "value": "z"}, {"label": "crossfade.stack", "value": "a"}, {"value": "m", "label": "k"}]


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> object:
    """The stand-in's own comparison."""
    monkeypatch.syspath_prepend(str(STANDIN))
    import resources  # type: ignore[import-not-found]  # noqa: PLC0415 - a program of its own, in no package

    yield resources.changes
    for name in ("resources", "bodies", "engine"):
        sys.modules.pop(name, None)


def test_the_order_of_a_set_and_of_its_keys_is_no_change(changes: object) -> None:
    """Labels that arrive in any order, their keys in any order, are the same labels; another value is a change."""
    assert callable(changes)
    backwards = [dict(reversed(list(each.items()))) for each in LABELS]
    for given in permutations([*backwards[:1], *LABELS[1:]]):
        assert changes("Volume", {}, {"name": "v", "labels": LABELS}, {"name": "v", "labels": list(given)}) == ([], [])

    other = [{**LABELS[0], "value": "y"}, *LABELS[1:]]
    assert changes("Volume", {}, {"name": "v", "labels": LABELS}, {"name": "v", "labels": other}) == (["labels"], ["labels"])
