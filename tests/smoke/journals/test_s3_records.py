"""What holds of a journal in a bucket: its records, whoever else looks at them or changes them, and requests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

import pytest

from smoke.clock import FakeClock
from smoke.errors import JournalError
from smoke.journals import LEASE
from smoke.journals.s3_place import policy
from smoke.journals.s3_records import Entry
from tests.smoke.journals.s3_harness import ROLLOUT, Eventful, Yard, die

pytestmark = pytest.mark.aws


def written(yard: Yard, count: int = 3) -> list[str]:
    """A rollout with so many records: the names of its objects, the first of which has none."""
    with yard.journal().open(ROLLOUT) as writer:
        for number in range(count):
            writer.append({"n": number})
    return yard.keys("rollouts")


def refused(yard: Yard) -> JournalError:
    """What is said of a journal that cannot be read."""
    with pytest.raises(JournalError) as caught:
        yard.numbers()
    return caught.value


# Records


def test_an_append_is_one_request(bucket: Yard) -> None:
    """An append is one request and a renewal in time is none; who looks again fetches what is new alone."""
    service, clock = Eventful(bucket, 0, die), FakeClock()
    journal, mailbox = bucket.journal(clock, service), bucket.mailbox(service, clock)
    with journal.open(ROLLOUT) as writer:
        before = service.asked
        for number in range(10):
            writer.append({"n": number})
            writer.renew(LEASE * 2 / 3)
        assert service.asked == before + 10
        assert len(journal.records(ROLLOUT)) == 10
        assert service.asked == before + 10 + 1 + 11
        writer.append({"n": 10})
        assert len(journal.records(ROLLOUT)) == 11
        assert service.asked == before + 22 + 1 + 2
        mailbox.requests(ROLLOUT)
        assert service.asked == before + 26


def test_more_than_is_listed_at_once(bucket: Yard) -> None:
    """More rollouts, records and requests than the service lists at once are all found, in order; writers go on at the end."""
    bucket.front.page = 3
    names = [f"{number:04d}-a" for number in range(1, 8)]
    for name in names:
        with bucket.journal().open(name):
            pass
        bucket.mailbox().post(ROLLOUT, {"for": name})
    written(bucket, 10)
    with bucket.journal().open(ROLLOUT) as last:
        last.append({"n": 10})

    assert bucket.journal().rollouts() == names
    assert bucket.numbers() == [*range(11)]
    assert [each["for"] for each in bucket.mailbox().requests(ROLLOUT)] == names


def test_who_reads_meanwhile_sees_whole_records(bucket: Yard) -> None:
    """Whoever reads while records are written sees those of them that are there, whole and in order, and none twice."""
    seen: list[list[int]] = []
    with ThreadPoolExecutor(1) as pool, bucket.journal().open(ROLLOUT) as writer:
        writing = pool.submit(lambda: [writer.append({"n": number}) for number in range(60)])
        while not writing.done():
            seen.append(bucket.numbers())
        writing.result()
    seen.append(bucket.numbers())

    assert seen[-1] == [*range(60)]
    assert all(found == [*range(len(found))] for found in seen)
    assert all(len(before) <= len(after) for before, after in pairwise(seen))


def test_stacks_of_a_bucket_know_nothing_of_each_other(bucket: Yard) -> None:
    """Two stacks of one bucket have writers, records and requests of their own, also where one name begins like the other."""
    other = Yard(bucket.ground)
    other.bucket, other.stack = bucket.bucket, f"{bucket.stack}-2"
    with bucket.journal().open(ROLLOUT) as mine, other.journal().open(ROLLOUT) as theirs:
        mine.append({"n": 1})
        theirs.append({"n": 2})
        other.mailbox().post(ROLLOUT, {"verb": "abort"})

    assert (bucket.numbers(), other.numbers()) == ([1], [2])
    assert bucket.mailbox().requests(ROLLOUT) == []
    assert bucket.journal().rollouts() == [ROLLOUT]


@pytest.mark.parametrize("place", [0, 2, 3])
@pytest.mark.parametrize("text", ["", "00000000 {}", "\x00" * 40, '{"n": 1}'])
def test_a_record_that_was_edited_is_refused(bucket: Yard, place: int, text: str) -> None:
    """An object that somebody edited, be it the last, is refused with its name, and with what to do."""
    names = written(bucket)
    bucket.write(names[place], text)
    error = refused(bucket)
    name = names[place].rpartition("/")[2]

    assert error.what == f"object {name} of the journal is damaged"
    assert error.where == f"s3://{bucket.bucket}/{bucket.where.key(names[place])}"
    assert f"remove the objects from {name} on, and run `crossfade abort`" in str(error.hint)


def test_an_edit_is_seen_by_who_has_read(bucket: Yard) -> None:
    """Who has read a record before somebody edits it sees that it was."""
    journal, names = bucket.journal(), written(bucket)
    assert len(journal.records(ROLLOUT)) == 3
    bucket.write(names[1], "edited")
    with pytest.raises(JournalError, match=r"object 00000002.json of the journal is damaged"):
        journal.records(ROLLOUT)


def test_an_entry_in_the_place_of_another_is_refused(bucket: Yard) -> None:
    """A whole entry that stands in the place of another, or leaves out what is not its writer's, is refused."""
    names = written(bucket)
    second = bucket.read(names[1])
    bucket.write(names[2], second)
    assert refused(bucket).what == "object 00000003.json of the journal is damaged"
    bucket.write(names[2], Entry(3, "9 another", 1, {"n": 9}).text)

    assert refused(bucket).what == "object 00000003.json of the journal is damaged"


def test_records_that_are_missing_or_not_ours_are_refused(bucket: Yard) -> None:
    """A record that was removed from the middle, or an object that is none of ours, is refused."""
    names = written(bucket)
    bucket.write(f"rollouts/{ROLLOUT}/note.txt", "seen by ann")
    assert refused(bucket).what == "object 00000005.json of the journal is missing"
    bucket.remove(names[1])

    assert refused(bucket).what == "object 00000002.json of the journal is missing"


def test_the_hint_mends_a_damaged_journal(bucket: Yard) -> None:
    """Once what is damaged and all that follows was removed, as the error says, the next writer goes on from there."""
    names = written(bucket)
    bucket.write(names[2], "damaged")
    assert "remove the objects from 00000003.json on" in str(refused(bucket).hint)
    for name in names[2:]:
        bucket.remove(name)
    with bucket.journal().open(ROLLOUT) as writer:
        writer.append({"n": 9})

    assert bucket.numbers() == [0, 9]


def test_what_is_in_the_way_is_said(bucket: Yard) -> None:
    """A writer that finds what nobody of ours wrote in the place of its next record says so, and goes on once it is removed."""
    name = f"rollouts/{ROLLOUT}/00000003.json"
    with bucket.journal().open(ROLLOUT) as writer:
        writer.append({"n": 1})
        bucket.write(name, "seen by ann")
        with pytest.raises(JournalError, match=r"object 00000003.json of the journal is damaged"):
            writer.append({"n": 2})
        bucket.remove(name)
        writer.append({"n": 3})

    assert bucket.numbers() == [1, 3]


# Requests


def test_many_who_post_at_once_are_all_heard(bucket: Yard) -> None:
    """However many post in the same second, all is there once, and what is new is always behind what somebody has read."""
    with ThreadPoolExecutor(4) as pool:
        posting = [pool.submit(_post_five, bucket, name) for name in "abcd"]
        seen = [bucket.mailbox().requests(ROLLOUT)]
        while not all(each.done() for each in posting):
            seen.append(bucket.mailbox().requests(ROLLOUT))
        for each in posting:
            each.result()
    seen.append(bucket.mailbox().requests(ROLLOUT))

    assert sorted(each["by"] for each in seen[-1]) == sorted(f"{name}{number}" for name in "abcd" for number in range(5))
    assert all(list(after[: len(before)]) == list(before) for before, after in pairwise(seen))


def _post_five(bucket: Yard, name: str) -> None:
    mailbox = bucket.mailbox()
    for number in range(5):
        mailbox.post(ROLLOUT, {"by": f"{name}{number}"})


def test_a_damaged_request_is_passed_over(bucket: Yard) -> None:
    """A request that is no record of ours costs itself alone, and eleven come after ten."""
    mailbox = bucket.mailbox()
    for number in range(12):
        mailbox.post(ROLLOUT, {"n": number})
    bucket.write(f"requests/{ROLLOUT}/00000003.json", "damaged")
    bucket.write(f"requests/{ROLLOUT}/note.txt", "seen by ann")

    assert [each["n"] for each in mailbox.requests(ROLLOUT)] == [0, 1, *range(3, 12)]


def test_a_request_does_not_depose(bucket: Yard) -> None:
    """Requests, and rollouts that others read, are in no writer's way."""
    with bucket.journal().open(ROLLOUT) as writer:
        writer.append({"n": 1})
        bucket.mailbox().post(ROLLOUT, {"verb": "abort"})
        bucket.numbers()
        writer.append({"n": 2})

    assert bucket.numbers() == [1, 2]


# Rights

OF = {"GetObject": "s3:GetObject", "PutObject": "s3:PutObject", "ListObjectsV2": "s3:ListBucket"}
"""Who may make a call, as Amazon's own list has it."""


@contextmanager
def heard(client: Any) -> Iterator[list[tuple[str, dict[str, Any]]]]:  # noqa: ANN401 - boto3's own
    """Every call that is made, by what botocore itself says of it."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def hear(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
        calls.append((model.name, dict(params)))

    client.meta.events.register("provide-client-params.s3", hear)
    yield calls
    client.meta.events.unregister("provide-client-params.s3", hear)


def test_the_policy_has_what_is_asked_and_no_more(bucket: Yard) -> None:
    """Everything that driver, person and reader ask is allowed by the policy, and all that it allows is asked."""
    clock, document = FakeClock(), policy(bucket.settings)
    with heard(bucket.client) as calls:
        journal, mailbox = bucket.journal(clock), bucket.mailbox(clock=clock)
        with journal.open(ROLLOUT) as writer:
            writer.append({"n": 1})
            clock.sleep(LEASE / 2)
            writer.append({"n": 2})
            mailbox.post(ROLLOUT, {"verb": "abort"})
            mailbox.requests(ROLLOUT)
            journal.holder()
        journal.records(journal.rollouts()[0])
        bucket.remove("lease.json")
        with journal.open("0002-b"):
            pass
    objects, lists = document["Statement"]
    asked = [call for call in calls if call[0] != "DeleteObject"]  # the test's own

    assert {OF[name] for name, _ in asked} == {*objects["Action"], *lists["Action"]}
    for name, words in asked:
        assert words["Bucket"] == bucket.bucket
        if OF[name] in lists["Action"]:
            assert fnmatchcase(words["Prefix"], lists["Condition"]["StringLike"]["s3:prefix"])
        else:
            assert fnmatchcase(f"{lists['Resource']}/{words['Key']}", objects["Resource"])
