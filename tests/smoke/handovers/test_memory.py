"""How the hand-over that only remembers misbehaves on request."""

import pytest

from infra.contract import Backend
from smoke.clock import FakeClock
from smoke.errors import HandoverError
from smoke.handovers import handover
from smoke.handovers.memory import Fault, MemoryHandover


@pytest.mark.parametrize(("fault", "holder"), [(Fault.REFUSE, None), (Fault.LIE, "green")])
def test_a_hold_that_raises(fault: Fault, holder: str | None) -> None:
    """A scripted hold raises, and has given the work or not, as scripted; the next one is well."""
    memory = MemoryHandover(holder=None)
    memory.faults.append(fault)
    with pytest.raises(HandoverError):
        memory.hold("green")
    assert (memory.holder(), memory.at_work) == (holder, holder)
    memory.hold("green")
    assert memory.granted == ["green"]


def test_a_release_that_hangs() -> None:
    """A scripted release raises: nobody may work, the slot still does, and the other gets nothing until it was released."""
    memory = MemoryHandover()
    memory.faults.append(Fault.HANG)
    with pytest.raises(HandoverError, match="may still be at work"):
        memory.release("blue")
    assert (memory.holder(), memory.at_work) == (None, "blue")
    with pytest.raises(HandoverError, match="blue still works"):
        memory.hold("green")
    memory.release("blue")
    memory.hold("green")
    assert memory.granted == ["blue", "green"]


def test_a_blind_look() -> None:
    """A scripted look at the holder raises once; calls before it are not touched by that."""
    memory = MemoryHandover()
    memory.faults.append(Fault.BLIND)
    memory.release("blue")
    with pytest.raises(HandoverError):
        memory.holder()
    assert memory.holder() is None


def test_a_name_is_one_handover() -> None:
    """Two that ask for the same name get the same hand-over; two without a name do not."""
    clock = FakeClock()
    assert handover(Backend("memory", {"name": "one"}), clock) is handover(Backend("memory", {"name": "one"}), clock)
    assert handover(Backend("memory", {}), clock) is not handover(Backend("memory", {}), clock)
