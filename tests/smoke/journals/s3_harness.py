"""A bucket for journals, and ways to it on which something happens."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smoke.aws import Reach, Service, client
from smoke.clock import SystemClock
from smoke.errors import Locked
from smoke.journals import LEASE, S3Journal, S3Mailbox
from smoke.journals.s3_place import Where
from smoke.refusal import Unreached
from smoke.seams import Clock
from tests.smoke.journals.clocks import AheadClock
from tests.smoke.journals.process import Commands, told
from tests.smoke.journals.s3_server import Front, served

ANSWER = 20.0
"""Seconds that the service has for an answer, on a machine that is busy."""
ROLLOUT = "0001-a"
PREFIX = "crossfade/of-tests"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ground:
    """A service that answers as S3 does, what stands before it, and a client that all share: to make one takes long."""

    endpoint: str
    front: Front
    client: Any

    def service(self) -> Service:
        """A way there."""
        return Shared(self)


class Shared(Service):
    """A way by the common client."""

    def __init__(self, ground: Ground) -> None:
        super().__init__("s3", Reach("us-east-1", ground.endpoint), ANSWER)
        self._ground = ground

    def opened(self) -> Any:  # noqa: ANN401 - boto3's own
        """That client."""
        return self._ground.client


class Yard:
    """A bucket of a test's own, and journals in it. Each has another name."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.front = ground.front
        self.client = ground.client
        self.bucket = f"bucket-{next(_numbers)}"
        self.stack = "staging"
        self.client.create_bucket(Bucket=self.bucket)

    @property
    def place(self) -> Path:
        """Where it is, for another process."""
        return Path(self.ground.endpoint.rpartition(":")[2], self.bucket, self.stack)

    @property
    def where(self) -> Where:
        """Where it is, for this one."""
        return Where(self.bucket, PREFIX, self.stack)

    @property
    def settings(self) -> dict[str, Any]:
        """As a contract has it."""
        at = {"region": "us-east-1", "endpoint": self.ground.endpoint}
        return {"bucket": self.bucket, "prefix": PREFIX, "stack": self.stack, **at}

    def journal(self, clock: Clock | None = None, service: Service | None = None, *, watch: float = 0.0) -> S3Journal:
        """The stack's journal, as another process would open it."""
        return S3Journal(service or self.ground.service(), self.where, clock, watch=watch)

    def mailbox(self, service: Service | None = None, clock: Clock | None = None) -> S3Mailbox:
        """The stack's mailbox."""
        return S3Mailbox(service or self.ground.service(), self.where, clock)

    def numbers(self, rollout: str = ROLLOUT) -> list[int]:
        """What the records of a rollout are numbered."""
        return [record["n"] for record in self.journal().records(rollout)]

    # What a person does

    def keys(self, folder: str = "") -> list[str]:
        """The names of the stack's objects."""
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.where.key(folder))
        return [each["Key"].removeprefix(self.where.key("")) for each in found.get("Contents", ())]

    def read(self, name: str) -> str:
        """An object of the stack."""
        with self.client.get_object(Bucket=self.bucket, Key=self.where.key(name))["Body"] as body:
            return str(body.read().decode())

    def has(self, name: str) -> bool:
        """Whether the stack has an object of that name."""
        return name in self.keys(name)

    def write(self, name: str, text: str) -> None:
        """Replace an object of the stack."""
        self.client.put_object(Bucket=self.bucket, Key=self.where.key(name), Body=text.encode())

    def remove(self, name: str) -> None:
        """Remove an object of the stack."""
        self.client.delete_object(Bucket=self.bucket, Key=self.where.key(name))

    def delete(self) -> None:
        """Remove the whole bucket."""
        names = self.keys()
        for name in names:
            self.remove(name)
        self.client.delete_bucket(Bucket=self.bucket)


@contextmanager
def opened() -> Iterator[Ground]:
    """A service that journals of this process, and of those that it starts, may use."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("NO_PROXY", "*")
        with served() as (endpoint, front):
            common = client("s3", Reach("us-east-1", endpoint), ANSWER)
            yield Ground(endpoint, front, common)
            common.close()


class Eventful(Shared):
    """A way to the service on which something happens at one request, before it is made or after."""

    def __init__(self, yard: Yard, at: int, event: Callable[[], None], *, after: bool = False) -> None:
        super().__init__(yard.ground)
        self.asked = 0
        self._at, self._event, self._after = at, event, after

    def ask(self, operation: str, **words: Any) -> Any:  # noqa: ANN401 - whatever is asked
        """Ask, and let it happen."""
        self.asked += 1
        mine = self.asked == self._at
        if mine and not self._after:
            self._event()
        answer = super().ask(operation, **words)
        if mine and self._after:
            self._event()
        return answer


class Died(BaseException):
    """The process is no more."""


def die() -> None:
    """End here."""
    raise Died


def lose() -> None:
    """Nobody hears the answer, or the request is lost."""
    raise Unreached("it was lost")


def hold(place: Path, commands: Commands) -> None:
    """Be the one writer: append each number that is told, and say how that went; None ends it."""
    with _journal(place).open(ROLLOUT) as writer:
        commands.send("held")
        while (number := commands.recv()) is not None:
            commands.send(told(lambda number=number: writer.append({"n": number})))
    commands.send("ended")


def race(place: Path, commands: Commands) -> None:
    """Be the one writer so many times; then say by which tokens."""
    journal, tokens = _journal(place), []
    turns, deadline = commands.recv(), SystemClock().now() + 120.0
    while len(tokens) < turns:
        assert SystemClock().now() < deadline, "it never came to its turn"
        try:
            with journal.open(ROLLOUT) as writer:
                holder = journal.holder()
                assert holder is not None
                assert holder.pid == os.getpid()
                writer.append({"n": holder.token})
                writer.append({"n": holder.token})
                tokens.append(holder.token)
        except Locked:
            os.sched_yield()
    commands.send(tokens)


def take_over(place: Path, commands: Commands) -> None:
    """Take the lease when told, by a clock for which it has run out; say who has it, or None."""
    commands.send("ready")
    commands.recv()
    try:
        with _journal(place, AheadClock(LEASE)).open(ROLLOUT) as writer:
            writer.append({"n": os.getpid()})
            commands.send(os.getpid())
            commands.recv()
    except Locked:
        commands.send(None)


def _journal(place: Path, clock: Clock | None = None) -> S3Journal:
    port, bucket, stack = place.parts
    service = Service("s3", Reach("us-east-1", f"http://127.0.0.1:{port}"), ANSWER)
    return S3Journal(service, Where(bucket, PREFIX, stack), clock)
