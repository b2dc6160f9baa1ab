"""Journals and mailboxes of every kind, for the suites that all of them pass, and the clock that they go by."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from asked_for import needs
from kube_api import kube_api, missing

from smoke.journals import JOURNALS, MAILBOXES, FileJournal, FileMailbox, MemoryJournal, MemoryMailbox
from smoke.seams import Journal, Mailbox
from tests.smoke.journals import s3_harness
from tests.smoke.journals.clocks import UnsteadyClock
from tests.smoke.journals.cluster_harness import Yard, opened

MARKS = {"cluster": pytest.mark.kubernetes, "s3": pytest.mark.aws}


@pytest.fixture
def clock() -> UnsteadyClock:
    """Time stands still until the test moves it."""
    return UnsteadyClock()


@pytest.fixture(scope="session")
def namespace_of_journals(request: pytest.FixtureRequest) -> Iterator[Yard]:
    """A namespace at an API server."""
    needs(request, "kubernetes", "starts an API server of its own: make test-kubernetes")
    if (reason := missing()) is not None:
        pytest.skip(reason)
    with kube_api() as api, opened(api, "conformance") as made:
        yield made


@pytest.fixture
def yard(namespace_of_journals: Yard) -> Yard:
    """A stack of the test's own in that namespace."""
    return Yard(namespace_of_journals.api, namespace_of_journals.namespace)


@pytest.fixture(scope="session")
def service_of_buckets(request: pytest.FixtureRequest) -> Iterator[s3_harness.Ground]:
    """A service that answers as Amazon S3 does."""
    needs(request, "aws", "starts a service of its own: make test-aws")
    pytest.importorskip("moto")
    with s3_harness.opened() as made:
        yield made


@pytest.fixture
def bucket(service_of_buckets: s3_harness.Ground) -> Iterator[s3_harness.Yard]:
    """A bucket of the test's own at that service."""
    yard = s3_harness.Yard(service_of_buckets)
    yield yard
    yard.front.calm()


def kinds(table: Collection[str]) -> list[object]:
    """Every kind in the table, as parameters."""
    return [pytest.param(kind, marks=MARKS.get(kind, ())) for kind in sorted(table)]


@pytest.fixture(params=kinds(JOURNALS))
def journal(request: pytest.FixtureRequest, tmp_path: Path, clock: UnsteadyClock) -> Journal:
    """Each journal of the table."""
    made: dict[str, Callable[[], Journal]] = {
        "cluster": lambda: request.getfixturevalue("yard").journal(clock),
        "file": lambda: FileJournal(tmp_path / "journal", clock),
        "memory": lambda: MemoryJournal(clock),
        "s3": lambda: request.getfixturevalue("bucket").journal(clock),
    }
    return made[request.param]()


@pytest.fixture(params=kinds(MAILBOXES))
def mailbox(request: pytest.FixtureRequest, tmp_path: Path) -> Mailbox:
    """Each mailbox of the table."""
    made: dict[str, Callable[[], Mailbox]] = {
        "cluster": lambda: request.getfixturevalue("yard").mailbox(),
        "file": lambda: FileMailbox(tmp_path),
        "memory": MemoryMailbox,
        "s3": lambda: request.getfixturevalue("bucket").mailbox(),
    }
    return made[request.param]()
