"""The lease of a stack where many machines share it: who may write, by which token, and for how long.

Whatever keeps it changes it on condition that it is as it was read, so of many who take it one does. Machines have clocks of
their own. So whoever runs on the same start of the same machine as its owner goes by the time that both share, and by whether
that process lives. All others go by how long they have seen no renewal, as a cluster's own controllers do: nobody compares dates.

A lease that says nothing of its writer, since it was changed by hand, is waited for like that of another machine.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace

from smoke.errors import CrossfadeError, Deposed, Locked
from smoke.journals.cluster_claim import Claim, at
from smoke.journals.cluster_place import PATIENCE, READING
from smoke.journals.lease import LEASE, extended
from smoke.journals.owner import dead, me
from smoke.refusal import Refused, Unreached
from smoke.seams import Clock, Holder

Before = Callable[[Claim | None], tuple[Sequence[str], int]]
"""By what the lease says: rollouts that somebody may still be writing to, and a token that is as great as any before."""
_LONGEST = 3600.0
"""Seconds that a lease of another machine is believed to run, whatever it says; nobody asks for as many."""
_LOOK = 0.5
"""Seconds between two looks at a lease that is watched."""
_SLIP = 1.0
"""Seconds by which wall and monotonic time may part between two writes, before it counts as a machine that slept."""
_FAREWELL = 3.0
"""Seconds that giving it back may take: it ends by itself."""


class Leases(ABC):
    """The lease of one stack. It remembers since when it has seen no renewal: whoever looks again and again keeps one of it."""

    def __init__(self, clock: Clock, where: str) -> None:
        self.clock = clock
        self._where = where
        self._seen = ("", 0.0)
        """The mark of the last renewal that was seen, and when it was first seen."""

    @abstractmethod
    def read(self, limit: float = PATIENCE) -> Claim | None:
        """What it says; None where there is none.

        Raises:
            JournalError: its name is somebody else's.
        """

    @abstractmethod
    def write(self, claim: Claim, limit: float = PATIENCE) -> Claim | None:
        """Make it say this, on condition that it is of that edition still, or is not there; None where it is not so."""

    def holder(self) -> Holder | None:
        """Who has it, as far as this process can tell."""
        claim = self.read(READING)
        return None if claim is None or self._left(claim) <= 0 else claim.holder

    def take(self, rollout: str, before: Before, watch: float) -> "Tenure":
        """Take it.

        Args:
            rollout: what is to be written to.
            before: what came before; asked for each time, as a lease may be lost, or not say which rollouts were written to.
            watch: seconds that a lease of another machine is watched before it is said that it is held.

        Raises:
            Locked: somebody has it.
        """
        taking = uuid.uuid4().hex
        while True:
            found = self.read()
            if found is not None and found.taking == taking:
                return Tenure(self, found)  # the answer was lost
            if found is not None:
                self._check(found, watch)
            others, greatest = before(found)
            now, wall = self.clock.now(), self.clock.wall()
            token = max(found.token if found else 0, greatest) + 1
            rollouts = tuple(dict.fromkeys([rollout, *others]))
            claim = Claim(found.edition if found else "", token, me(), wall, wall, now + LEASE, LEASE, taking, rollouts, "")
            if (taken := self.write(claim)) is not None:
                return Tenure(self, taken)

    def deposed(self, claim: Claim | None) -> Deposed:
        """What is said to one whose lease it is not any more."""
        return Deposed(
            "another driver took over while this one did not answer",
            where=self._where,
            cause=claim.who if claim else "its lease was removed or damaged",
            hint="crossfade status",
        )

    def _left(self, claim: Claim) -> float:
        """Seconds that it runs on, as far as this process can tell; 0: it may be taken."""
        owner, here, now = claim.owner, me(), self.clock.now()
        if owner is None:
            return 0.0
        # Of hosts the names alone say little here: machines of a cluster's users may share one.
        if here.boot and owner.boot == here.boot:
            return 0.0 if dead(owner, here) else max(0.0, claim.until - now)
        if self._seen[0] != claim.mark:
            self._seen = (claim.mark, now)
        return max(0.0, self._seen[1] + min(claim.duration, _LONGEST) - now)

    def _check(self, claim: Claim, watch: float) -> None:
        """Whether it may be taken; one that may run out within ``watch`` seconds is watched for as long."""
        left = self._left(claim)
        if 0 < left <= watch and claim.owner is not None and claim.owner.boot != me().boot:
            seen: Claim | None = claim
            while seen is not None and seen.mark == claim.mark and (left := self._left(seen)) > 0:
                self.clock.sleep(min(_LOOK, left))
                seen = self.read()
            if seen is None:
                return
            claim, left = seen, self._left(seen)
        if left > 0:
            raise Locked(
                "another run holds this stack",
                cause=f"{claim.who}; its lease runs until {at(claim.until_wall)}, unless it renews it",
                hint="crossfade status, or crossfade abort: both work while it runs",
            )


class Tenure:
    """One taking of the lease. As long as its time runs, by this machine's clock, nobody else can have taken it."""

    def __init__(self, lease: Leases, claim: Claim) -> None:
        self._lease = lease
        self._claim = claim
        self._gap = self._parted()
        self._ended = False

    @property
    def writer(self) -> str:
        """What is left in whatever is written to: the token first."""
        return f"{self._claim.token} {self._claim.taking}"

    @property
    def fencing(self) -> Sequence[str]:
        """Rollouts that somebody before may still try to write to."""
        return self._claim.rollouts or ()

    def fenced(self) -> None:
        """Nobody before can write any more: the next renewal says so."""
        self._claim = replace(self._claim, rollouts=(self._claim.rollouts or ())[:1])

    def keep(self, seconds: float) -> None:
        """Have it for at least that long from now; it costs a request where it would not run as long, and after a sleep.

        Raises:
            Deposed: another one took it.
        """
        if self._ended:
            raise self._lease.deposed(replace(self._claim, owner=None))
        until = extended(self._claim.until, self._lease.clock.now(), seconds)
        # A machine that slept has not counted the time, and others have.
        if until != self._claim.until or abs(self._parted() - self._gap) > _SLIP:
            self._write(replace(self._claim, until=until))

    def confirm(self) -> None:
        """Ask whether it is ours still.

        Raises:
            Deposed: another one took it.
        """
        self._claim = replace(self._claim, edition=self._own().edition)

    def end(self) -> None:
        """Give it back, if it is still ours."""
        try:
            if not self._ended:
                self._write(replace(self._claim, owner=None), _FAREWELL)
        except (CrossfadeError, Refused, Unreached, LookupError, TypeError, ValueError, AttributeError):
            pass  # it ends with this process, or by itself
        self._ended = True

    def deposed(self) -> Deposed:
        """Who has it now."""
        return self._lease.deposed(self._lease.read())

    def _own(self, limit: float = PATIENCE) -> Claim:
        found = self._lease.read(limit)
        if found is None or found.taking != self._claim.taking or found.owner is None:
            raise self._lease.deposed(found)
        return found

    def _write(self, claim: Claim, limit: float = PATIENCE) -> None:
        # Where it is another by now it may be by ourselves, whose answer was lost: all that is written is absolute.
        gap = self._parted()
        while (written := self._lease.write(claim, limit)) is None:
            claim = replace(claim, edition=self._own(limit).edition)
        self._claim, self._gap = written, gap

    def _parted(self) -> float:
        return self._lease.clock.wall() - self._lease.clock.now()
