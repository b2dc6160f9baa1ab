"""A fence on this machine: a file says who may work, and a lock of the operating system that only one does.

The process looks at ``fence.json`` many times a second. While it is named there it takes ``fence.lock`` and works; once it is
not, it lets go. Whoever has the lock is therefore the one at work, however late or wrong a heartbeat is, and the dead have no
lock. What a lock cannot say, that work gets done, the heartbeat says. From here the lock is only tried, and let go at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.contract import Json
from smoke.containers import DAEMON, Reference, Unseen
from smoke.errors import HandoverError
from smoke.handovers.fence import Fence, Grant
from smoke.heartbeat import Beat, Life, NoBeat, read_beat, traced
from smoke.seams import Clock
from smoke.settings import check, is_seconds, is_text

_PAUSE = 0.005
"""Seconds between two looks at what is waited for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one singleton's fence."""

    folder: Path
    """Holds ``fence.json`` and ``fence.lock``; its name is what messages call the singleton."""
    heartbeats: Mapping[str, str]
    """Path by slot; there are no other slots."""
    timeout: float
    """Seconds that a process has to let go of its work, or to begin it."""
    containers: Mapping[str, Reference]
    """By slot; a slot that is not in here is a process of this machine."""

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        needed = {"folder": is_text, "heartbeats": _is_by_slot, "timeout": is_seconds}
        optional = {"containers": _is_by_slot, "daemon": is_text}
        hint = (
            "it has: folder (a path), heartbeats (a path by slot), timeout (seconds above 0); where the slots are containers, "
            "containers (a name by slot), daemon (address of their engine)"
        )
        check("hand-over file", settings, needed, optional, hint)
        daemon = settings.get("daemon", DAEMON)
        containers = {slot: Reference(name, daemon) for slot, name in settings.get("containers", {}).items()}
        return cls(Path(settings["folder"]), settings["heartbeats"], settings["timeout"], containers)


def _is_by_slot(value: Json) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(is_text(each) for pair in value.items() for each in pair)


_FROZEN = {Life.STOPPED: "was stopped by a signal", Life.PAUSED: "is paused with its container"}
"""What became of a process that is there, and does nothing until it is told to go on."""
_ENDS = "# it ends, whatever it was about to do"


class FileHandover:
    """Hands one singleton over. Killed at any moment, it leaves a fence that the next call goes on from."""

    def __init__(self, settings: Mapping[str, Json], clock: Clock) -> None:
        self._settings = Settings.of(settings)
        self._fence = Fence(self._settings.folder, frozenset(self._settings.heartbeats))
        self._clock = clock

    def hold(self, slot: str) -> None:
        """Name ``slot``, by the next token unless it is named already; returns once a new beat says that it works.

        Raises:
            HandoverError: another slot still works, and nothing was changed; or ``slot`` did not say so in time, and stays named.
        """
        self._check(slot)
        deadline, before = self._deadline(), self._beat(slot)
        granted = self._grant(slot, deadline)
        if not self._until(lambda: self._wanting(slot, granted, before) is None, deadline):
            raise self._idle(slot, granted, before)

    def release(self, slot: str) -> None:
        """Name nobody, where ``slot`` is named; returns once the lock shows that its process is not at work.

        Raises:
            HandoverError: it may still be at work. It was not killed: what that would cost is for a person to weigh.
        """
        self._check(slot)
        deadline = self._deadline()
        with self._fence.alone(lambda held: self._until(held, deadline)) as write:
            fence = self._fence.read()
            if fence.holder == slot:
                write(Grant(None, fence.token))
        if not self._until(lambda: not self._may_work(slot), deadline):
            raise self._busy(slot, "nobody is named to work any more" if self.holder() is None else "")

    def holder(self) -> str | None:
        """The slot that the fence names."""
        return self._fence.read().holder

    # To give the work

    def _grant(self, slot: str, deadline: float) -> Grant:
        """What names ``slot``: as it stands, or anew once no other is at work."""
        granted: list[Grant] = []

        def given() -> bool:
            with self._fence.alone(lambda held: self._until(held, deadline)) as write:
                fence = self._fence.read()
                if fence.holder != slot and self._must_wait(slot, fence):
                    return False
                if fence.holder != slot:
                    write(Grant(slot, fence.token + 1))
                granted.append(self._fence.read())
            return True

        if not self._until(given, deadline):
            raise self._busy(self._others(slot)[0], f"{slot} was not named; nothing was changed")
        return granted[0]

    def _must_wait(self, slot: str, fence: Grant) -> bool:
        """Whether another slot may be at work, and is to let go.

        Raises:
            HandoverError: it is not to: it is named.
        """
        busy = any(self._may_work(other) for other in self._others(slot))
        if fence.holder is not None and (busy or self._lives(fence.holder)):
            what = f"{self._fence.name}: {fence.holder} still works, so {slot} cannot; nothing was changed"
            raise HandoverError(what, hint=f"take the work from {fence.holder} first")
        return busy

    def _wanting(self, slot: str, granted: Grant, before: Beat | str) -> str | None:
        """What speaks against it that ``slot`` works, by what it said since ``before``; None where nothing does.

        Raises:
            HandoverError: somebody changed the fence meanwhile.
        """
        if (now := self._fence.read()) != granted:
            given = f"somebody gave the work to {now.holder or 'nobody'}"
            raise HandoverError(f"{self._fence.name}: while {slot} was waited for, {given} (token {now.token})")
        beat = self._beat(slot)
        if isinstance(beat, str):
            return beat
        if beat == before:
            return "runs, and has not beaten since"
        wrong = [] if beat.connected else ["is not connected to what it works on"]
        wrong += [] if beat.holding and beat.token == granted.token else ["does not hold the fence"]
        return f"beats, and {' and '.join(wrong)}" if wrong else None

    # Who is at work

    def _may_work(self, slot: str) -> bool:
        """Whether somebody has the lock, and it may be the process of ``slot``."""
        return self._fence.locked() and not any(self._took(other) for other in self._others(slot))

    def _took(self, slot: str) -> bool:
        """Whether a living process of ``slot`` took up the last grant: as long as it lives, nobody else can have the lock."""
        beat = self._beat(slot)
        return isinstance(beat, Beat) and beat.holding and beat.token == self._fence.read().token and self._lives(slot)

    def _lives(self, slot: str) -> bool:
        process = self._process(slot)
        return process is not None and process[1] is not Life.GONE

    def _process(self, slot: str) -> tuple[Beat, Life] | None:
        """The last beat of ``slot``, by this machine's id, and what became of its process; None where it says nothing.

        Raises:
            HandoverError: its container cannot be looked at.
        """
        beat = self._beat(slot)
        if isinstance(beat, str):
            return None
        try:
            return traced(beat, self._settings.containers.get(slot))
        except Unseen as error:
            what = f"{self._fence.name}: whether {slot} may still be at work cannot be known: {error}"
            remedy = f"{self._settings.containers[slot].command('inspect')}   # its engine must answer"
            raise HandoverError(what, hint=f"{remedy}\nand the same command again") from error

    def _beat(self, slot: str) -> Beat | str:
        """What the process of ``slot`` last said of itself, or why it says nothing."""
        file = self._settings.heartbeats[slot]
        try:
            beat = read_beat(file)
        except NoBeat as error:
            return str(error)
        return beat if beat.slot == slot else f"slot {beat.slot} beats into {file}, the file of {slot}"

    # What went wrong

    def _busy(self, slot: str, then: str) -> HandoverError:
        process, pid = self._process(slot), self._fence.locker()
        beat, alive = process if process and pid in {process[0].pid, None} else (None, Life.GONE)
        if beat is not None and alive is not Life.GONE:
            pid, ways = beat.pid, self._ways(slot, beat.pid, alive)
        else:
            ways = [f"kill -TERM {pid}   {_ENDS}"] if pid else []
        who = "somebody that the system does not name" if pid is None else f"pid {pid}"
        stopped = f"it {_FROZEN[alive]}" if alive in _FROZEN else ""
        return HandoverError(
            f"{self._fence.name}: {slot} may still be at work: {who} has the lock after {self._settings.timeout:g} s",
            where=str(self._settings.folder / "fence.lock"),
            cause="; ".join(each for each in (stopped, then) if each) or None,
            hint="\n".join([*ways, "and the same command again"]),
        )

    def _idle(self, slot: str, granted: Grant, before: Beat | str) -> HandoverError:
        why = self._wanting(slot, granted, before) or "said so too late"
        process, pid = self._process(slot), self._fence.locker()
        own, remedy = None, "its log says why"
        if process is not None:
            (beat, alive), own = process, process[0].pid
            container = self._settings.containers.get(slot)
            gone = f"is gone from container {container.name}" if container else "is gone"
            why = f"pid {own} {_FROZEN.get(alive, gone if alive is Life.GONE else why)}"
            if alive in _FROZEN:
                remedy = f"{self._goes_on(slot, beat.pid, alive)}   # it was {alive.value}; it goes on"
        return HandoverError(
            f"{self._fence.name}: {slot} did not say within {self._settings.timeout:g} s that it works: {why}",
            where=self._settings.heartbeats[slot],
            cause=f"pid {pid} has the lock" if pid not in {own, None} else None,
            hint=f"{remedy}\nand the same command again, or crossfade abort",
        )

    def _ways(self, slot: str, pid: int, alive: Life) -> list[str]:
        """By what a person gets the lock from the process of ``slot``."""
        container = self._settings.containers.get(slot)
        end = container.command("kill") if container else f"kill {'-KILL' if alive in _FROZEN else '-TERM'} {pid}"
        go_on = f"{self._goes_on(slot, pid, alive)}   # it was {alive.value}; it goes on, and lets go by itself"
        return [*([go_on] if alive in _FROZEN else []), f"{end}   {_ENDS}"]

    def _goes_on(self, slot: str, pid: int, alive: Life) -> str:
        return self._settings.containers[slot].command("unpause") if alive is Life.PAUSED else f"kill -CONT {pid}"

    # Waiting

    def _others(self, slot: str) -> list[str]:
        return [each for each in self._settings.heartbeats if each != slot]

    def _check(self, slot: str) -> None:
        if slot not in self._settings.heartbeats:
            raise HandoverError(f"{self._fence.name}: no slot {slot} in {', '.join(sorted(self._settings.heartbeats))}")

    def _deadline(self) -> float:
        return self._clock.now() + self._settings.timeout

    def _until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Whether it comes to hold by then; looked at least once."""
        while not condition():
            if self._clock.now() >= deadline:
                return False
            self._clock.sleep(_PAUSE)
        return True
