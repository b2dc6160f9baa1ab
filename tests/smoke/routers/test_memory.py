"""How the router that only remembers misbehaves on request."""

import pytest

from infra.contract import Backend
from smoke.errors import RouterError
from smoke.routers import router
from smoke.routers.memory import Fault, MemoryRouter

WANTED = {"blue": 0, "green": 100}


@pytest.mark.parametrize(("fault", "share"), [(Fault.IGNORE, 0), (Fault.DELAY, 0), (Fault.HALF, 50)])
def test_a_write_that_claims_to_have_worked(fault: Fault, share: int) -> None:
    """A scripted write returns as if it had worked, and the read tells the truth."""
    memory = MemoryRouter()
    memory.faults.append(fault)
    memory.write(WANTED)
    assert memory.read()["green"] == share


def test_a_delayed_write_comes_in_force() -> None:
    """A delayed write is in force after the first read."""
    memory = MemoryRouter()
    memory.faults.append(Fault.DELAY)
    memory.write(WANTED)
    memory.read()
    assert memory.read() == WANTED


@pytest.mark.parametrize(("fault", "share"), [(Fault.REFUSE, 0), (Fault.LIE, 100)])
def test_a_write_that_raises(fault: Fault, share: int) -> None:
    """A scripted write raises, and has changed the weights or not, as scripted."""
    memory = MemoryRouter()
    memory.faults.append(fault)
    with pytest.raises(RouterError):
        memory.write(WANTED)
    assert memory.read()["green"] == share


def test_a_blind_read() -> None:
    """A scripted read raises once; writes before it are not touched by that."""
    memory = MemoryRouter()
    memory.faults.append(Fault.BLIND)
    memory.write(WANTED)
    with pytest.raises(RouterError):
        memory.read()
    assert memory.read() == WANTED


def test_a_name_is_one_router() -> None:
    """Two that ask for the same name get the same router; two without a name do not."""
    assert router(Backend("memory", {"name": "one"})) is router(Backend("memory", {"name": "one"}))
    assert router(Backend("memory", {})) is not router(Backend("memory", {}))
