"""How the router that only remembers misbehaves on request."""

from contextlib import suppress

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


@pytest.mark.parametrize("reads", [1, 3])
def test_a_delayed_write_comes_in_force(reads: int) -> None:
    """A delayed write is in force, with what it keeps, after as many reads as were scripted."""
    memory = MemoryRouter()
    memory.delay = reads
    memory.faults.append(Fault.DELAY)
    memory.write(WANTED, {"blue"})
    seen = [(memory.read()["green"], memory.keep) for _ in range(reads)]
    assert memory.read() == WANTED
    assert seen == [(0, frozenset())] * (reads - 1) + [(0, {"blue"})]


def test_a_write_overtakes_a_delayed_one() -> None:
    """A write that works takes the place of one that is not in force yet."""
    memory = MemoryRouter()
    memory.faults.append(Fault.DELAY)
    memory.write(WANTED)
    memory.write({"blue": 50, "green": 50})
    assert [memory.read()["green"] for _ in range(3)] == [50, 50, 50]


def test_what_is_kept_is_remembered() -> None:
    """The last write says what is kept, also when it keeps nothing."""
    memory = MemoryRouter()
    memory.write(WANTED, {"blue"})
    before = memory.keep
    memory.write(WANTED)
    assert (before, memory.keep) == ({"blue"}, set())


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.IGNORE, Fault.HALF])
def test_what_is_kept_stays_with_a_write_that_fails(fault: Fault) -> None:
    """A write that does not come in force as a whole leaves what is kept as it was."""
    memory = MemoryRouter()
    memory.write(WANTED, {"blue"})
    memory.faults.append(fault)
    with suppress(RouterError):
        memory.write({"blue": 100, "green": 0})
    assert memory.keep == {"blue"}


def test_a_dead_data_plane() -> None:
    """While it is dead every read and write raises; what was written last is in force when it is back."""
    memory = MemoryRouter()
    memory.faults.append(Fault.DEAD)
    for share in (40, 60):
        with pytest.raises(RouterError, match="not confirmed"):
            memory.write({"blue": 100 - share, "green": share}, {"blue"})
        with pytest.raises(RouterError, match="cannot be read"):
            memory.read()
    memory.faults.clear()

    assert (memory.read()["green"], memory.keep, memory.written) == (60, {"blue"}, [])


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
