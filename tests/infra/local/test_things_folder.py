"""What holds for the folder of a stack, as a thing."""

import os
import signal

import pytest

from tests.infra.local.place import Place, wait_for

pytestmark = pytest.mark.processes


def test_is_born_once(place: Place) -> None:
    """A second making changes neither the time of birth, nor the slot that served first, nor the supervisor."""
    first = place.make("folder", {"start": "blue"})
    before = place.home.birth.read_text(), place.supervisor_pid
    assert place.make("folder", {"start": "green"}) == first
    assert (place.home.birth.read_text(), place.supervisor_pid) == before


def test_is_for_its_owner_alone(stack: Place) -> None:
    """Nobody else can look into the folder, or speak to the supervisor."""
    assert [each.stat().st_mode & 0o077 for each in (stack.home.folder, stack.home.supervisor)] == [0, 0]


def test_is_well_while_the_supervisor_answers(place: Place) -> None:
    """It is well from its making until the supervisor is gone, and again after the next making."""
    seen = [place.well("folder")]
    born = place.make("folder")
    seen.append(place.well("folder"))
    os.kill(place.supervisor_pid, signal.SIGKILL)
    wait_for(lambda: not place.supervisor.answers())
    seen.append(place.well("folder"))
    assert place.make("folder") == born
    assert [*seen, place.well("folder")] == [False, True, False, True]


def test_is_born_again_from_a_broken_file(stack: Place) -> None:
    """A file of birth that says nothing is no birth: the folder is not well, and is made."""
    for birth in ("", "{}", "[]", '{"born": null}', '{"born": 1'):
        stack.home.birth.write_text(birth)
        assert not stack.well("folder")
        stack.make("folder")
        assert stack.well("folder")


def test_leaves_nothing_behind(stack: Place) -> None:
    """Unmaking ends every process and removes every file; it may be repeated."""
    stack.make("program", stack.program("one", "import time; time.sleep(600)"))
    stack.unmake("folder")
    stack.unmake("folder")
    assert stack.processes() == []
    assert not stack.home.folder.parent.exists()


def test_leaves_another_stack_alone(stack: Place) -> None:
    """Unmaking one stack leaves the one beside it."""
    other = stack.home.folder.with_name("other")
    other.mkdir()
    stack.unmake("folder")
    assert other.exists()


def test_leaves_nothing_behind_after_a_reboot(stack: Place) -> None:
    """Unmaking works on what a machine that went down has left."""
    stack.make("program", stack.program("one", "import time; time.sleep(600)"))
    stack.kill()
    stack.unmake("folder")
    assert not stack.home.folder.exists()


def test_goes_in_the_order_of_a_destroy(stack: Place) -> None:
    """With the supervisor gone, programs, ways and the folder can still be unmade one after the other."""
    program = stack.program("api--blue", "import time; time.sleep(600)")
    route, fence = {"service": "api", "start": "blue", "sticky": False}, {"service": "agent", "start": "blue"}
    for kind, spec in (("program", program), ("route", route), ("fence", fence)):
        stack.make(kind, spec)
    stack.kill()
    for kind, spec in (("program", program), ("proxy", {}), ("route", route), ("fence", fence)):
        stack.unmake(kind, spec)
        stack.unmake(kind, spec)
    assert [list((stack.home.folder / each).iterdir()) for each in ("programs", "routes", "fences")] == [[], [], []]
    stack.unmake("folder")
    assert not stack.home.folder.exists()
