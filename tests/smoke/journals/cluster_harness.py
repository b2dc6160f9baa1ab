"""A namespace at a real API server for journals, and ways to it on which something happens."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kube_api import Api

from smoke.clock import SystemClock
from smoke.cluster import Cluster, Reach
from smoke.errors import Locked
from smoke.journals import LEASE, ClusterJournal, ClusterMailbox
from smoke.refusal import Unreached
from smoke.seams import Clock
from tests.smoke.journals.clocks import AheadClock
from tests.smoke.journals.process import Commands, told

ANSWER = 20.0
"""Seconds that the server has for an answer, on a machine that is busy."""
ROLLOUT = "0001-a"
_numbers = itertools.count(1)


class Yard:
    """A namespace of a test's own, and journals in it. Each call for a stack has another name."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.stack = f"stack{next(_numbers)}"

    @property
    def place(self) -> Path:
        """Namespace and stack, for another process."""
        return Path(self.namespace, self.stack)

    def cluster(self) -> Cluster:
        """A way there."""
        return Cluster(Reach(None, self.namespace), ANSWER)

    def journal(self, clock: Clock | None = None, cluster: Cluster | None = None, *, watch: float = 0.0) -> ClusterJournal:
        """The stack's journal, as another process would open it."""
        return ClusterJournal(cluster or self.cluster(), self.stack, clock, watch=watch)

    def mailbox(self, cluster: Cluster | None = None, clock: Clock | None = None) -> ClusterMailbox:
        """The stack's mailbox."""
        return ClusterMailbox(cluster or self.cluster(), self.stack, clock)

    def numbers(self, rollout: str = ROLLOUT) -> list[int]:
        """What the records of a rollout are numbered."""
        return [record["n"] for record in self.journal().records(rollout)]

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """What kubectl says."""
        return self.api.kubectl(*words, "-n", self.namespace, stdin=stdin).stdout

    def get(self, *words: str) -> dict[str, Any]:
        """An object."""
        return self.api.get(*words, "-n", self.namespace)

    @property
    def lease(self) -> dict[str, Any]:
        """The stack's."""
        return self.get("lease", f"crossfade-{self.stack}")


@contextmanager
def opened(api: Api, namespace: str) -> Iterator[Yard]:
    """A namespace that journals of this process, and of those that it starts, find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(api.kubeconfig))
        patch.setenv("NO_PROXY", "*")
        api.namespace(namespace)
        yield Yard(api, namespace)


class Eventful(Cluster):
    """A way to the server on which something happens at one request, before it is made or after."""

    def __init__(self, yard: Yard, at: int, event: Callable[[], None], *, after: bool = False) -> None:
        super().__init__(Reach(None, yard.namespace), ANSWER)
        self.asked = 0
        self._at, self._event, self._after = at, event, after

    def _send(self, *words: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever is asked
        self.asked += 1
        mine = self.asked == self._at
        if mine and not self._after:
            self._event()
        answer = super()._send(*words, **more)
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


def _journal(place: Path, clock: Clock | None = None) -> ClusterJournal:
    namespace, stack = place.parts
    return ClusterJournal(Cluster(Reach(None, namespace), ANSWER), stack, clock)
