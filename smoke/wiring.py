"""Puts the parts together for one stack."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from infra.contract import Backend, Contract
from smoke import backends
from smoke.clock import SystemClock
from smoke.errors import CrossfadeError, HandoverError, JournalError, NoSuchStack, RouterError
from smoke.guard import remember_shell
from smoke.meters import meter
from smoke.rollout import Event, IllegalEvent, Phase, Request, Rollout, from_record, replay, to_record
from smoke.rollout.opening import History
from smoke.seams import LONGEST_ACT, Clock, Handover, Journal, Mailbox, Meter, Router, Stack, Writer
from smoke.stack import PulumiStack
from smoke.stack.project import Project, find_project

if TYPE_CHECKING:
    from smoke.driver import Driver
    from smoke.evidence_store import EvidenceStore
    from smoke.meters.background import Background
    from smoke.probes.sampler import Sampler
    from smoke.rollout.tick import Listener


@dataclass(frozen=True)
class Site:
    """One stack on this machine, and everything a command may want of it. Nothing is read before it is asked for."""

    project: Project
    name: str

    reverts: ClassVar[bool] = True
    """Whether Pulumi can be asked for a way back from here."""

    @classmethod
    def here(cls, stack: str, start: Path | None = None) -> "Site":
        """The stack of the project that a folder is in; of the current one by default.

        Raises:
            UsageError: this is no project.
        """
        return cls(find_project(start or Path.cwd()), stack)

    @cached_property
    def stack(self) -> Stack:
        """What Pulumi declares."""
        return PulumiStack(self.project, self.name)

    @cached_property
    def contract(self) -> Contract:
        """What is deployed.

        Raises:
            NoSuchStack: it was never brought up.
        """
        return self.stack.release()

    @cached_property
    def clock(self) -> Clock:
        """The machine's clock."""
        return SystemClock()

    @cached_property
    def journal(self) -> Journal:
        """The rollouts of the stack."""
        return self._remembered[0]

    @cached_property
    def mailbox(self) -> Mailbox:
        """The requests to them."""
        return self._remembered[1]

    @cached_property
    def _remembered(self) -> tuple[Journal, Mailbox]:
        return backends.journal(self._elsewhere, self.folder, self.clock)

    @cached_property
    def _elsewhere(self) -> Backend | None:
        """Where the journal is; None: beside the state of Pulumi, as that of a stack that is not there any more."""
        bucket = self.project.bucket
        beside = None if bucket is None else Backend("s3", {**bucket, "stack": self.name})
        try:
            return self.contract.journal or beside
        except NoSuchStack:
            return beside

    @cached_property
    def evidence(self) -> "EvidenceStore":
        """What was found out before rollouts."""
        from smoke.evidence_store import EvidenceStore  # noqa: PLC0415 - `status` asks for none

        return EvidenceStore(self.folder / "evidence", self.clock)

    def events(self, rollout: str) -> tuple[Event, ...]:
        """Everything that happened in a rollout.

        Raises:
            JournalError: it is damaged, or another version wrote it.
        """
        return self._told(rollout)[0]

    def rollout(self, name: str) -> Rollout | None:
        """How a rollout stands; None for one that died before its first record.

        Raises:
            JournalError: it is damaged, or another version wrote it.
        """
        return self._told(name)[1]

    def _told(self, rollout: str) -> tuple[tuple[Event, ...], Rollout | None]:
        try:
            events = tuple(from_record(record) for record in self.journal.records(rollout))
            return events, replay(events)
        except (ValueError, IllegalEvent) as error:
            raise JournalError(
                f"rollout {rollout} cannot be read",
                where=str(self.folder / f"{rollout}.jsonl")
                if self._elsewhere is None
                else f"the {self._elsewhere.kind}'s journal",
                cause=f"{error}: another version of Crossfade wrote it",
                hint="use that version, or if the rollout has ended move the file away, then: crossfade status",
            ) from error

    def history(self, asked: Collection[str] = ()) -> History:
        """What the rollouts so far say; ``asked`` are releases in question beside those that are placed.

        Rollouts before the last promotion are read only where they are of such a release: there may be many.
        """
        names = self.journal.rollouts()
        told: dict[str, Rollout] = {}
        for name in self._newest(names, told):
            if told[name].phase is Phase.PROMOTED or told[name].opened.born != self.contract.born:
                break
        for release in {*self.contract.releases.values(), *asked}:
            next(self._newest([name for name in names if name.endswith(f"-{release}")], told), None)
        return History.of([told[name] for name in sorted(told)], self.contract.born, len(names))

    def _newest(self, names: Sequence[str], told: dict[str, Rollout]) -> Iterator[str]:
        """These rollouts, newest first; each is in ``told`` once it is named. One that died before its first record is none."""
        for name in reversed(names):
            rollout = told.get(name) or self.rollout(name)
            if rollout is not None:
                told[name] = rollout
                yield name

    @cached_property
    def routers(self) -> Mapping[str, Router]:
        """By service, providers first."""
        return backends.routers(self.contract, self.clock, lambda: self.meters)

    @cached_property
    def meters(self) -> Mapping[str, Meter]:
        """By service; and the user's own metrics, by ``service/metric``."""
        data_plane = {each.name: meter(each.meter) for each in self.contract.services if each.meter is not None}
        return {**data_plane, **self._metrics}

    @cached_property
    def _metrics(self) -> "Mapping[str, Background]":
        return backends.metrics(self.contract, self.clock)

    @cached_property
    def handovers(self) -> Mapping[str, Handover]:
        """By singleton."""
        return backends.handovers(self.contract, self.clock)

    def weights(self) -> dict[str, Mapping[str, int] | None]:
        """What users see now, by service; None where the data plane does not say."""
        found: dict[str, Mapping[str, int] | None] = {}
        for service, each in self.routers.items():
            try:
                found[service] = each.read()
            except RouterError:
                found[service] = None
        return found

    def state(self) -> str:
        """What users see now, in one line that never fails."""
        try:
            parts = [f"{service} {_shares(weights)}" for service, weights in self.weights().items()]
        except CrossfadeError:
            return "unknown: the stack cannot be read"
        return "; ".join(parts) or "nothing is served"

    @property
    def folder(self) -> Path:
        """Where the journal is, and what lies beside it; of a stack whose journal is elsewhere what lies beside it alone."""
        if self.project.state is None and self._elsewhere is not None:
            return self.project.folder / ".crossfade" / self.name
        return self.project.journal(self.name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody begins or drives a rollout within the context, for as long as one run of Pulumi may take.

        Raises:
            Locked: somebody drives.
        """
        names = self.journal.rollouts()
        # Where there is no rollout yet, one without a record, which is none; any other is newer by its name.
        with self.journal.open(names[-1] if names else "0000-none") as writer:
            writer.renew(LONGEST_ACT)
            yield

    def remember_shell(self) -> None:
        """Let the watchdog find Pulumi as this shell does."""
        remember_shell(self.folder, os.environ)

    def begin(self, rollout: Rollout) -> None:
        """Remember that a rollout has begun, for whoever is to drive it.

        Raises:
            Locked: somebody else drives.
        """
        with self.journal.open(rollout.opened.rollout) as writer:
            if self.rollout(rollout.opened.rollout) is None:
                writer.append(to_record(rollout.opened))

    def detached(self, rollout: Rollout) -> bool:
        """Whether its people asked that the watchdog drives."""
        return any(each.verb == "drive" for each in self.requests(rollout.opened.rollout))

    def requests(self, rollout: str) -> Sequence[Request]:
        """What was asked of a rollout."""
        return [each for each in map(Request.of, self.mailbox.requests(rollout)) if each is not None]

    def ask(self, rollout: str, verb: str, by: str, why: str = "", step: int | None = None) -> None:
        """Ask something of whoever drives a rollout, now.

        Raises:
            JournalError: it could not be written.
        """
        self.mailbox.post(rollout, Request(verb, by, why, self.clock.wall(), step).to_record())

    def drive(self, rollout: Rollout, listeners: "tuple[Listener, ...]", *, hands_off: bool = False) -> Rollout:
        """Take a rollout to its end, as the stack's one driver; where it ``hands_off``, until the watchdog is to go on with it.

        Raises:
            Locked: somebody else drives, or took over.
        """
        from smoke.noticing import telling  # noqa: PLC0415 - `status` tells nobody
        from smoke.reports.filing import keep_incident  # noqa: PLC0415 - before it begins: we may be upgraded until it ends

        self.remember_shell()
        name = rollout.opened.rollout
        with telling(self.contract, self.project.folder, self.clock) as tellers, self.journal.open(name) as writer:
            # Somebody may have gone on with it, or ended it, before the lease was ours.
            events, current = self._told(name)
            if current is None:
                writer.append(to_record(rollout.opened))
                current = rollout
            slots = (current.opened.live, current.opened.candidate)
            with self.sampler(slots) as sampler, self.metering(), backends.synthetic(self.contract, current.plan):
                driver = self._driver(sampler, writer, (*listeners, *tellers), hands_off=hands_off)
                rollout = driver.run(current, events)
        if rollout.ended:
            keep_incident(name, lambda: self.folder, lambda: self.events(name))
        return rollout

    def at_work(self, service: str) -> str | None:
        """The slot whose singleton may work; None where nobody may, or nobody can say."""
        try:
            return self.handovers[service].holder()
        except HandoverError:
            return None

    def _driver(self, sampler: "Sampler", writer: Writer, listeners: "Sequence[Listener]", *, hands_off: bool) -> "Driver":
        from smoke.driver import Driver, World  # noqa: PLC0415 - `status` drives nothing

        probes = tuple(dict.fromkeys((placement.service, each.name) for placement, each, _ in sampler.questions))
        able = backends.capacities(self.contract, self.clock)
        world = World(self.routers, self.meters, self.handovers, sampler, probes, self.stack, self.mailbox, able, self.reverts)
        return Driver(world, writer, self.clock, listeners, hands_off=hands_off)

    @contextmanager
    def metering(self) -> Iterator[None]:
        """Nobody reads the user's own metrics any more once the context has ended."""
        metrics = self._metrics.values()
        try:
            yield
        finally:
            for each in metrics:
                each.close()

    @contextmanager
    def sampler(self, slots: Sequence[str]) -> "Iterator[Sampler]":
        """Samples every probe of these slots."""
        with closing(backends.sampler(self.contract, slots, self.clock)) as sampler:
            yield sampler


def _shares(weights: Mapping[str, int] | None) -> str:
    if weights is None:
        return "unknown: the data plane does not answer"
    return " / ".join(f"{weight} % {slot}" for slot, weight in sorted(weights.items()) if weight)
