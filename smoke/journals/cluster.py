"""A journal in a cluster, beside what it speaks of: ConfigMaps for records and requests, a Lease for the one writer.

Whom the cluster's roles let write them can drive from any machine, and go on with what another one began. An append is durable
once the API server says so. Where the server is away for a while it is waited for, since nobody else can reach it either; an
answer that was lost is looked for before anything is sent again.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from infra.contract import Json
from smoke.clock import SystemClock
from smoke.cluster import CONFIG_MAP, LEASE, Cluster, Reach
from smoke.errors import JournalError
from smoke.journals.cluster_lease import ClusterLease
from smoke.journals.cluster_place import PATIENCE, READING, ROLLOUT_LABEL, Place, annotation, decoded, encoded
from smoke.journals.cluster_segments import PART, Head, Segments, number_of
from smoke.journals.lease import LEASE as LEASED
from smoke.journals.lease import USED
from smoke.journals.leasing import Tenure
from smoke.seams import Clock, Holder, Record
from smoke.settings import check, is_text

_REQUEST = "request"
_ANSWER = 2.0
"""Seconds that a cluster's API has for one answer: whoever drives has traffic to look after."""


class ClusterJournal:
    """The rollouts of one stack, in one namespace.

    One process keeps one of it: it remembers since when it has seen no renewal of another machine's lease.
    """

    def __init__(self, cluster: Cluster, stack: str, clock: Clock | None = None, *, watch: float = 0.0) -> None:
        """Nothing is asked yet.

        Args:
            cluster: the way there. Who drives is held up by no answer for longer than its timeout.
            stack: its name.
            clock: whose time the lease goes by.
            watch: seconds that ``open`` looks at another machine's lease, which may have run out, before it says who has it.
        """
        self._place = Place(cluster, stack, clock or SystemClock())
        self._lease = ClusterLease(self._place)
        self._watch = watch

    def rollouts(self) -> Sequence[str]:
        """Names of the rollouts, oldest first: names sort by age.

        Raises:
            JournalError: the cluster does not say.
        """
        with self._place.told("the journal cannot be read", CONFIG_MAP, self._place.named()):
            return self._known(READING)[0]

    def records(self, rollout: str) -> Sequence[Record]:
        """Everything that was appended, in order. Nothing here is ever torn: a record is there whole, or is not.

        Raises:
            JournalError: a record is damaged or missing, or the cluster does not say.
        """
        segments = Segments(self._place, rollout)
        with self._place.told("the journal cannot be read", CONFIG_MAP, segments.name(1)):
            return segments.records()

    @contextmanager
    def open(self, rollout: str) -> Iterator["ClusterWriter"]:
        """Become the stack's one writer, until the context or the process ends, or somebody takes over.

        Raises:
            Locked: another process is.
            JournalError: the lease cannot be taken, or the first ConfigMap cannot be made.
        """
        with self._place.told("the journal cannot be opened", LEASE, self._place.named()):
            known, greatest = self._known()
            tenure = self._lease.take(rollout, lambda found: (found.before(known) if found else known, greatest), self._watch)
        try:
            with self._place.told("the journal cannot be opened", CONFIG_MAP, self._place.named(rollout)):
                head = self._fenced(tenure, rollout)
            yield ClusterWriter(self._place, rollout, head, tenure)
        finally:
            tenure.end()

    def _fenced(self, tenure: Tenure, rollout: str) -> Head:
        """Keep whoever was the writer out of what it wrote to; returns where our first record belongs."""
        for each in tenure.fencing:
            if each != rollout:
                Segments(self._place, each).fence(tenure, begin=False)
        head = Segments(self._place, rollout).fence(tenure, begin=True)
        tenure.fenced()
        return head or Head(1)

    def _known(self, *limit: float) -> tuple[list[str], int]:
        """The rollouts, and the greatest token that any writer left in them."""
        found = self._place.looked(self._place.labels(part=PART), *limit, bare=True)
        named = [(str(each["metadata"]["labels"].get(ROLLOUT_LABEL)), each) for each in found]
        ours = [(rollout, each) for rollout, each in named if number_of(each, f"{self._place.named(rollout)}-")]
        tokens = [annotation(each, "writer").partition(" ")[0] for _, each in ours]
        return sorted({rollout for rollout, _ in ours}), max((int(each) for each in tokens if each.isdecimal()), default=0)

    def holder(self) -> Holder | None:
        """The one writer, or None.

        Of another machine's lease that has run out it takes its length, watched by this process, to be sure.

        Raises:
            JournalError: the cluster does not say.
        """
        with self._place.told("the lease cannot be read", LEASE, self._place.named()):
            return self._lease.holder()


class ClusterWriter:
    """Appends to one rollout's ConfigMaps: one request each, and a renewal of the lease now and then."""

    def __init__(self, place: Place, rollout: str, head: Head, tenure: Tenure) -> None:
        self._place = place
        self._segments = Segments(place, rollout)
        self._head = head
        self._tenure = tenure

    def append(self, record: Record) -> None:
        """Add a record; returns when the API server has it.

        Raises:
            JournalError: it may not be there: the server stayed away, or refuses. The next append takes its place.
            Deposed: another writer took over, and nothing was written.
        """
        line = encoded(record)
        with self._place.told("the journal cannot be written", CONFIG_MAP, self._segments.name(self._head.number)):
            self._tenure.keep(USED)
            if self._head.full(line):
                self._head = self._segments.seal(self._tenure, self._head)
            self._head = self._segments.put(self._tenure, self._head, line)

    def renew(self, seconds: float) -> None:
        """Stay the one writer for at least that long from now.

        Raises:
            JournalError: the lease could not be written.
            Deposed: another writer took over.
        """
        with self._place.told("the lease cannot be renewed", LEASE, self._place.named()):
            self._tenure.keep(seconds)


class ClusterMailbox:
    """Requests to rollouts, one ConfigMap each, which nobody can change. Whoever may make and list ConfigMaps may post.

    They are in the order of their numbers, and a number is given once the one before is there. So however many post in the same
    second, and whatever their clocks say, what is new is always behind what was read.
    """

    def __init__(self, cluster: Cluster, stack: str, clock: Clock | None = None) -> None:
        self._place = Place(cluster, stack, clock or SystemClock())

    def post(self, rollout: str, request: Record) -> None:
        """Leave a request, once.

        Raises:
            JournalError: it could not be written.
        """
        word, line = uuid.uuid4().hex, encoded(request)
        with self._place.told("the request cannot be written", CONFIG_MAP, self._place.named(rollout, _REQUEST)):
            number = max((number for number, _ in self._found(rollout, bare=True)), default=0) + 1
            while not self._posted(rollout, number, line, word):
                number += 1

    def requests(self, rollout: str) -> Sequence[Record]:
        """Everything that was posted and is whole, in order.

        Raises:
            JournalError: the cluster does not say.
        """
        with self._place.told("the requests cannot be read", CONFIG_MAP, self._place.named(rollout, _REQUEST)):
            lines = [str((each.get("data") or {}).get(_REQUEST)) for _, each in self._found(rollout)]
        return [record for record in map(decoded, lines) if record is not None]

    def _found(self, rollout: str, *, bare: bool = False) -> list[tuple[int, dict[str, Any]]]:
        found = self._place.looked(self._place.labels(rollout, _REQUEST), READING if bare else PATIENCE, bare=bare)
        prefix = f"{self._place.named(rollout, _REQUEST)}-"
        numbered = sorted(((number_of(each, prefix), each) for each in found), key=lambda pair: pair[0])
        return [(number, each) for number, each in numbered if number]

    def _posted(self, rollout: str, number: int, line: str, word: str) -> bool:
        """Whether it is there under that number, which somebody else may have been given."""
        name = self._place.named(rollout, _REQUEST, number)
        metadata = self._place.metadata(self._place.labels(rollout, _REQUEST), word=word)
        document = {"metadata": metadata, "immutable": True, "data": {_REQUEST: line}}
        try:
            if self._place.made(name, document, READING) is not None:
                return True
        except JournalError:
            return False  # the name is something else's
        found = self._place.found(CONFIG_MAP, name, READING)
        return found is not None and annotation(found, "word") == word


def in_cluster(settings: Mapping[str, Json], clock: Clock) -> tuple[ClusterJournal, ClusterMailbox]:
    """A stack's journal, and its mailbox, as a contract names them.

    Who opens it waits for as long as a lease lasts before he says that another machine's driver is there: it may be dead.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    hint = "it has: namespace, stack (texts); where it is not the current one, context (of the kubeconfig)"
    check("journal cluster", settings, {"namespace": is_text, "stack": is_text}, {"context": is_text}, hint)
    cluster, stack = Cluster(Reach(settings.get("context"), settings["namespace"]), _ANSWER), settings["stack"]
    return ClusterJournal(cluster, stack, clock, watch=LEASED), ClusterMailbox(cluster, stack, clock)
