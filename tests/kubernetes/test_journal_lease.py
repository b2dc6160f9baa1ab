"""Who may write to a journal in a real API server: between processes, machines, and whatever a person does to the lease."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from kube_api import Api

from smoke.clock import FakeClock, SystemClock
from smoke.errors import Deposed, Locked
from smoke.journals import LEASE
from smoke.journals.owner import me
from tests.smoke.journals.clocks import UnsteadyClock, later
from tests.smoke.journals.cluster_harness import ROLLOUT, Yard, hold, opened, race, take_over
from tests.smoke.journals.process import Child

MOMENT = 0.001


@pytest.fixture
def yard(kube_api: Api, namespace: str) -> Iterator[Yard]:
    """A namespace with journals."""
    with opened(kube_api, namespace) as made:
        yield made


def change(yard: Yard, spec: dict[str, object] | None = None, **owner: object) -> None:
    """Let the lease be somebody's who differs from its owner as said."""
    lease = yard.lease
    said = json.loads(lease["metadata"]["annotations"]["crossfade/writer"])
    said["owner"].update(owner)
    its = said["owner"]
    lease["metadata"]["annotations"]["crossfade/writer"] = json.dumps(said)
    lease["spec"]["holderIdentity"] = f"{its['user']}@{its['host']}:{its['pid']}:{its['boot']}"
    lease["spec"].update(spec or {})
    yard.kubectl("replace", "-f", "-", stdin=json.dumps(lease))


ELSEWHERE: dict[str, Any] = {"host": "elsewhere", "boot": "another"}


def locked(yard: Yard, clock: FakeClock) -> bool:
    """Whether nobody new is let in."""
    try:
        with yard.journal(clock).open("0002-b"):
            return False
    except Locked:
        return True


# Processes of this machine


def test_a_killed_writer_leaves_no_lock(yard: Yard) -> None:
    """While another process has the lease the error says who, since and until when; once it was killed others get in at once."""
    with Child(hold, yard.place) as child:
        assert child.hear() == "held"
        assert child.ask(1) == "done"
        with pytest.raises(Locked) as refused, yard.journal().open(ROLLOUT):
            pass
        holder = yard.journal().holder()
        child.kill()
        assert yard.journal().holder() is None
        with yard.journal().open(ROLLOUT) as writer:
            writer.append({"n": 2})

        when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        cause = rf".+@.+, process {child.pid}, since {when}; its lease runs until {when}, unless it renews it"
        assert re.fullmatch(cause, refused.value.cause or "")
        assert holder is not None
        assert holder.pid == child.pid
    assert yard.numbers() == [1, 2]


def test_a_stopped_writer_keeps_the_lease_while_it_runs(yard: Yard) -> None:
    """A writer that was stopped keeps others out until its lease runs out; when it goes on it is deposed, and writes nothing."""
    with Child(hold, yard.place) as child:
        assert child.hear() == "held"
        assert child.ask(1) == "done"
        child.stop()
        with pytest.raises(Locked), yard.journal().open(ROLLOUT):
            pass
        with yard.journal(later(LEASE)).open(ROLLOUT) as writer:
            child.go_on()
            assert child.ask(2) == "Deposed"
            writer.append({"n": 3})
            assert child.ask(None) == "ended"
            writer.append({"n": 4})
        child.join()

    assert yard.numbers() == [1, 3, 4]


def test_of_many_who_race_one_writes(yard: Yard) -> None:
    """However many processes race for the lease, no two have it at the same time, and each taking has a greater token."""
    with ExitStack() as stack:
        racers = [stack.enter_context(Child(race, yard.place)) for _ in range(3)]
        for each in racers:
            each.tell(5)
        tokens = [token for each in racers for token in each.hear()]
        for each in racers:
            each.join()
    found = yard.numbers()

    assert found[::2] == found[1::2] == sorted(tokens)
    assert len(set(tokens)) == len(tokens) == 15
    assert all(before < after for before, after in pairwise(found[::2]))


def test_of_many_who_take_over_one_does(yard: Yard) -> None:
    """When the lease of a stopped writer has run out and many try to take it, exactly one gets it."""
    with Child(hold, yard.place) as old, ExitStack() as stack:
        takers = [stack.enter_context(Child(take_over, yard.place)) for _ in range(3)]
        assert old.hear() == "held"
        old.stop()
        for each in takers:
            assert each.hear() == "ready"
        for each in takers:
            each.tell("go")
        taken = [each.hear() for each in takers]
        old.go_on()
        assert old.ask(0) == "Deposed"

    assert yard.numbers() == [each for each in taken if each is not None]
    assert len(yard.numbers()) == 1


# Other machines


def test_of_another_machine(yard: Yard) -> None:
    """The lease of another machine runs until it was seen unrenewed for its length, whatever the dates say, and no longer."""
    clock = UnsteadyClock()
    with yard.journal(clock).open(ROLLOUT):
        change(yard, **ELSEWHERE, pid=1)
        watching = yard.journal(clock)
        clock.ahead = 1e6
        assert watching.holder() is not None
        clock.sleep(LEASE - MOMENT)
        assert watching.holder() is not None
        assert locked(yard, clock), "who has only come has seen nothing yet"
        clock.sleep(MOMENT)
        assert watching.holder() is None
        with watching.open("0002-b"):
            pass


def test_a_renewal_of_another_machine_is_seen(yard: Yard) -> None:
    """Each renewal of another machine's lease lets it run from when it is seen, for as long as it says."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT):
        change(yard, **ELSEWHERE)
        watching = yard.journal(clock)
        assert watching.holder() is not None
        clock.sleep(LEASE - MOMENT)
        change(yard, {"renewTime": "2001-01-01T00:00:00.000000Z", "leaseDurationSeconds": 30}, **ELSEWHERE)
        assert watching.holder() is not None
        clock.sleep(30.0 - MOMENT)
        assert watching.holder() is not None
        clock.sleep(2 * MOMENT)
        assert watching.holder() is None


def test_a_lease_is_watched_by_who_may_wait(yard: Yard) -> None:
    """Who may wait takes the lease of a machine that is gone once it was seen for its length; a long one is not waited for."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT) as old:
        change(yard, {"leaseDurationSeconds": 900}, **ELSEWHERE)
        with pytest.raises(Locked), yard.journal(clock, watch=LEASE).open(ROLLOUT):
            pass
        assert clock.now() == 0.0
        change(yard, {"leaseDurationSeconds": 15}, **ELSEWHERE)
        with yard.journal(clock, watch=LEASE).open(ROLLOUT) as new:
            assert clock.now() == pytest.approx(LEASE)
            new.append({"n": 1})
            with pytest.raises(Deposed):
                old.append({"n": 2})

    assert yard.numbers() == [1]


def test_whoever_renews_is_not_waited_for(yard: Yard) -> None:
    """Who watches the lease of another machine is refused as soon as it is renewed."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT):
        change(yard, **ELSEWHERE)
        renewed: list[float] = []

        def renew(now: float) -> None:
            if now >= 3.0 and not renewed:
                renewed.append(now)
                change(yard, {"renewTime": "2001-01-01T00:00:00.000000Z"}, **ELSEWHERE)

        clock.on_sleep(renew)
        with pytest.raises(Locked), yard.journal(clock, watch=LEASE).open(ROLLOUT):
            pass
        assert renewed == [clock.now()]


def test_of_a_machine_that_has_our_name(yard: Yard) -> None:
    """A machine that is called like this one, and is another, is not called dead by the processes that are here."""
    clock = FakeClock()
    with subprocess.Popen(["true"]) as nobody:
        pass
    with yard.journal(clock).open(ROLLOUT):
        change(yard, boot="another", pid=nobody.pid)
        assert locked(yard, clock)
        change(yard, boot=me().boot)
        assert not locked(yard, clock)


def test_a_machine_that_slept_asks(yard: Yard) -> None:
    """Who has not counted the time in which it slept, while another took over, is told so by its next renewal."""
    clock = UnsteadyClock()
    with yard.journal(clock).open(ROLLOUT) as old:
        with yard.journal(ahead(LEASE)).open(ROLLOUT):
            old.renew(LEASE)  # nothing says that it slept
        clock.ahead = 60.0
        with pytest.raises(Deposed):
            old.renew(LEASE)


def ahead(seconds: float) -> FakeClock:
    """A clock that is so far on."""
    clock = FakeClock()
    clock.sleep(seconds)
    return clock


# What it says


def test_it_names_who_took_over(yard: Yard) -> None:
    """Whoever was deposed is told by whom, as far as that is known, and where to look."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT) as old:
        clock.sleep(LEASE)
        with yard.journal(clock).open(ROLLOUT), pytest.raises(Deposed) as working:
            old.append({"n": 1})
        with pytest.raises(Deposed) as ended:
            old.append({"n": 1})

    assert f"process {os.getpid()}, since" in (working.value.cause or "")
    assert ended.value.cause == "it has ended since"
    assert working.value.where == f"Lease {yard.namespace}/crossfade-{yard.stack}"


def test_the_cluster_s_own_fields_are_as_others_have_them(yard: Yard) -> None:
    """Whoever reads leases with the cluster's tools sees who has it, since when and for how long, and how often it was taken."""
    with yard.journal().open(ROLLOUT):
        pass
    with yard.journal(SystemClock()).open(ROLLOUT) as writer:
        writer.renew(900.0)
        spec = yard.lease["spec"]

    assert re.fullmatch(rf".+@.+:{os.getpid()}:[0-9a-f-]{{36}}", spec["holderIdentity"])
    assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (900, 2)
    assert spec["acquireTime"] <= spec["renewTime"]


def test_the_lease_is_seldom_written(yard: Yard) -> None:
    """Appends, and renewals at every tick, write the lease when a third of it has run, and not in between."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT) as writer:
        written = set()
        for number in range(30):
            clock.sleep(0.5)
            writer.append({"n": number})
            writer.renew(LEASE * 2 / 3)
            written.add(yard.lease["metadata"]["resourceVersion"])

    assert len(written) == 3
