"""What holds of requests in a real API server, whoever posts them and however many at once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from kube_api import Api

from tests.smoke.journals.cluster_harness import ROLLOUT, Yard, opened


@pytest.fixture
def yard(kube_api: Api, namespace: str) -> Iterator[Yard]:
    """A namespace with journals."""
    with opened(kube_api, namespace) as made:
        yield made


def test_many_who_post_at_once_are_all_heard(yard: Yard) -> None:
    """However many post in the same second, all is there once, and what is new is always behind what somebody has read."""
    with ThreadPoolExecutor(4) as pool:
        posting = [pool.submit(_post_five, yard, name) for name in "abcd"]
        seen = [yard.mailbox().requests(ROLLOUT)]
        while not all(each.done() for each in posting):
            seen.append(yard.mailbox().requests(ROLLOUT))
        for each in posting:
            each.result()
    seen.append(yard.mailbox().requests(ROLLOUT))

    assert sorted(each["by"] for each in seen[-1]) == sorted(f"{name}{number}" for name in "abcd" for number in range(5))
    assert all(list(after[: len(before)]) == list(before) for before, after in pairwise(seen))


def _post_five(yard: Yard, name: str) -> None:
    mailbox = yard.mailbox()
    for number in range(5):
        mailbox.post(ROLLOUT, {"by": f"{name}{number}"})


def test_a_request_is_not_changed_and_a_damaged_one_passed_over(yard: Yard) -> None:
    """Nobody can change a request; one that is no record of ours costs itself alone, and eleven come after ten."""
    mailbox = yard.mailbox()
    for number in range(12):
        mailbox.post(ROLLOUT, {"n": number})
    name = f"crossfade-{yard.stack}-{ROLLOUT}-request-3"
    with pytest.raises(RuntimeError, match="field is immutable"):
        yard.kubectl("patch", "configmap", name, "--type", "merge", "-p", '{"data": {"request": "x"}}')
    damaged = yard.get("configmap", name)
    damaged["data"]["request"] = damaged["data"]["request"].replace("2", "7")
    yard.kubectl("replace", "--force", "-f", "-", stdin=json.dumps(damaged))

    assert [each["n"] for each in mailbox.requests(ROLLOUT)] == [0, 1, *range(3, 12)]


def test_a_request_does_not_depose(yard: Yard) -> None:
    """Requests, and rollouts that others read, are in no writer's way."""
    with yard.journal().open(ROLLOUT) as writer:
        writer.append({"n": 1})
        yard.mailbox().post(ROLLOUT, {"verb": "abort"})
        yard.numbers()
        writer.append({"n": 2})

    assert yard.numbers() == [1, 2]
