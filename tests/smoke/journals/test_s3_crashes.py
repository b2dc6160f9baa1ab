"""A journal in a bucket when its writer dies, stands still or is not heard, at any of the requests that it makes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from smoke.clock import FakeClock
from smoke.errors import CrossfadeError, Deposed, JournalError, Locked
from smoke.journals import LEASE, S3Journal
from smoke.journals.s3 import S3Writer
from smoke.journals.s3_lease import claim_of
from tests.smoke.journals.s3_harness import ROLLOUT, Died, Eventful, Yard, die, lose
from tests.smoke.journals.s3_server import records, writes

pytestmark = pytest.mark.aws
WHOLE = 40
"""Requests that three appends do not need."""


def every(bucket: Yard, event: Callable[[], None], *, after: bool) -> Iterator[tuple[Yard, Eventful]]:
    """A bucket of its own for each request at which something happens, until there is none."""
    for at in range(1, WHOLE):
        yard = Yard(bucket.ground)
        service = Eventful(yard, at, event, after=after)
        yield yard, service
        if service.asked < at:
            assert at > 8, "the requests were not counted"
            return
    pytest.fail("it never ended")


def appended(journal: S3Journal, clock: FakeClock, acknowledged: list[int], pause: float = LEASE / 2) -> None:
    """Append three records, so many seconds apart."""
    with journal.open(ROLLOUT) as writer:
        for number in (1, 2, 3):
            writer.append({"n": number})
            acknowledged.append(number)
            clock.sleep(pause)


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_request(bucket: Yard, *, after: bool) -> None:
    """Whichever request its writer dies at, the journal has every acknowledged record, at most one more, and the next gets in."""
    for yard, service in every(bucket, die, after=after):
        acknowledged: list[int] = []
        clock = FakeClock()
        try:
            appended(yard.journal(clock, service), clock, acknowledged)
        except Died:
            clock.sleep(LEASE)
        with yard.journal(clock).open(ROLLOUT) as writer:
            writer.append({"n": 9})
        found = yard.numbers()
        assert found[-1] == 9
        assert found[:-1] in (acknowledged, [*acknowledged, len(acknowledged) + 1])


@pytest.mark.parametrize("what", ["request", "answer"])
def test_a_request_or_an_answer_that_is_lost(bucket: Yard, what: str) -> None:
    """Whichever request or answer the connection breaks at, all is there once."""
    front, nothing = bucket.front, list[int]()

    def hang_up() -> None:
        front.lose(what, times=1)

    for yard, service in every(bucket, hang_up, after=False):
        clock = FakeClock()
        appended(yard.journal(clock, service), clock, nothing)
        assert yard.numbers() == [1, 2, 3]
        assert len(yard.keys("rollouts")) == 4
        assert yard.journal(clock).holder() is None
        front.lose(what, times=1, meant=writes)
        yard.mailbox(clock=clock).post(ROLLOUT, {"verb": "abort"})
        assert front.times == 0
        assert yard.mailbox().requests(ROLLOUT) == [{"verb": "abort"}]


@pytest.mark.parametrize("begun", [[], [0]])
@pytest.mark.parametrize(("rollout", "pause"), [(ROLLOUT, 0.0), (ROLLOUT, LEASE / 2), ("0002-b", 0.0)])
def test_whoever_stands_still_at_any_request_is_deposed(bucket: Yard, rollout: str, pause: float, begun: list[int]) -> None:
    """Whichever request a writer stands still before while another takes over: it writes nothing more, or was not in yet.

    Its own clock says that no time has passed, so that it finds out by what it writes to alone, or by the lease too.
    """
    mine, theirs = FakeClock(), ahead(1000.0)
    acknowledged: list[int] = []
    seen: dict[str, tuple[list[int], list[int], int]] = {}
    yards: list[Yard] = []

    def take_over() -> None:
        with yards[-1].journal(theirs).open(rollout) as writer:
            seen[yards[-1].bucket] = yards[-1].numbers(), [*acknowledged], takings(yards[-1])
            writer.append({"n": 9})

    for yard, service in every(bucket, take_over, after=False):
        yards.append(yard)
        acknowledged.clear()
        for number in begun:
            with yard.journal(mine).open(ROLLOUT) as writer:
                writer.append({"n": number})
        told = _told(lambda yard=yard, service=service: appended(yard.journal(mine, service), mine, acknowledged, pause))
        if yard.bucket not in seen:
            assert told is None
            continue
        found, before, taking = seen[yard.bucket]
        assert found[: len(begun + before)] == begun + before
        if rollout == ROLLOUT:
            found = [*found, 9]
        late = takings(yard) > taking  # it had not taken the lease yet
        assert told is (None if late or before == [1, 2, 3] else Deposed)
        assert yard.numbers() == [*found, *([1, 2, 3] if late else [])]


def test_whoever_took_over_is_not_disturbed(bucket: Yard) -> None:
    """Whichever request a writer stood still before, the one who took over meanwhile goes on when it wakes up."""
    mine, theirs = FakeClock(), ahead(1000.0)
    yards: list[Yard] = []
    writers: list[S3Writer] = []
    acknowledged: list[int] = []
    with ExitStack() as open_still:

        def take_over() -> None:
            writers.append(open_still.enter_context(yards[-1].journal(theirs).open(ROLLOUT)))
            writers[-1].append({"n": 8})

        for yard, service in every(bucket, take_over, after=False):
            yards.append(yard)
            acknowledged.clear()
            told = _told(lambda yard=yard, service=service: appended(yard.journal(mine, service), mine, acknowledged))
            if len(writers) < len(yards):
                assert told is None
                continue
            writers[-1].append({"n": 9})
            assert told in ({None} if acknowledged == [1, 2, 3] else {Deposed, Locked})
            assert yard.numbers() == [*acknowledged, 8, 9]


def test_whoever_took_over_and_died_lets_nobody_back_in(bucket: Yard) -> None:
    """Whichever request one dies at who takes over: after the next one's taking the first writes nothing more."""
    for yard, service in every(bucket, die, after=True):
        with yard.journal(FakeClock()).open(ROLLOUT) as first:
            first.append({"n": 1})
            try:
                with yard.journal(ahead(1000.0), service).open("0002-b"):
                    pass
            except Died:
                pass
            with yard.journal(ahead(2000.0)).open("0003-c"), pytest.raises(Deposed):
                first.append({"n": 2})
        assert yard.numbers() == [1]


def takings(yard: Yard) -> int:
    """How often the lease was taken."""
    return claim_of("", yard.read("lease.json")).token if yard.has("lease.json") else 0


def ahead(seconds: float) -> FakeClock:
    """A clock that is so far on."""
    clock = FakeClock()
    clock.sleep(seconds)
    return clock


def _told(act: Callable[[], None]) -> type[CrossfadeError] | None:
    try:
        act()
    except CrossfadeError as error:
        return type(error)
    return None


# An append that was said to have failed


def test_an_append_that_failed_is_replaced_by_the_next(bucket: Yard) -> None:
    """What appends left behind that were said to have failed does not count once the same writer has appended again."""
    clock = FakeClock()
    with bucket.journal(clock).open(ROLLOUT) as writer:
        writer.append({"n": 1})
        for number in (2, 3):
            bucket.front.lose("answer", meant=records)
            with pytest.raises(JournalError, match="the journal cannot be written"):
                writer.append({"n": number})
            bucket.front.calm()
            assert bucket.numbers() == [1, number] if number == 2 else [1, 3]
        writer.append({"n": 4})
        writer.append({"n": 5})

    assert bucket.numbers() == [1, 4, 5]


def test_an_append_that_failed_may_be_made_again(bucket: Yard) -> None:
    """The same record, appended again after it was said to have failed, is there once."""
    with bucket.journal(FakeClock()).open(ROLLOUT) as writer:
        bucket.front.lose("answer", meant=records)
        with pytest.raises(JournalError):
            writer.append({"n": 1})
        bucket.front.calm()
        writer.append({"n": 1})
        writer.append({"n": 2})

    assert bucket.numbers() == [1, 2]
    assert len(bucket.keys("rollouts")) == 3


def test_what_a_dead_writer_left_behind_counts(bucket: Yard) -> None:
    """An append whose answer was lost is there for whoever takes over; the deposed writer cannot take it back any more."""
    mine, theirs = FakeClock(), ahead(1000.0)
    with bucket.journal(mine).open(ROLLOUT) as old:
        bucket.front.lose("answer", meant=records)
        with pytest.raises(JournalError):
            old.append({"n": 1})
        bucket.front.calm()
        with bucket.journal(theirs).open(ROLLOUT) as new:
            assert bucket.numbers() == [1]
            with pytest.raises(Deposed):
                old.append({"n": 2})
            new.append({"n": 3})

    assert bucket.numbers() == [1, 3]


def test_a_record_that_arrives_late_is_not_accepted(bucket: Yard) -> None:
    """A write of a dead writer that the network delivers after another took over changes nothing."""
    mine, theirs = FakeClock(), ahead(1000.0)
    kept: list[dict[str, object]] = []
    with bucket.journal(mine, Delayed(bucket, kept)).open(ROLLOUT) as old:
        with pytest.raises(JournalError):
            old.append({"n": 1})
        with bucket.journal(theirs).open(ROLLOUT) as new:
            new.append({"n": 2})
            with pytest.raises(bucket.client.exceptions.ClientError, match="PreconditionFailed"):
                bucket.client.put_object(**kept[0])
            new.append({"n": 3})

    assert bucket.numbers() == [2, 3]


class Delayed(Eventful):
    """A way on which records are kept back, and nobody answers."""

    def __init__(self, yard: Yard, kept: list[dict[str, object]]) -> None:
        super().__init__(yard, 0, die)
        self._kept = kept

    def ask(self, operation: str, **words: object) -> object:
        """Ask, unless it is a record: what is kept back can be sent later."""
        if operation == "put_object" and b'"record"' in bytes(words["Body"]):  # type: ignore[call-overload]
            self._kept.append(words)
            lose()
        return super().ask(operation, **words)
