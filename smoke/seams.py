"""The seams: what the driver asks of the world. Protocols only; what must hold, not how.

Backends live one file each in the folder named after the seam, and register in that folder's one table. Each raises only its
own error from ``smoke.errors``; a library's exceptions stop at the backend.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from infra.contract import Contract, Placement

if TYPE_CHECKING:  # `status` asks no probe and reads no counts
    from smoke.model import Reading, Sample

LONGEST_ACT = 900.0
"""Seconds that one act of a stack may take, with what is tidied up before it."""
Record = Mapping[str, Any]
"""A JSON object: one line of a journal."""


class Router(Protocol):
    """Splits the live traffic of one service between its slots."""

    def write(self, weights: Mapping[str, int], keep: Collection[str] = ()) -> None:
        """Make these the weights, whole; may be repeated. Returns when the data plane has accepted them.

        Args:
            weights: percent by slot, 100 in all.
            keep: slots that, although they have no weight, are still reached by those who name them: a session's cookie, or a
                paired caller. A slot with weight always is.

        Raises:
            RouterError: it has not, or cannot say. The weights may or may not be in force, or come in force later.
        """

    def read(self) -> Mapping[str, int]:
        """Percent by slot that the data plane serves right now; what is kept is not in it.

        Raises:
            RouterError: the data plane cannot be asked.
        """


class Meter(Protocol):
    """Counts what the data plane of one service served, per slot."""

    def read(self) -> "Sample":
        """Cumulative counts per slot, and the time (of the system's monotonic clock, in seconds) that they hold for.

        Raises:
            MeterError: they cannot be read. A slot that was never counted is absent, or zero.
        """


class Probe(Protocol):
    """Puts one question to one placement, directly, past the router."""

    @property
    def name(self) -> str:
        """What a person calls the question; unique within a service. For example ``http /health/``."""

    def read(self, placement: Placement) -> "Reading":
        """Ask. Never raises for what it sees; ends within its own limit of time."""


class Handover(Protocol):
    """Says which slot of a singleton may work. At any moment at most one is at work."""

    def hold(self, slot: str) -> None:
        """Make ``slot`` the one at work; may be repeated. Returns when its process says that it works.

        Raises:
            HandoverError: it did not say so within the limit, or another slot still works.
        """

    def release(self, slot: str) -> None:
        """Take the work from ``slot``; may be repeated. Returns when its process cannot be at work any more.

        Raises:
            HandoverError: it may still be at work.
        """

    def holder(self) -> str | None:
        """The slot that may work now, or None: nobody may.

        Raises:
            HandoverError: it cannot be known.
        """


class Capacity(Protocol):
    """Sees to it that what a slot is to get, its instances can serve. Of one service."""

    def hold(self, live: str, candidate: str, share: int) -> str | None:
        """Take nothing away from the live slot, and have the candidate able to serve that percentage; may be repeated.

        Quick. What was held stays so until it is freed, whoever dies meanwhile. Returns a phrase that says what is missing yet,
        or None.

        Raises:
            CapacityError: it cannot be known, or not be asked for.
        """

    def free(self) -> None:
        """Let whoever else sets the number of instances set it again; may be repeated.

        Raises:
            CapacityError: something may still be held.
        """


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is a stack's one writer."""

    user: str
    host: str
    pid: int
    since: float
    """Seconds since 1970, for people to read."""
    token: int
    """Greater than that of everybody before."""


class Writer(Protocol):
    """The one that may append to a rollout's journal, until its context ends or somebody takes over.

    Somebody may once its process is dead, or its lease has run out: for a while it neither appended nor renewed.
    """

    def append(self, record: Record) -> None:
        """Add a record; returns when it is durable. It renews the lease.

        Raises:
            JournalError: it is not durable.
            Locked: nothing was written: another writer took over (Deposed), or somebody is in the way.
        """

    def renew(self, seconds: float) -> None:
        """Stay the one writer for at least that long from now.

        Raises:
            JournalError: the lease cannot be written.
            Locked: another writer took over (Deposed), or somebody is in the way.
        """


class Journal(Protocol):
    """Remembers the rollouts of one stack, in order."""

    def rollouts(self) -> Sequence[str]:
        """Names of the rollouts, oldest first."""

    def records(self, rollout: str) -> Sequence[Record]:
        """Everything that was appended, in order; empty for a rollout that is not known. A torn last record is dropped.

        Raises:
            JournalError: a record before the last is damaged; says which.
        """

    def open(self, rollout: str) -> AbstractContextManager[Writer]:
        """Become the stack's one writer. The lease is given back when the context ends, and ends with the process.

        Raises:
            Locked: somebody else is; says who, since when and until when.
            JournalError: the lease cannot be taken.
        """

    def holder(self) -> Holder | None:
        """The one writer, or None: there is none that lives and whose lease still runs.

        Raises:
            JournalError: it cannot be known.
        """


class Mailbox(Protocol):
    """Carries what people ask of a running rollout (abort, pause, ...) to whoever drives it."""

    def post(self, rollout: str, request: Record) -> None:
        """Leave a request; anybody may, at any time. Returns when it is durable."""

    def requests(self, rollout: str) -> Sequence[Record]:
        """Everything that was posted, in order."""


class Stack(Protocol):
    """What Pulumi declares for one stack."""

    def release(self) -> Contract:
        """The contract of what is deployed.

        Raises:
            NoSuchStack: it was never brought up.
            DeployError: the state cannot be read.
        """

    def revert(self, slot: str, inputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Put ``slot`` back to recorded ``inputs`` by service (none: remove the slot) by re-running them; may be repeated.

        Returns one sentence that says what still differs from the user's own configuration.

        Raises:
            Locked: another deployment is under way, whose owner lives or is on another machine; later it may go.
            DeployError: it could not be done; traffic is not touched in any case.
        """

    def deploy(self) -> None:
        """Declare what the user's own settings say now; may be repeated.

        Raises:
            Locked: another deployment is under way, whose owner lives or is on another machine; later it may go.
            DeployError: it could not be done; traffic is not touched in any case.
        """

    def busy(self) -> str | None:
        """Who is changing it right now, as far as can be seen; None: nobody. Quick, and never raises."""


class Clock(Protocol):
    """Time as a parameter."""

    def now(self) -> float:
        """Monotonic seconds; shared by all processes of this machine since it was started."""

    def wall(self) -> float:
        """Seconds since 1970, for people to read."""

    def sleep(self, seconds: float) -> None:
        """Return after that long."""
