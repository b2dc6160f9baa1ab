"""What holds for the watchdog: it takes back what nobody drives, goes on with what was left to it, and touches nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
from machine import wait_for
from simulation import OPENED

from smoke.absence import Absence
from smoke.clock import FakeClock
from smoke.errors import CrossfadeError, DeployError, JournalError, Locked
from smoke.guard import on_guard
from smoke.journals import FileJournal, FileMailbox
from smoke.rollout import (
    Aborted,
    Cleared,
    Event,
    Failed,
    Finished,
    Held,
    Phase,
    Proved,
    Resumed,
    Reverted,
    Rollout,
    Settled,
    Shifted,
    Stuck,
    Wait,
)
from smoke.stack.project import Project
from smoke.watchdog import Beside, Watchdog
from smoke.wiring import Site
from tests.smoke.cli.shop import HELD, PLAN, SLOW, Shop, open_shop

NAME = "0001-abc"
BEGUN = replace(OPENED, plan=replace(PLAN, absence=10.0), singletons=())
RUNNING: tuple[tuple[Event, ...], ...] = (
    (),
    (Proved(2.0),),
    (Proved(2.0), Shifted(3.0)),
    (Proved(2.0), Shifted(3.0), Held(4.0, ("paused by ann",))),
    (Proved(2.0), Shifted(3.0), Held(4.0, ("0 of 1 approvals",), permit=True)),
)
BACK: tuple[tuple[Event, ...], ...] = ((Aborted(2.0, "ann"),), (Failed(2.0, ("worse",)), Cleared(3.0)))
ENDED: tuple[tuple[Event, ...], ...] = (
    (Proved(2.0), Shifted(3.0), Finished(4.0), Settled(5.0)),
    (Failed(2.0, ("worse",)), Cleared(3.0), Reverted(4.0, "nothing")),
    (Failed(2.0, ("worse",)), Stuck(3.0, ("gone",))),
)


@dataclass
class Dog:
    """A watchdog whose time a test moves, and what it does."""

    shop: Shop
    clock: FakeClock = field(default_factory=FakeClock)
    driven: list[Rollout] = field(default_factory=list)
    fails: CrossfadeError | None = None
    """What driving ends with."""

    def __post_init__(self) -> None:
        self.watchdog = Watchdog(self.site, Absence(self._drive))

    def site(self) -> Site:
        """The stack, with the test's clock."""
        site = Site(Project("shop", self.shop.folder, self.shop.folder / ".state"), "staging")
        vars(site)["clock"] = self.clock
        return site

    def _drive(self, site: Site, rollout: Rollout) -> Rollout:
        del site
        self.driven.append(rollout)
        if self.fails is not None:
            raise self.fails
        return rollout

    def watch(self, seconds: float) -> str | None:
        """Let it look once a second; returns what it said last."""
        said = None
        for _ in range(int(seconds)):
            self.clock.sleep(1.0)
            said = self.watchdog.look()
        return said

    @property
    def verbs(self) -> list[str]:
        """What was asked of the rollout."""
        return [f"{each['verb']} by {each['by']}" for each in self.shop.requests(NAME)]


@pytest.fixture
def dog(tmp_path: Path) -> Dog:
    """A watchdog of a stack without rollouts."""
    return Dog(open_shop(tmp_path))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A stack whose programs run as they really do."""
    opened = open_shop(tmp_path)
    yield opened
    opened.end()


def test_to_look_for_a_driver_it_reads_nothing_of_pulumis(tmp_path: Path) -> None:
    """Once a second it looks who drives: for that the journal beside the state is enough, and the state may be what it will."""
    shop = open_shop(tmp_path)
    site = Beside(Project("shop", shop.folder, shop.folder / ".state"), "staging")

    assert site.journal.holder() is None
    assert "contract" not in vars(site)


@pytest.mark.parametrize("events", RUNNING)
def test_what_nobody_drives_is_taken_back(events: tuple[Event, ...], dog: Dog) -> None:
    """After the plan's seconds and not before, in whatever phase it is, also where it is held; and its report says why."""
    dog.shop.write(BEGUN, *events)
    dog.watch(10.0)
    early = (list(dog.driven), dog.verbs)
    dog.watch(1.0)
    [request] = dog.shop.requests(NAME)

    assert early == ([], [])
    assert (dog.verbs, request["why"], len(dog.driven)) == (["abort by watchdog"], "nobody drove it for 10 s", 1)


@pytest.mark.parametrize("events", BACK)
def test_what_goes_back_goes_on(events: tuple[Event, ...], dog: Dog) -> None:
    """Whose driver died on the way back is driven there, and need not be asked to."""
    dog.shop.write(BEGUN, *events)
    dog.watch(11.0)

    assert (dog.verbs, len(dog.driven)) == ([], 1)


@pytest.mark.parametrize("events", ENDED)
def test_what_has_ended_is_left(events: tuple[Event, ...], dog: Dog) -> None:
    """Promoted, rolled back or stuck: nothing follows, also where somebody had left it to the watchdog."""
    dog.shop.write(BEGUN, *events)
    FileMailbox(dog.shop.journal).post(NAME, {"verb": "drive", "by": "ann", "at": 1.0})
    said = dog.watch(30.0)

    assert (said, dog.driven, dog.verbs) == (None, [], ["drive by ann"])


def test_without_a_rollout_it_only_says_that_it_is_there(dog: Dog) -> None:
    """A stack that rolled nothing yet is watched all the same."""
    dog.watch(3.0)

    assert dog.driven == []
    assert on_guard(dog.shop.journal, dog.clock.now() + 5.0)
    assert not on_guard(dog.shop.journal, dog.clock.now() + 11.0)


def test_while_somebody_drives_nothing_is_done(dog: Dog) -> None:
    """As long as somebody has the lease; and whoever comes back in time begins the time anew."""
    dog.shop.write(BEGUN)
    dog.watch(9.0)
    with FileJournal(dog.shop.journal).open(NAME):
        dog.watch(60.0)
    dog.watch(10.0)
    early = list(dog.driven)
    dog.watch(1.0)

    assert (early, len(dog.driven)) == ([], 1)


def test_what_was_left_to_it_goes_forward_at_once(dog: Dog) -> None:
    """It is not asked to go back; and so does a successor, where the watchdog was killed meanwhile."""
    dog.shop.write(BEGUN, Proved(2.0))
    FileMailbox(dog.shop.journal).post(NAME, {"verb": "drive", "by": "ann", "at": 1.0})
    said = dog.watch(1.0)
    successor = Dog(dog.shop)
    successor.watch(1.0)

    assert (said, dog.verbs) == (f"{NAME} is shifting", ["drive by ann"])
    assert (len(dog.driven), len(successor.driven)) == (1, 1)


def test_who_was_alone_with_a_stack_hides_no_rollout(dog: Dog) -> None:
    """Whoever deployed before there was a rollout left nothing that is newer than the first."""
    with dog.site().alone():
        dog.watch(2.0)
    dog.shop.write(BEGUN)
    dog.watch(12.0)

    assert (len(dog.driven) > 0, dog.site().history().count) == (True, 2)


def test_somebody_came_after_all(dog: Dog) -> None:
    """Where another has the lease by the time that it would drive, that is no error."""
    dog.shop.write(BEGUN)
    dog.fails = Locked("another run holds this stack")

    assert dog.watch(12.0) is None
    assert len(dog.driven) == 2


def test_what_fails_is_tried_again_and_asked_once(dog: Dog) -> None:
    """The way back is asked for once, however often it is tried."""
    dog.shop.write(BEGUN)
    dog.fails = DeployError("pulumi cannot be started")
    dog.watch(10.0)
    for _ in range(3):
        with pytest.raises(DeployError):
            dog.watch(1.0)

    assert (len(dog.driven), dog.verbs) == (3, ["abort by watchdog"])


def test_a_damaged_journal(dog: Dog) -> None:
    """It is told to whoever runs the watchdog, and nothing is done on what cannot be read."""
    dog.shop.write(BEGUN, Proved(2.0))
    file = dog.shop.journal / f"{NAME}.jsonl"
    file.write_bytes(b"?" + file.read_bytes())
    with pytest.raises(JournalError, match="line 1 of the journal is damaged"):
        dog.watch(1.0)

    assert dog.driven == []


# The real process


@pytest.mark.processes
def test_a_driver_that_was_killed(shop: Shop) -> None:
    """Its rollout is taken back by the watchdog, which finds Pulumi as the driver's shell did."""
    shop.declare(replace(SLOW, absence=1.0))
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    shop.watchdog(path="/usr/bin:/bin")
    wait_for(lambda: on_guard(shop.journal, time.monotonic()), "the watchdog is there", limit=60.0)
    assert shop.asked() == []
    driver.kill()
    end = shop.until(lambda rollout: rollout.ended)
    [up] = shop.asked()

    assert (end.phase, "--message revert green" in up) == (Phase.ROLLED_BACK, True)
    assert end.because[0].startswith("aborted by watchdog: nobody drove it for 1")


@pytest.mark.processes
def test_a_watchdog_that_was_killed(shop: Shop) -> None:
    """Its successor goes on with what was left to it, from where the journal says."""
    shop.declare(HELD)
    first = shop.watchdog()
    shop.crossfade("promote", "--detach")
    shop.until(lambda rollout: rollout.waits is Wait.PERMIT)
    first.kill()
    first.wait(timeout=30)
    shop.watchdog()
    wait_for(lambda: FileJournal(shop.journal).holder(), "a successor drives", limit=60.0)
    agreed = shop.crossfade("approve", user="bob")
    end = shop.until(lambda rollout: rollout.ended)

    assert (agreed.returncode, end.phase) == (0, Phase.PROMOTED)
    assert not any(isinstance(event, (Aborted, Resumed)) for event in shop.events())


@pytest.mark.processes
def test_damage_is_said_once(shop: Shop) -> None:
    """Who looks once a second does not fill the log with the same error."""
    shop.write(BEGUN, Proved(2.0))
    file = shop.journal / f"{NAME}.jsonl"
    file.write_bytes(b"?" + file.read_bytes())
    watchdog = shop.watchdog()
    beat = shop.journal / "watchdog.json"
    for _ in range(3):
        before = wait_for(lambda: beat.exists() and beat.read_bytes(), limit=60.0)
        wait_for(lambda before=before: beat.read_bytes() != before, "it looks again", limit=60.0)
    watchdog.terminate()
    _, said = watchdog.communicate(timeout=30)

    assert said.count("error: line 1 of the journal is damaged") == 1


@pytest.mark.processes
def test_it_ends_with_its_supervisor(shop: Shop) -> None:
    """A supervisor that died has a successor, which starts a watchdog of its own: the old one goes."""
    starts = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(600)"
    words = [sys.executable, *shop.watching]
    supervisor = shop.start(["-c", starts, *words], stderr=subprocess.DEVNULL)
    assert supervisor.stdout is not None
    watchdog = psutil.Process(int(supervisor.stdout.readline()))
    wait_for((shop.journal / "watchdog.json").exists, "it is there", limit=60.0)
    told = json.loads((shop.journal / "watchdog.json").read_bytes())
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait(timeout=30)
    wait_for(lambda: not watchdog.is_running() or watchdog.status() == psutil.STATUS_ZOMBIE, "it has ended", limit=60.0)

    assert told["pid"] == watchdog.pid
