"""What holds of a journal in a real API server: its records, whoever else looks at them, and requests."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from kube_api import Api
from machine import wait_for

from smoke.clock import FakeClock
from smoke.errors import JournalError
from smoke.journals import LEASE
from tests.smoke.journals.cluster_harness import ROLLOUT, Eventful, Yard, lose, opened

FIRST = "crossfade-{}-0001-a-1"
LARGE = "x" * 30_000


@pytest.fixture
def yard(kube_api: Api, namespace: str) -> Iterator[Yard]:
    """A namespace with journals."""
    with opened(kube_api, namespace) as made:
        yield made


def written(yard: Yard, count: int = 3, text: str = "") -> str:
    """A rollout with so many records: the name of its first ConfigMap."""
    with yard.journal().open(ROLLOUT) as writer:
        for number in range(count):
            writer.append({"n": number, "text": text})
    return FIRST.format(yard.stack)


def merge(yard: Yard, name: str, document: object) -> None:
    """Change a ConfigMap as a person does."""
    yard.kubectl("patch", "configmap", name, "--type", "merge", "-p", json.dumps(document))


def refused(yard: Yard) -> JournalError:
    """What is said of a journal that cannot be read."""
    with pytest.raises(JournalError) as caught:
        yard.numbers()
    return caught.value


# Records


def test_records_fill_one_configmap_after_the_other(yard: Yard) -> None:
    """A long rollout is several ConfigMaps, none of them large; all is read in order, and the next writer goes on at the end."""
    written(yard, 7, LARGE)
    with yard.journal().open(ROLLOUT) as writer:
        writer.append({"n": 7})
        writer.append({"n": 8, "text": "y" * 200_000})
        writer.append({"n": 9})
    found = yard.get("configmaps", "-l", f"crossfade/stack={yard.stack},crossfade/rollout={ROLLOUT}")["items"]
    sizes = {each["metadata"]["name"][-1]: sum(map(len, each["data"].values())) for each in found}

    assert yard.numbers() == [*range(10)]
    assert list(sizes) == ["1", "2", "3", "4", "5", "6"]
    assert all(size < 1 << 16 for number, size in sizes.items() if number != "5")
    assert yard.journal().rollouts() == [ROLLOUT]


def test_an_append_is_one_request(yard: Yard) -> None:
    """An append is one request, a renewal in time is none, and a look at the requests or at a rollout is one."""
    cluster, clock = Eventful(yard, 0, lose), FakeClock()
    journal, mailbox = yard.journal(clock, cluster), yard.mailbox(cluster, clock)
    with journal.open(ROLLOUT) as writer:
        before = cluster.asked
        for number in range(10):
            writer.append({"n": number})
            writer.renew(LEASE * 2 / 3)
        assert cluster.asked == before + 10
        mailbox.requests(ROLLOUT)
        journal.records(ROLLOUT)
        assert cluster.asked == before + 12


def test_what_the_server_does_not_take_is_refused(yard: Yard) -> None:
    """A record that is larger than the cluster's limit is refused in its words, and the next one takes its place."""
    with yard.journal().open(ROLLOUT) as writer:
        writer.append({"n": 1})
        with pytest.raises(JournalError, match="the journal cannot be written") as caught:
            writer.append({"n": 2, "text": "x" * 1_100_000})
        writer.append({"n": 3})

    assert "Too long" in str(caught.value.cause)
    assert yard.numbers() == [1, 3]


def test_stacks_of_a_namespace_know_nothing_of_each_other(yard: Yard) -> None:
    """Two stacks of one namespace have writers, records and requests of their own, also where one name begins like the other."""
    other = Yard(yard.api, yard.namespace)
    other.stack = f"{yard.stack}-{ROLLOUT}"
    with yard.journal().open(ROLLOUT) as mine, other.journal().open(ROLLOUT) as theirs:
        mine.append({"n": 1})
        theirs.append({"n": 2})
        other.mailbox().post(ROLLOUT, {"verb": "abort"})

    assert (yard.numbers(), other.numbers()) == ([1], [2])
    assert yard.mailbox().requests(ROLLOUT) == []


def test_a_record_that_was_edited_is_refused(yard: Yard) -> None:
    """A record that somebody edited, be it the last, is refused with its place, and with what to do."""
    name = written(yard)
    merge(yard, name, {"data": {"000003": '00000000 {"n":7}'}})
    error = refused(yard)

    assert error.what == f"record 000003 of {name} is damaged"
    assert error.where == f"ConfigMap {yard.namespace}/{name}"
    assert f"edit configmap {name}   # remove 000003 and all that follow" in str(error.hint)


@pytest.mark.parametrize("data", [{"000002": None}, {"note": "seen by ann"}, {"000009": "x"}])
def test_records_that_are_missing_or_not_ours_are_refused(yard: Yard, data: dict[str, str | None]) -> None:
    """A record that was removed from the middle, or a key that is none of ours, is refused."""
    name = written(yard)
    merge(yard, name, {"data": data})

    assert refused(yard).what.startswith("record 00000")


def test_a_configmap_that_is_missing_is_refused(yard: Yard) -> None:
    """Where a ConfigMap before the last was removed, the journal is refused, with its name."""
    name = written(yard, 5, LARGE)
    yard.kubectl("delete", "configmap", name)

    assert refused(yard).what == f"ConfigMap {name} of the journal is missing"


def test_the_hint_mends_a_damaged_journal(yard: Yard) -> None:
    """Once what is damaged and all that follows was removed, as the error says, the next writer goes on from there."""
    first = written(yard, 6, LARGE)
    merge(yard, first, {"data": {"000002": "damaged"}})
    assert "remove the ConfigMaps from" in str(refused(yard).hint)
    merge(yard, first, {"data": {"000002": None}})
    yard.kubectl("delete", "configmap", f"{first[:-1]}2", f"{first[:-1]}3")
    with yard.journal().open(ROLLOUT) as writer:
        writer.append({"n": 9})

    assert yard.numbers() == [0, 9]


def test_a_copy_is_no_part_of_it(yard: Yard) -> None:
    """A copy that somebody keeps beside it, labels and all, is passed over."""
    name = written(yard)
    copy = yard.get("configmap", name)
    copy["metadata"] = {"name": f"{name}-copy", "labels": copy["metadata"]["labels"]}
    yard.kubectl("create", "-f", "-", stdin=json.dumps(copy))
    with yard.journal().open(ROLLOUT) as writer:
        writer.append({"n": 3})

    assert yard.numbers() == [0, 1, 2, 3]


def test_whoever_labels_it_is_in_nobodys_way(yard: Yard) -> None:
    """When somebody changes labels of what is written to, the writer goes on, and so does the lease."""
    clock = FakeClock()
    with yard.journal(clock).open(ROLLOUT) as writer:
        writer.append({"n": 1})
        yard.kubectl("label", "configmap", FIRST.format(yard.stack), "team=shop")
        yard.kubectl("label", "lease", f"crossfade-{yard.stack}", "team=shop")
        writer.append({"n": 2})
        clock.sleep(LEASE)
        writer.renew(LEASE)

    assert yard.numbers() == [1, 2]
    assert yard.lease["spec"].get("holderIdentity", "") == ""


def test_a_journal_that_was_taken_away_is_not_begun_anew(yard: Yard) -> None:
    """When somebody removes the ConfigMap that is written to, the next append is refused and begins no new one."""
    with yard.journal().open(ROLLOUT) as writer:
        writer.append({"n": 1})
        yard.kubectl("delete", "configmap", FIRST.format(yard.stack))
        with pytest.raises(JournalError, match="the journal cannot be written"):
            writer.append({"n": 2})

    assert yard.journal().rollouts() == []


def test_a_name_that_is_taken_is_said(yard: Yard) -> None:
    """A ConfigMap or a Lease of somebody else under one of our names is left alone, and named."""
    yard.kubectl("create", "configmap", FIRST.format(yard.stack))
    with pytest.raises(JournalError, match=f"ConfigMap {FIRST.format(yard.stack)} is not Crossfade's"):
        written(yard)
    other = Yard(yard.api, yard.namespace)
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": f"crossfade-{other.stack}"}}
    yard.kubectl("create", "-f", "-", stdin=json.dumps(lease))
    with pytest.raises(JournalError, match=f"Lease crossfade-{other.stack} is not Crossfade's"):
        written(other)


# A server that is not there


def test_a_server_that_comes_back(yard: Yard) -> None:
    """An append, a renewal and a look at the requests go on once the API server is back, and nothing is there twice."""
    mailbox = yard.mailbox()
    mailbox.post(ROLLOUT, {"verb": "pause"})
    with yard.journal().open(ROLLOUT) as writer, ThreadPoolExecutor(2) as pool:
        writer.append({"n": 1})
        with yard.api.away():
            writing: Future[None] = pool.submit(writer.append, {"n": 2})
            reading = pool.submit(mailbox.requests, ROLLOUT)
        writing.result()
        assert reading.result() == [{"verb": "pause"}]
        with yard.api.away():
            renewing: Future[None] = pool.submit(writer.renew, 900.0)
        renewing.result()

    assert yard.numbers() == [1, 2]


def test_a_server_that_stays_away(yard: Yard) -> None:
    """When the server stays away longer than the patience lasts, each act says so; the same writer goes on when it is back."""
    clock = FakeClock()
    journal, mailbox = yard.journal(clock), yard.mailbox(clock=clock)
    with journal.open(ROLLOUT) as writer:
        writer.append({"n": 1})
        with yard.api.away():
            for act, what in [
                (lambda: writer.append({"n": 2}), "the journal cannot be written"),
                (lambda: writer.renew(900.0), "the lease cannot be renewed"),
                (lambda: journal.records(ROLLOUT), "the journal cannot be read"),
                (journal.rollouts, "the journal cannot be read"),
                (journal.holder, "the lease cannot be read"),
                (lambda: mailbox.requests(ROLLOUT), "the requests cannot be read"),
                (lambda: mailbox.post(ROLLOUT, {}), "the request cannot be written"),
            ]:
                with pytest.raises(JournalError, match=what) as caught:
                    act()
                assert "the API server does not answer" in str(caught.value.cause)
        writer.append({"n": 3})

    assert yard.numbers() == [1, 3]


def test_a_namespace_that_is_not_there(yard: Yard) -> None:
    """Where there is no such namespace, it is said."""
    nowhere = Yard(yard.api, "nowhere")
    with pytest.raises(JournalError, match='namespaces "nowhere" not found'):
        written(nowhere)
    assert nowhere.journal().rollouts() == []


# Rights


def test_who_has_no_right_is_told_which(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may do nothing is told by the server what is missing, and which role has all that is needed."""
    monkeypatch.setenv("KUBECONFIG", str(yard.api.user("jo")))
    with pytest.raises(JournalError) as caught:
        written(yard)

    assert 'User "jo" cannot list resource "configmaps"' in str(caught.value.cause)
    assert str(caught.value.hint).startswith("a role that may get, list, create and patch configmaps")


def test_who_may_make_configmaps_may_post(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may list and make ConfigMaps, and change none, can leave a request and read the journal; not drive."""
    written(yard)
    yard.kubectl("create", "role", "asker", "--verb", "list,create", "--resource", "configmaps")
    yard.kubectl("create", "rolebinding", "asker", "--role", "asker", "--user", "al")
    monkeypatch.setenv("KUBECONFIG", str(yard.api.user("al")))
    wait_for(lambda: _posted(yard), "the role is known", limit=20.0)

    assert yard.mailbox().requests(ROLLOUT)[0] == {"verb": "abort"}
    assert yard.numbers() == [0, 1, 2]
    with pytest.raises(JournalError, match='cannot get resource "leases"'):
        written(yard)


def _posted(yard: Yard) -> bool:
    try:
        yard.mailbox().post(ROLLOUT, {"verb": "abort"})
    except JournalError:
        return False
    return True
