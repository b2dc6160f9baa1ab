"""What holds of every journal: records last, and there is one writer, whose place is taken once it does not answer."""

import getpass
import os
import socket

import pytest

from smoke.errors import Deposed, Exit, Locked
from smoke.journals import LEASE
from smoke.seams import Holder, Journal
from tests.smoke.journals.clocks import UnsteadyClock

YEAR = 365 * 86400.0
MOMENT = 0.001


def numbers(journal: Journal, rollout: str = "0001-a") -> list[int]:
    """What the records of a rollout are numbered."""
    return [record["n"] for record in journal.records(rollout)]


def token(journal: Journal) -> int:
    """The token of the one writer."""
    holder = journal.holder()
    assert holder is not None
    return holder.token


def locked(journal: Journal) -> bool:
    """Whether nobody is let in."""
    try:
        with journal.open("0002-b"):
            return False
    except Locked:
        return True


def test_records_come_back_in_order(journal: Journal) -> None:
    """What was appended is read in that order, by whoever asks, and survives another opening."""
    with journal.open("0001-a") as writer:
        writer.append({"event": "opened", "n": 1})
        writer.append({"event": "proved", "n": 2, "text": "ü\n"})
        assert numbers(journal) == [1, 2]
    with journal.open("0001-a") as writer:
        writer.append({"event": "shifted", "n": 3})

    assert numbers(journal) == [1, 2, 3]
    assert journal.records("0001-a")[1]["text"] == "ü\n"


def test_records_are_what_they_were(journal: Journal) -> None:
    """Whoever changes a record after it was appended, or after it was read, changes nothing of the journal."""
    record = {"n": 1, "because": ["slow"]}
    with journal.open("0001-a") as writer:
        writer.append(record)
    record["because"] = []
    journal.records("0001-a")[0]["because"].append("late")

    assert journal.records("0001-a") == [{"n": 1, "because": ["slow"]}]


def test_rollouts_are_listed_oldest_first(journal: Journal) -> None:
    """Every rollout that was opened is listed in the order of its name; one that is not known has no records."""
    for name in ("0002-b", "0001-a"):
        with journal.open(name) as writer:
            writer.append({"event": "opened"})

    assert list(journal.rollouts()) == ["0001-a", "0002-b"]
    assert list(journal.records("0003-c")) == []


def test_there_is_one_writer(journal: Journal) -> None:
    """While one writer is open a second is refused, for any rollout of the stack; afterwards it is let in."""
    with journal.open("0001-a"), pytest.raises(Locked) as refused, journal.open("0002-b"):
        pass
    with journal.open("0002-b"):
        pass

    assert not isinstance(refused.value, Deposed)
    assert journal.holder() is None


def test_the_lease_is_given_back_on_an_error(journal: Journal) -> None:
    """Whatever ends the context gives the lease back at once."""
    with pytest.raises(ZeroDivisionError), journal.open("0001-a"):
        raise ZeroDivisionError

    assert journal.holder() is None
    assert not locked(journal)


def test_the_holder_is_named(journal: Journal, clock: UnsteadyClock) -> None:
    """While a lease runs everybody can read whose it is; not before, not once it has run out, and not afterwards."""
    assert journal.holder() is None
    with journal.open("0001-a"):
        holder = journal.holder()
        clock.sleep(LEASE - MOMENT)
        still = journal.holder()
        clock.sleep(MOMENT)
        expired = journal.holder()
    began = clock.wall() - LEASE

    assert holder == Holder(getpass.getuser(), socket.gethostname(), os.getpid(), began, token=holder.token if holder else 0)
    assert still == holder
    assert expired is None
    assert journal.holder() is None


def test_a_lease_that_ran_out_is_taken(journal: Journal, clock: UnsteadyClock) -> None:
    """Once the lease has run out, and no moment earlier, another may take it; the first is told so, and writes nothing more."""
    with journal.open("0001-a") as old:
        old.append({"n": 1})
        clock.sleep(LEASE - MOMENT)
        assert locked(journal)
        clock.sleep(MOMENT)
        with journal.open("0001-a") as new:
            with pytest.raises(Deposed) as told:
                old.append({"n": 2})
            with pytest.raises(Deposed):
                old.renew(LEASE)
            new.append({"n": 3})

    assert numbers(journal) == [1, 3]
    assert told.value.exit is Exit.LOCKED
    assert told.value.what == "another driver took over while this one did not answer"


def test_the_deposed_gives_nothing_back(journal: Journal, clock: UnsteadyClock) -> None:
    """When the context of a writer ends that was deposed, the lease of the one who took over goes on."""
    first, second = journal.open("0001-a"), journal.open("0001-a")
    first.__enter__()
    clock.sleep(LEASE)
    new = second.__enter__()
    first.__exit__(None, None, None)
    assert locked(journal)
    new.append({"n": 1})
    second.__exit__(None, None, None)

    assert numbers(journal) == [1]
    assert not locked(journal)


def test_the_deposed_stays_so(journal: Journal, clock: UnsteadyClock) -> None:
    """A writer that was deposed does not come back when the one who took over has ended."""
    with journal.open("0001-a") as old:
        clock.sleep(LEASE)
        with journal.open("0002-b"):
            pass
        with pytest.raises(Deposed):
            old.append({"n": 1})

    assert numbers(journal) == []


def test_nobody_writes_after_the_end(journal: Journal) -> None:
    """A writer whose context has ended writes nothing."""
    with journal.open("0001-a") as writer:
        pass
    with pytest.raises(Deposed):
        writer.append({"n": 1})

    assert numbers(journal) == []


def test_tokens_grow(journal: Journal, clock: UnsteadyClock) -> None:
    """Every taking has a token above all before, also when the wall clock was set back meanwhile."""
    tokens = []
    for ahead in (0, 0, YEAR, 0, -YEAR):
        clock.ahead = ahead
        with journal.open("0001-a") as writer:
            tokens.append(token(journal))
            writer.append({"n": 1})
            writer.renew(2 * LEASE)
            assert token(journal) == tokens[-1]

    assert tokens == sorted(set(tokens))


@pytest.mark.parametrize("ahead", [-YEAR, YEAR])
def test_the_wall_clock_does_not_matter(journal: Journal, clock: UnsteadyClock, ahead: float) -> None:
    """When somebody sets the wall clock a lease runs as long as it would have."""
    with journal.open("0001-a") as old:
        clock.ahead = ahead
        clock.sleep(LEASE - MOMENT)
        assert locked(journal)
        old.renew(LEASE)
        clock.ahead = 0.0
        clock.sleep(LEASE - MOMENT)
        assert locked(journal)
        clock.sleep(MOMENT)
        assert not locked(journal)


def test_an_append_keeps_the_place(journal: Journal, clock: UnsteadyClock) -> None:
    """Whoever appends now and then is never deposed, and after each append has two thirds of a lease at least."""
    with journal.open("0001-a") as writer:
        for number in range(20):
            clock.sleep(LEASE / 4)
            writer.append({"n": number})
            assert locked(journal)
        clock.sleep(LEASE * 2 / 3 - MOMENT)
        assert locked(journal)
        clock.sleep(LEASE / 3 + MOMENT)
        assert not locked(journal)


def test_who_was_late_but_not_deposed_goes_on(journal: Journal, clock: UnsteadyClock) -> None:
    """A writer whose lease has run out, and was taken by nobody, appends, and has a whole lease again."""
    with journal.open("0001-a") as writer:
        clock.sleep(10 * LEASE)
        assert journal.holder() is None
        writer.append({"n": 1})
        clock.sleep(LEASE - MOMENT)
        assert locked(journal)

    assert numbers(journal) == [1]


def test_renewed_it_is_kept(journal: Journal, clock: UnsteadyClock) -> None:
    """A lease that was renewed runs for as long as was asked; what is asked or appended later does not shorten it."""
    with journal.open("0001-a") as writer:
        writer.renew(900.0)
        writer.renew(1.0)
        writer.append({"n": 1})
        clock.sleep(900.0 - MOMENT)
        assert locked(journal)
        clock.sleep(MOMENT)
        assert not locked(journal)


def test_renewing_for_less_keeps_two_thirds(journal: Journal, clock: UnsteadyClock) -> None:
    """Renewed at every tick for two thirds of a lease, it never runs for less than that, nor for more than a whole one."""
    with journal.open("0001-a") as writer:
        for _ in range(100):
            clock.sleep(LEASE / 50)
            writer.renew(LEASE * 2 / 3)
        clock.sleep(LEASE * 2 / 3 - MOMENT)
        assert locked(journal)
        clock.sleep(LEASE / 3 + MOMENT)
        assert not locked(journal)
