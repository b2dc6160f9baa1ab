"""A journal in a bucket: an object for each record, for each request, and for the lease of the one writer.

Whom a policy lets write there can drive from any machine, and go on with what another one began. An append is one request, and
durable once the service says so. Where it is away for a while it is waited for; an answer that was lost is looked for before
anything else is written.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from infra.contract import Json
from smoke.aws import Reach, Service
from smoke.clock import SystemClock
from smoke.journals.cluster_claim import Claim
from smoke.journals.cluster_place import PATIENCE, READING, decoded, encoded
from smoke.journals.lease import LEASE, USED
from smoke.journals.leasing import Tenure
from smoke.journals.s3_lease import NAME, S3Lease
from smoke.journals.s3_place import Place, Where
from smoke.journals.s3_records import FOLDER, Records, Tail, named, number_of
from smoke.seams import Clock, Holder, Record
from smoke.settings import check, is_text

_REQUESTS = "requests"
_ANSWER = 3.0
"""Seconds that the service has for one answer: whoever drives has traffic to look after."""


class S3Journal:
    """The rollouts of one stack, in one bucket.

    One process keeps one of it: it remembers since when it has seen no renewal of another machine's lease, and what it has read.
    """

    def __init__(self, service: Service, where: Where, clock: Clock | None = None, *, watch: float = 0.0) -> None:
        """Nothing is asked yet.

        Args:
            service: the way there. Who drives is held up by no answer for longer than its timeout.
            where: bucket, prefix and stack.
            clock: whose time the lease goes by.
            watch: seconds that ``open`` looks at another machine's lease, which may have run out, before it says who has it.
        """
        self._place = Place(service, where, clock or SystemClock())
        self._lease = S3Lease(self._place)
        self._watch = watch

    def rollouts(self) -> Sequence[str]:
        """Names of the rollouts, oldest first: names sort by age.

        Raises:
            JournalError: the bucket cannot be read.
        """
        folder = self._place.name.key(FOLDER, "")
        with self._place.told("the journal cannot be read", folder):
            return self._place.folders(folder, READING)

    def records(self, rollout: str) -> Sequence[Record]:
        """Everything that was appended, in order. Nothing here is ever torn: a record is there whole, or is not.

        Raises:
            JournalError: a record is damaged or missing, or the bucket cannot be read.
        """
        with self._place.told("the journal cannot be read", self._place.name.key(FOLDER, rollout, "")):
            return Records(self._place, rollout).records()

    @contextmanager
    def open(self, rollout: str) -> Iterator["S3Writer"]:
        """Become the stack's one writer, until the context or the process ends, or somebody takes over.

        Raises:
            Locked: another process is.
            JournalError: the lease cannot be taken, or the bucket keeps no conditions.
        """
        with self._place.told("the journal cannot be opened", self._place.name.key(NAME)):
            tenure = self._lease.take(rollout, self._before, self._watch)
        try:
            with self._place.told("the journal cannot be opened", self._place.name.key(FOLDER, rollout, "")):
                tail = Tail(self._place, rollout, tenure, self._fenced(tenure, rollout))
            yield S3Writer(self._place, tail, tenure)
        finally:
            tenure.end()

    def _fenced(self, tenure: Tenure, rollout: str) -> int:
        """Keep whoever was the writer out of what it wrote to; returns after which entry ours begin."""
        for each in tenure.fencing:
            if each != rollout:
                Records(self._place, each).fence(tenure, begin=False)
        fence = Records(self._place, rollout).fence(tenure, begin=True)
        tenure.fenced()
        return fence

    def _before(self, found: Claim | None) -> tuple[Sequence[str], int]:
        """What the lease says was written to; where it is lost, all that there is, and the greatest token of it."""
        if found is not None and found.rollouts is not None:
            return found.rollouts, found.token
        known = self._place.folders(self._place.name.key(FOLDER, ""))
        return known, max((Records(self._place, each).token() for each in known), default=0)

    def holder(self) -> Holder | None:
        """The one writer, or None.

        Of another machine's lease that has run out it takes its length, watched by this process, to be sure.

        Raises:
            JournalError: the bucket cannot be read.
        """
        with self._place.told("the lease cannot be read", self._place.name.key(NAME)):
            return self._lease.holder()


class S3Writer:
    """Appends to one rollout: one request each, and a renewal of the lease now and then."""

    def __init__(self, place: Place, tail: Tail, tenure: Tenure) -> None:
        self._place = place
        self._tail = tail
        self._tenure = tenure

    def append(self, record: Record) -> None:
        """Add a record; returns when the service has it.

        Raises:
            JournalError: it may not be there: the service stayed away, or refuses. The next append takes its place.
            Deposed: another writer took over, and nothing was written.
        """
        with self._place.told("the journal cannot be written", self._tail.key):
            self._tenure.keep(USED)
            self._tail.put(record)

    def renew(self, seconds: float) -> None:
        """Stay the one writer for at least that long from now.

        Raises:
            JournalError: the lease could not be written.
            Deposed: another writer took over.
        """
        with self._place.told("the lease cannot be renewed", self._place.name.key(NAME)):
            self._tenure.keep(seconds)


class S3Mailbox:
    """Requests to rollouts, one object each, which is never written again. Whoever may read and write the bucket may post.

    They are in the order of their numbers, and a number is given once the one before is there. So however many post in the same
    second, and whatever their clocks say, what is new is always behind what was read.
    """

    def __init__(self, service: Service, where: Where, clock: Clock | None = None) -> None:
        self._place = Place(service, where, clock or SystemClock())

    def post(self, rollout: str, request: Record) -> None:
        """Leave a request, once.

        Raises:
            JournalError: it could not be written.
        """
        folder, text = self._folder(rollout), encoded({"word": uuid.uuid4().hex, "request": request})
        with self._place.told("the request cannot be written", folder):
            number = max((number_of(name) for name, _ in self._place.listed(folder, READING)), default=0) + 1
            while not self._posted(f"{folder}{named(number)}", text):
                number += 1

    def requests(self, rollout: str) -> Sequence[Record]:
        """Everything that was posted and is whole, in order.

        Raises:
            JournalError: the bucket cannot be read.
        """
        folder = self._folder(rollout)
        with self._place.told("the requests cannot be read", folder):
            found = [each for each in self._place.listed(folder) if number_of(each[0])]
            known = [(decoded(text) or {}).get("request") for text in self._place.texts(folder, found, PATIENCE)]
        return [request for request in known if isinstance(request, dict)]

    def _folder(self, rollout: str) -> str:
        return self._place.name.key(_REQUESTS, rollout, "")

    def _posted(self, key: str, text: str) -> bool:
        """Whether it is there under that name, which somebody else may have been given."""
        return self._place.put(key, text, limit=READING) is not None or (self._place.get(key, READING) or ("", ""))[1] == text


def in_bucket(settings: Mapping[str, Json], clock: Clock) -> tuple[S3Journal, S3Mailbox]:
    """A stack's journal, and its mailbox, as a contract names them.

    Who opens it waits for as long as a lease lasts before he says that another machine's driver is there: it may be dead.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    hint = "it has: bucket, prefix, stack (texts); where boto3 does not find it, region; for what is not Amazon's, endpoint"
    needed = {"bucket": is_text, "prefix": is_text, "stack": is_text}
    check("journal s3", settings, needed, {"region": is_text, "endpoint": is_text}, hint)
    service = Service("s3", Reach(settings.get("region"), settings.get("endpoint")), _ANSWER)
    where = Where(settings["bucket"], settings["prefix"], settings["stack"])
    return S3Journal(service, where, clock, watch=LEASE), S3Mailbox(service, where, clock)
