"""A journal in a real API server when its writer dies, stands still or is not heard, at any of the requests that it makes."""

from collections.abc import Callable, Iterator

import pytest
from kube_api import Api

from smoke.clock import FakeClock
from smoke.cluster import LEASE as KIND
from smoke.errors import CrossfadeError, Deposed, JournalError
from smoke.journals import LEASE, ClusterJournal
from tests.smoke.journals.cluster_harness import ROLLOUT, Died, Eventful, Yard, die, lose, opened

LARGE = "x" * 40_000
"""Each record of it begins another ConfigMap."""
WHOLE = 40
"""Requests that three appends do not need."""


@pytest.fixture
def yard(kube_api: Api, namespace: str) -> Iterator[Yard]:
    """A namespace with journals."""
    with opened(kube_api, namespace) as made:
        yield made


def every(yard: Yard, event: Callable[[], None], *, after: bool) -> Iterator[tuple[Yard, Eventful]]:
    """A stack of its own for each request at which something happens, until there is none."""
    for at in range(1, WHOLE):
        stack = Yard(yard.api, yard.namespace)
        cluster = Eventful(stack, at, event, after=after)
        yield stack, cluster
        if cluster.asked < at:
            assert at > 8, "the requests were not counted"
            return
    pytest.fail("it never ended")


def appended(journal: ClusterJournal, clock: FakeClock, acknowledged: list[int], pause: float = LEASE / 2) -> None:
    """Append three large records, so many seconds apart."""
    with journal.open(ROLLOUT) as writer:
        for number in (1, 2, 3):
            writer.append({"n": number, "text": LARGE})
            acknowledged.append(number)
            clock.sleep(pause)


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_request(yard: Yard, *, after: bool) -> None:
    """Whichever request its writer dies at, the journal has every acknowledged record, at most one more, and the next gets in."""
    for stack, cluster in every(yard, die, after=after):
        acknowledged: list[int] = []
        clock = FakeClock()
        try:
            appended(stack.journal(clock, cluster), clock, acknowledged)
        except Died:
            clock.sleep(LEASE)
        with stack.journal(clock).open(ROLLOUT) as writer:
            writer.append({"n": 9})
        found = stack.numbers()
        assert found[-1] == 9
        assert found[:-1] in (acknowledged, [*acknowledged, len(acknowledged) + 1])


@pytest.mark.parametrize("after", [False, True])
def test_a_request_or_an_answer_that_is_lost(yard: Yard, *, after: bool) -> None:
    """Whichever request or answer is lost, all is there once."""
    for stack, cluster in every(yard, lose, after=after):
        clock = FakeClock()
        appended(stack.journal(clock, cluster), clock, [])
        assert stack.numbers() == [1, 2, 3]
        assert stack.journal(clock).holder() is None
        stack.mailbox(Eventful(stack, cluster.asked % 3 + 1, lose, after=after), clock).post(ROLLOUT, {"verb": "abort"})
        assert stack.mailbox().requests(ROLLOUT) == [{"verb": "abort"}]


@pytest.mark.parametrize("begun", [[], [0]])
@pytest.mark.parametrize(("rollout", "pause"), [(ROLLOUT, 0.0), (ROLLOUT, LEASE / 2), ("0002-b", 0.0)])
def test_whoever_stands_still_at_any_request_is_deposed(yard: Yard, rollout: str, pause: float, begun: list[int]) -> None:
    """Whichever request a writer stands still before while another takes over: it writes nothing more, or was not in yet.

    Its own clock says that no time has passed, so that it finds out by what it writes to alone, or by the lease too.
    """
    mine, theirs = FakeClock(), ahead(1000.0)
    acknowledged: list[int] = []
    seen: dict[str, tuple[list[int], list[int], int]] = {}
    stacks: list[Yard] = []

    def take_over() -> None:
        with stacks[-1].journal(theirs).open(rollout) as writer:
            seen[stacks[-1].stack] = stacks[-1].numbers(), [*acknowledged], takings(stacks[-1])
            writer.append({"n": 9})

    for stack, cluster in every(yard, take_over, after=False):
        stacks.append(stack)
        acknowledged.clear()
        for number in begun:
            with stack.journal(mine).open(ROLLOUT) as writer:
                writer.append({"n": number})
        told = _told(lambda cluster=cluster, stack=stack: appended(stack.journal(mine, cluster), mine, acknowledged, pause))
        if stack.stack not in seen:
            assert told is None
            continue
        records, before, taking = seen[stack.stack]
        assert records[: len(begun + before)] == begun + before
        if rollout == ROLLOUT:
            records = [*records, 9]
        late = takings(stack) > taking  # it had not taken the lease yet
        assert told is (None if late or before == [1, 2, 3] else Deposed)
        assert stack.numbers() == [*records, *([1, 2, 3] if late else [])]


def test_whoever_took_over_and_died_lets_nobody_back_in(yard: Yard) -> None:
    """Whichever request one dies at who takes over: after the next one's taking the first writes nothing more."""
    for stack, cluster in every(yard, die, after=True):
        with stack.journal(FakeClock()).open(ROLLOUT) as first:
            first.append({"n": 1})
            try:
                with stack.journal(ahead(1000.0), cluster).open("0002-b"):
                    pass
            except Died:
                pass
            with stack.journal(ahead(2000.0)).open("0003-c"), pytest.raises(Deposed):
                first.append({"n": 2})
        assert stack.numbers() == [1]


def takings(stack: Yard) -> int:
    """How often the lease was taken."""
    lease = stack.cluster().get(KIND, f"crossfade-{stack.stack}")
    return int(lease["spec"]["leaseTransitions"])


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


def test_an_append_that_failed_is_replaced_by_the_next(yard: Yard) -> None:
    """What an append left behind that was said to have failed is not there once the same writer has appended again."""
    clock = FakeClock()
    for large in ("", LARGE):
        stack = Yard(yard.api, yard.namespace)
        cluster = Failing(stack)
        with stack.journal(clock, cluster).open(ROLLOUT) as writer:
            writer.append({"n": 1, "text": large})
            cluster.fails = True
            with pytest.raises(JournalError, match="the journal cannot be written"):
                writer.append({"n": 2})
            assert stack.numbers() == [1, 2]
            cluster.fails = False
            writer.append({"n": 3, "text": large})
        assert stack.numbers() == [1, 3]


def test_a_configmap_that_was_closed_unheard_is_closed(yard: Yard) -> None:
    """Where nobody heard that the next ConfigMap may be begun, the next record is in it, and the one who takes over is safe."""
    clock = FakeClock()
    cluster = Failing(yard)
    with yard.journal(clock, cluster).open(ROLLOUT) as writer:
        writer.append({"n": 1, "text": LARGE})
        cluster.fails = True
        with pytest.raises(JournalError, match="the journal cannot be written"):
            writer.append({"n": 2, "text": LARGE})
        cluster.fails = False
        writer.append({"n": 3})
        with yard.journal(ahead(1000.0)).open("0002-b"), pytest.raises(Deposed):
            writer.append({"n": 4})

    assert yard.numbers() == [1, 3]


class Failing(Eventful):
    """A way to the server on which, for a while, no answer comes back."""

    def __init__(self, yard: Yard) -> None:
        super().__init__(yard, 0, lose)
        self.fails = False

    def _send(self, *words: object, **more: object) -> object:
        answer = super()._send(*words, **more)
        if self.fails:
            lose()
        return answer
