"""The seams: what the driver asks of the world. Protocols only; what must hold, not how.

Backends live one file each in the folder named after the seam, and register in that folder's one table. Each raises only its
own error from ``smoke.errors``; a library's exceptions stop at the backend.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from infra.contract import Contract, Placement

if TYPE_CHECKING:  # `status` asks no probe and reads no counts
    from smoke.model import Reading, Sample

Record = Mapping[str, Any]
"""A JSON object: one line of a journal."""


class Router(Protocol):
    """Splits the live traffic of one service between its slots."""

    def write(self, weights: Mapping[str, int]) -> None:
        """Make these the weights, whole; may be repeated. Returns when the data plane has accepted them.

        Raises:
            RouterError: it has not, or cannot say. The weights may or may not be in force, or come in force later.
        """

    def read(self) -> Mapping[str, int]:
        """Percent by slot that the data plane serves right now.

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


class Writer(Protocol):
    """The one that may append to a rollout's journal, for as long as it is open."""

    def append(self, record: Record) -> None:
        """Add a record; returns when it is durable.

        Raises:
            JournalError: it is not.
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
        """Become the stack's one writer. The lease ends with the context, or with the process.

        Raises:
            Locked: somebody else is; says who and since when.
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
            DeployError: it could not be done; traffic is not touched in any case.
        """


class Clock(Protocol):
    """Time as a parameter."""

    def now(self) -> float:
        """Monotonic seconds; shared by all processes of this machine since it was started."""

    def wall(self) -> float:
        """Seconds since 1970, for people to read."""

    def sleep(self, seconds: float) -> None:
        """Return after that long."""
