"""What holds for the Job that stands by a rollout: it takes over when it must, and goes when nothing is left for it."""

from dataclasses import replace
from pathlib import Path

import pytest

from smoke.absence import Absence
from smoke.errors import JournalError
from smoke.journals import FileJournal, FileMailbox
from smoke.rollout import Cleared, Event, Failed, Finished, Phase, Proved, Rollout, Settled, Shifted, to_record
from smoke.stationed import stand_by
from smoke.wiring import Site
from tests.smoke.cli.shop import open_shop
from tests.smoke.test_watchdog import BEGUN, NAME, Dog


class Over(Exception):
    """The test has seen enough."""


class Job:
    """One that looks once a second of a test's time."""

    def __init__(self, folder: Path) -> None:
        self.dog = Dog(open_shop(folder))

    def driven(self, site: Site, rollout: Rollout) -> Rollout:
        """Drive: all traffic goes back, and Pulumi is left."""
        del site
        self.dog.driven.append(rollout)
        with FileJournal(self.dog.shop.journal).open(NAME) as writer:
            for each in (Failed(3.0, ("worse",)), Cleared(4.0)):
                writer.append(to_record(each))
        return rollout

    def stands(self, seconds: int) -> int:
        """Stand by for that long; returns the seconds after which it went."""
        left = iter(range(seconds))

        def wait() -> None:
            if next(left, None) is None:
                raise Over
            self.dog.clock.sleep(1.0)

        began = self.dog.clock.now()
        stand_by(self.dog.site(), NAME, Absence(self.driven), wait)
        return int(self.dog.clock.now() - began)


@pytest.fixture(name="job")
def _job(tmp_path: Path) -> Job:
    return Job(tmp_path)


ENDED: dict[str, tuple[Event, ...]] = {
    "promoted": (Proved(2.0), Shifted(3.0), Finished(4.0), Settled(5.0)),
    "only Pulumi is left": (Failed(2.0, ("worse",)), Cleared(3.0)),
}


@pytest.mark.parametrize("events", ENDED.values(), ids=ENDED)
def test_it_goes_when_nothing_is_left(events: tuple[Event, ...], job: Job) -> None:
    """Of a rollout that has ended, or of which only Pulumi is left, it does nothing; nor of one that never began."""
    assert job.stands(5) == 0
    job.dog.shop.write(BEGUN, *events)
    assert (job.stands(5), job.dog.driven) == (0, [])


def test_what_nobody_drives_goes_back(job: Job) -> None:
    """Whoever drove it is gone for longer than the plan allows: it is taken back, with the reason, and then the Job goes."""
    job.dog.shop.write(BEGUN, Proved(2.0), Shifted(3.0))
    assert job.stands(60) == 11
    [request] = job.dog.shop.requests(NAME)
    assert (request["verb"], request["why"]) == ("abort", "nobody drove it for 10 s")
    assert [each.phase for each in job.dog.driven] == [Phase.BAKING]


def test_while_somebody_drives_it_waits(job: Job) -> None:
    """As long as a terminal drives it looks on, however long that takes."""
    job.dog.shop.write(replace(BEGUN), Proved(2.0))
    with FileJournal(job.dog.shop.journal).open(NAME), pytest.raises(Over):
        job.stands(600)
    assert job.dog.driven == []


def test_what_is_asked_for_it_drives_at_once(job: Job) -> None:
    """Where it is asked to drive nobody is waited for."""
    job.dog.shop.write(BEGUN, Proved(2.0))
    FileMailbox(job.dog.shop.journal).post(NAME, {"verb": "drive", "by": "ann", "at": 1.0})
    assert (job.stands(5), len(job.dog.driven)) == (1, 1)


def test_what_cannot_be_read_is_told_once(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    """A journal that cannot be read is looked at again, and its trouble said once."""
    job.dog.shop.write(BEGUN, Proved(2.0))
    file = job.dog.shop.journal / f"{NAME}.jsonl"
    file.write_bytes(b"?" + file.read_bytes())
    with pytest.raises(JournalError):
        job.dog.site().rollout(NAME)
    with pytest.raises(Over):
        job.stands(5)
    assert capsys.readouterr().err.count("line 1 of the journal is damaged") == 1
