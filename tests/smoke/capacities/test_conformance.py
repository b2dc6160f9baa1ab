"""What holds for every capacity in the table."""

import pytest

from infra.contract import Backend
from smoke.capacities import CAPACITIES, capacity
from smoke.clock import FakeClock
from smoke.errors import CapacityError, UsageError
from tests.smoke.capacities.conftest import Any


def test_what_a_share_asks_for_is_there_or_named(any_capacity: Any) -> None:
    """Two of four are enough for half; for all of it two more are asked for, named as long as they lack, and come."""
    half, whole = (any_capacity.capacity.hold("blue", "green", share) for share in (50, 100))
    any_capacity.come()

    assert half is None
    assert whole is not None
    assert "2 of 4" in whole
    assert "100 %" in whole
    assert any_capacity.capacity.hold("blue", "green", 100) is None


def test_it_may_be_repeated(any_capacity: Any) -> None:
    """To hold twice is to hold, and to free twice is to free; freed without a hold, nothing happens."""
    any_capacity.capacity.free()
    for _ in range(2):
        assert any_capacity.capacity.hold("blue", "green", 50) is None
    for _ in range(2):
        any_capacity.capacity.free()


def test_what_cannot_be_known_is_an_error(any_capacity: Any) -> None:
    """Nobody takes silence for enough, nor for free."""
    any_capacity.shut()
    with pytest.raises(CapacityError):
        any_capacity.capacity.hold("blue", "green", 50)
    with pytest.raises(CapacityError):
        any_capacity.capacity.free()


@pytest.mark.parametrize("kind", CAPACITIES)
def test_settings_are_whole_and_known(kind: str) -> None:
    """What is not known is refused by its name."""
    with pytest.raises(UsageError, match="colour"):
        capacity(Backend(kind, {"colour": "red"}), FakeClock())


def test_there_is_no_other_kind() -> None:
    """A word that nobody knows is never taken for another; those that there are are named."""
    with pytest.raises(UsageError) as caught:
        capacity(Backend("servers", {}), FakeClock())
    assert caught.value.hint == "one of: memory, pods"
