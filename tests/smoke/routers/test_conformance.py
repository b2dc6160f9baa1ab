"""What holds for every router in the table."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from infra.contract import Backend
from smoke.errors import RouterError, UsageError
from smoke.routers import ROUTERS, router
from smoke.seams import Router

REFUSED = [
    {"blue": 60, "green": 60},
    {"blue": 0, "green": 0},
    {"blue": 101, "green": -1},
    {"blue": 50, "red": 50},
    {"red": 100},
    {"blue": 99.5, "green": 0.5},
    {},
]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=some.integers(0, 100), keep=some.sets(some.sampled_from(["blue", "green"])))
def test_reads_back_what_was_written(any_router: Router, share: int, keep: set[str]) -> None:
    """Whatever whole percentages are written, the next read returns exactly them, and nothing of what is kept."""
    any_router.write({"blue": 100 - share, "green": share}, keep)
    assert any_router.read() == {"blue": 100 - share, "green": share}


@pytest.mark.parametrize("weights", REFUSED, ids=str)
def test_refuses_weights_that_are_none(any_router: Router, weights: dict[str, int]) -> None:
    """Weights that do not add up to 100, are negative, broken or for an unknown slot raise, and nothing changes."""
    with pytest.raises(RouterError):
        any_router.write(weights)
    assert any_router.read() == {"blue": 100, "green": 0}


def test_refuses_to_keep_an_unknown_slot(any_router: Router) -> None:
    """A slot that there is not cannot be kept: the write raises with its name, and nothing changes."""
    with pytest.raises(RouterError, match="no slot red"):
        any_router.write({"blue": 0, "green": 100}, {"red"})
    assert any_router.read() == {"blue": 100, "green": 0}


def test_a_slot_that_is_left_out_may_be_kept(any_router: Router) -> None:
    """A slot may be kept that the weights do not name."""
    any_router.write({"green": 100}, {"blue"})
    assert any_router.read().get("blue", 0) == 0


def test_may_write_again(any_router: Router) -> None:
    """The same weights may be written as often as one likes."""
    for _ in range(3):
        any_router.write({"blue": 25, "green": 75})
    assert any_router.read() == {"blue": 25, "green": 75}


def test_a_slot_may_be_left_out(any_router: Router) -> None:
    """A slot that is not named gets nothing, and may be named again later."""
    any_router.write({"blue": 100})
    assert any_router.read().get("green", 0) == 0
    any_router.write({"blue": 1, "green": 99})
    assert any_router.read() == {"blue": 1, "green": 99}


def test_an_unknown_router_names_the_known_ones() -> None:
    """A backend that is not in the table is a usage error that lists the table."""
    with pytest.raises(UsageError, match="alb, envoy, gateway, memory"):
        router(Backend("nginx", {}))


@pytest.mark.parametrize("kind", ROUTERS)
def test_an_unknown_setting_is_named(kind: str) -> None:
    """A setting that a router does not know is a usage error that names it, never passed over."""
    with pytest.raises(UsageError, match="colour"):
        router(Backend(kind, {"service": "a", "file": "b", "admin": "c", "colour": "red"}))
