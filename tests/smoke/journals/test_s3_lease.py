"""Who may write to a journal in a bucket: between processes, machines, and whatever a person does to the lease."""

import json
import re
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest

from smoke.clock import FakeClock
from smoke.errors import Deposed, JournalError, Locked
from smoke.journals import LEASE, S3Journal
from tests.smoke.journals.clocks import UnsteadyClock, later
from tests.smoke.journals.process import Child
from tests.smoke.journals.s3_harness import ROLLOUT, Eventful, Yard, die, hold, race, take_over

pytestmark = pytest.mark.aws
MOMENT = 0.001
ELSEWHERE: dict[str, Any] = {"host": "elsewhere", "boot": "another"}
TURNS = 20


def change(yard: Yard, fields: dict[str, object] | None = None, **owner: object) -> None:
    """Let the lease be somebody's who differs from its owner as said."""
    lease = json.loads(yard.read("lease.json"))
    lease["owner"].update(owner)
    yard.write("lease.json", json.dumps({**lease, **(fields or {})}))


def locked(journal: S3Journal) -> bool:
    """Whether nobody new is let in."""
    try:
        with journal.open("0002-b"):
            return False
    except Locked:
        return True


# Processes of this machine


@pytest.mark.processes
def test_a_killed_writer_leaves_no_lock(bucket: Yard) -> None:
    """While another process has the lease the error says who, since and until when; once it was killed others get in at once."""
    with Child(hold, bucket.place) as child:
        assert child.hear() == "held"
        assert child.ask(1) == "done"
        with pytest.raises(Locked) as refused, bucket.journal().open(ROLLOUT):
            pass
        holder = bucket.journal().holder()
        child.kill()
        assert bucket.journal().holder() is None
        with bucket.journal().open(ROLLOUT) as writer:
            writer.append({"n": 2})

        when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        cause = rf".+@.+, process {child.pid}, since {when}; its lease runs until {when}, unless it renews it"
        assert re.fullmatch(cause, refused.value.cause or "")
        assert holder is not None
        assert holder.pid == child.pid
    assert bucket.numbers() == [1, 2]


@pytest.mark.processes
def test_a_writer_that_was_killed_on_another_machine(bucket: Yard) -> None:
    """Whom nobody here can ask whether he lives keeps the stack until his lease has run out, and nothing of his comes later."""
    clock = FakeClock()
    with Child(hold, bucket.place) as child:
        assert child.hear() == "held"
        assert child.ask(1) == "done"
        child.kill()
        change(bucket, {"until": 1e9}, **ELSEWHERE)
        watching = bucket.journal(clock)
        assert locked(watching)
        clock.sleep(LEASE - MOMENT)
        assert locked(watching)
        clock.sleep(MOMENT)
        last = bucket.keys("rollouts")[-1]
        with watching.open(ROLLOUT) as writer:
            writer.append({"n": 2})
            late = {"Bucket": bucket.bucket, "Key": bucket.where.key(last.replace("2.json", "3.json")), "IfNoneMatch": "*"}
            with pytest.raises(bucket.client.exceptions.ClientError, match="PreconditionFailed"):
                bucket.client.put_object(**late, Body=b"of the dead one")
            writer.append({"n": 3})

    assert bucket.numbers() == [1, 2, 3]


@pytest.mark.processes
def test_a_stopped_writer_keeps_the_lease_while_it_runs(bucket: Yard) -> None:
    """A writer that was stopped keeps others out until its lease runs out; when it goes on it is deposed, and writes nothing."""
    with Child(hold, bucket.place) as child:
        assert child.hear() == "held"
        assert child.ask(1) == "done"
        child.stop()
        with pytest.raises(Locked), bucket.journal().open(ROLLOUT):
            pass
        with bucket.journal(later(LEASE)).open(ROLLOUT) as writer:
            child.go_on()
            assert child.ask(2) == "Deposed"
            writer.append({"n": 3})
            assert child.ask(None) == "ended"
            writer.append({"n": 4})
        child.join()

    assert bucket.numbers() == [1, 3, 4]


@pytest.mark.processes
def test_of_two_who_race_one_writes(bucket: Yard) -> None:
    """Two processes that race for the lease twenty times each never have it at once, and each taking has a greater token."""
    with ExitStack() as stack:
        racers = [stack.enter_context(Child(race, bucket.place)) for _ in range(2)]
        for each in racers:
            each.tell(TURNS)
        tokens = [token for each in racers for token in each.hear()]
        for each in racers:
            each.join()
    found = bucket.numbers()

    assert found[::2] == found[1::2] == sorted(tokens)
    assert len(set(tokens)) == len(tokens) == 2 * TURNS
    assert all(before < after for before, after in pairwise(found[::2]))


@pytest.mark.processes
def test_of_many_who_take_over_one_does(bucket: Yard) -> None:
    """When the lease of a stopped writer has run out and many try to take it, exactly one gets it."""
    with Child(hold, bucket.place) as old, ExitStack() as stack:
        takers = [stack.enter_context(Child(take_over, bucket.place)) for _ in range(3)]
        assert old.hear() == "held"
        old.stop()
        for each in takers:
            assert each.hear() == "ready"
        for each in takers:
            each.tell("go")
        taken = [each.hear() for each in takers]
        old.go_on()
        assert old.ask(0) == "Deposed"

    assert bucket.numbers() == [each for each in taken if each is not None]
    assert len(bucket.numbers()) == 1


# Other machines


def test_of_another_machine(bucket: Yard) -> None:
    """The lease of another machine runs until it was seen unrenewed for its length, whatever the dates say, and no longer."""
    clock = UnsteadyClock()
    with bucket.journal(clock).open(ROLLOUT):
        change(bucket, **ELSEWHERE, pid=1)
        watching = bucket.journal(clock)
        clock.ahead = 1e6
        assert watching.holder() is not None
        clock.sleep(LEASE - MOMENT)
        assert watching.holder() is not None
        assert locked(bucket.journal(clock)), "who has only come has seen nothing yet"
        clock.sleep(MOMENT)
        assert watching.holder() is None
        assert not locked(watching)


def test_a_renewal_of_another_machine_is_seen(bucket: Yard) -> None:
    """Each renewal of another machine's lease lets it run from when it is seen, for as long as it says."""
    clock = FakeClock()
    with bucket.journal(clock).open(ROLLOUT):
        change(bucket, **ELSEWHERE)
        watching = bucket.journal(clock)
        assert watching.holder() is not None
        clock.sleep(LEASE - MOMENT)
        change(bucket, {"duration": 30.0}, **ELSEWHERE)
        assert watching.holder() is not None
        clock.sleep(30.0 - MOMENT)
        assert watching.holder() is not None
        clock.sleep(2 * MOMENT)
        assert watching.holder() is None


def test_a_lease_is_watched_by_who_may_wait(bucket: Yard) -> None:
    """Who may wait takes the lease of a machine that is gone once it was seen for its length; a long one is not waited for."""
    clock = FakeClock()
    with bucket.journal(clock).open(ROLLOUT) as old:
        change(bucket, {"duration": 900.0}, **ELSEWHERE)
        with pytest.raises(Locked), bucket.journal(clock, watch=LEASE).open(ROLLOUT):
            pass
        assert clock.now() == 0.0
        change(bucket, {"duration": LEASE}, **ELSEWHERE)
        with bucket.journal(clock, watch=LEASE).open(ROLLOUT) as new:
            assert clock.now() == pytest.approx(LEASE)
            new.append({"n": 1})
            with pytest.raises(Deposed):
                old.append({"n": 2})

    assert bucket.numbers() == [1]


# What a person does to it


def test_a_lease_that_was_removed(bucket: Yard) -> None:
    """Where somebody removes the lease its owner is kept out of every rollout, and the next one has a greater token."""
    clock = FakeClock()
    tokens = []
    with bucket.journal(clock).open("0002-b"):
        pass
    with bucket.journal(clock).open(ROLLOUT) as old:
        old.append({"n": 1})
        tokens.append(bucket.journal(clock).holder())
        bucket.remove("lease.json")
        with bucket.journal(clock).open("0003-c"):
            tokens.append(bucket.journal(clock).holder())
            with pytest.raises(Deposed) as lost:
                old.append({"n": 2})

    assert "process" in str(lost.value.cause)
    assert [each.token for each in tokens if each] == [2, 3]
    assert bucket.numbers() == [1]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"token": 1, "owner": null}', "\x00" * 300])
def test_a_lease_that_cannot_be_read_is_waited_for(bucket: Yard, text: str) -> None:
    """A lease that was damaged is somebody's for as long as one lasts; then the next has it, and the one before is deposed."""
    clock = FakeClock()
    with bucket.journal(clock).open(ROLLOUT) as old:
        old.append({"n": 1})
        bucket.write("lease.json", text)
        assert locked(bucket.journal(clock))
        with bucket.journal(clock, watch=LEASE).open(ROLLOUT) as new:
            holder = bucket.journal(clock).holder()
            with pytest.raises(Deposed):
                old.append({"n": 2})
            new.append({"n": 3})

    assert holder is not None
    assert holder.token == 2
    assert bucket.numbers() == [1, 3]


def test_it_names_who_took_over(bucket: Yard) -> None:
    """Whoever was deposed is told by whom, as far as that is known, and where to look."""
    clock = FakeClock()
    with bucket.journal(clock).open(ROLLOUT) as old:
        clock.sleep(LEASE)
        with bucket.journal(clock).open(ROLLOUT), pytest.raises(Deposed) as working:
            old.append({"n": 1})
        with pytest.raises(Deposed) as ended:
            old.append({"n": 1})
        bucket.remove("lease.json")
        with pytest.raises(Deposed) as lost:
            old.append({"n": 1})

    assert ", since" in (working.value.cause or "")
    assert ended.value.cause == "it has ended since"
    assert lost.value.cause == "its lease was removed or damaged"
    assert (working.value.where, working.value.hint) == (
        f"s3://{bucket.bucket}/{bucket.where.key('lease.json')}",
        "crossfade status",
    )


# A service that pays no heed to conditions


@pytest.mark.parametrize("ignored", ["IF_NONE_MATCH", "IF_MATCH"])
def test_a_bucket_without_conditions_is_refused(bucket: Yard, ignored: str) -> None:
    """Where a service ignores the conditions of a write the first lease is not made, and the error says why."""
    bucket.front.ignores = (ignored,)
    with pytest.raises(JournalError, match="does not keep conditions of writes") as refused, bucket.journal().open(ROLLOUT):
        pass

    assert "it overwrites what is there" in str(refused.value.cause)
    assert not bucket.has("lease.json")
    assert bucket.keys("rollouts") == []


def test_conditions_are_tried_once(bucket: Yard) -> None:
    """Whether the bucket keeps conditions is tried before the first lease is made; later openings cost six requests."""
    counts = []
    for _ in range(3):
        service = Eventful(bucket, 0, die)
        with bucket.journal(service=service).open(ROLLOUT):
            counts.append(service.asked)

    assert len(bucket.keys("probes")) == 1
    assert counts[0] > counts[1] == counts[2] == 6
