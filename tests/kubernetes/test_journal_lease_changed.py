"""The lease of a journal in a real API server, after a person has changed or removed it."""

import json
from collections.abc import Iterator

import pytest
from kube_api import Api

from smoke.clock import FakeClock
from smoke.errors import Deposed, Locked
from smoke.journals import LEASE
from tests.smoke.journals.cluster_harness import ROLLOUT, Yard, opened


@pytest.fixture
def yard(kube_api: Api, namespace: str) -> Iterator[Yard]:
    """A namespace with journals."""
    with opened(kube_api, namespace) as made:
        yield made


def test_a_lease_that_was_removed(yard: Yard) -> None:
    """Where somebody removes the lease its owner is deposed by the next renewal, and the next one has a greater token."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT) as old:
        old.append({"n": 1})
        yard.kubectl("delete", "lease", f"crossfade-{yard.stack}")
        clock.sleep(LEASE / 2)
        with pytest.raises(Deposed) as lost:
            old.append({"n": 2})
        with yard.journal(clock).open("0002-b"):
            holder = yard.journal(clock).holder()

    assert lost.value.cause == "its lease was removed or damaged"
    assert holder is not None
    assert holder.token == 2
    assert yard.numbers() == [1]


def test_a_removed_lease_keeps_the_writer_before_out(yard: Yard) -> None:
    """Where the lease is removed and taken, the one before writes nothing more, to any rollout."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT) as old:
        old.append({"n": 1})
        yard.kubectl("delete", "lease", f"crossfade-{yard.stack}")
        with yard.journal(clock).open("0002-b"), pytest.raises(Deposed):
            old.append({"n": 2})

    assert yard.numbers() == [1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"owner": 1, "until": 1e999, "taking": {}, "rollouts": "x"}', "[" * 5000])
def test_a_lease_that_was_changed_by_hand(yard: Yard, text: str) -> None:
    """A lease that does not say who has it is somebody's for its length, and then free; who had it is deposed."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT) as old:
        old.append({"n": 1})
        lease = yard.lease
        lease["metadata"]["annotations"]["crossfade/writer"] = text
        lease["spec"].update(holderIdentity="somebody", leaseDurationSeconds=15)
        yard.kubectl("replace", "-f", "-", stdin=json.dumps(lease))
        journal = yard.journal(clock)
        holder = journal.holder()
        assert holder is not None
        assert holder.user == "somebody"
        with pytest.raises(Locked), journal.open("0002-b"):
            pass
        clock.sleep(LEASE)
        with journal.open("0002-b"), pytest.raises(Deposed):
            old.append({"n": 2})

    assert yard.numbers() == [1]
