"""Targets: the files that processes of the stack write and we read."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from fuzz_run import Check, Target, outcome, shown

from smoke.clock import SystemClock
from smoke.errors import HandoverError
from smoke.handovers.file import FileHandover
from smoke.heartbeat import NoBeat, life, read_beat
from smoke.model import Reading
from smoke.probes.heartbeat import heartbeat
from tests.smoke.probes.peers import placed

BEAT: dict[str, Any] = {
    "version": "py312-0123456789ab",
    "slot": "green",
    "pid": 1,
    "started": 1.5,
    "beats": 7,
    "at": 1700000000.25,
    "connected": True,
    "holding": True,
    "token": 4,
}


def _in_a_folder(check: Callable[[Path, bytes], str]) -> Callable[[], AbstractContextManager[Check]]:
    @contextmanager
    def made() -> Iterator[Check]:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            yield lambda data: check(Path(folder), data)

    return made


def beat(folder: Path, data: bytes) -> str:
    """A heartbeat, read by itself and by the probe."""
    file = folder / "beat.json"
    file.write_bytes(data)
    looked(heartbeat({"max_age": 1.0, "timeout": 1.0}).read(placed(heartbeat=str(file))))
    return outcome(lambda: life(read_beat(file)), NoBeat)


def fence(folder: Path, data: bytes) -> str:
    """A fence: who holds it, and what comes of giving it to a slot whose process never answers."""
    (folder / "fence.json").write_bytes(data)
    (folder / "beat.json").write_bytes(json.dumps(BEAT).encode())
    beats = {slot: str(folder / f"{slot}.json") for slot in ("blue", "green")}
    handover = FileHandover({"folder": str(folder), "heartbeats": beats, "timeout": 1e-6}, SystemClock())

    def act() -> None:
        assert handover.holder() in {None, "blue", "green"}
        handover.release("blue")
        handover.hold("green")

    return outcome(act, HandoverError)


def waited(folder: Path, data: bytes) -> str:
    """A heartbeat, as the hand-over reads it while it waits."""
    (folder / "fence.json").write_text('{"holder": "green", "token": 4}', encoding="utf-8")
    (folder / "green.json").write_bytes(data)
    beats = {slot: str(folder / f"{slot}.json") for slot in ("blue", "green")}
    handover = FileHandover({"folder": str(folder), "heartbeats": beats, "timeout": 1e-6}, SystemClock())

    def act() -> None:
        handover.hold("green")
        handover.hold("blue")

    return f"{outcome(act, HandoverError)}, {outcome(lambda: read_beat(folder / 'green.json'), NoBeat)}"


def looked(reading: Reading) -> str:
    """Assert what holds for every reading; what became of it."""
    shown(reading.detail)
    shown(f"{reading.version} {reading.instance}")
    json.dumps(dict(reading.numbers), allow_nan=False)
    return reading.answer.value


def targets() -> tuple[Target, ...]:
    """All of them."""
    idle = {**BEAT, "holding": False, "token": None, "connected": False}
    beats = tuple(json.dumps(each).encode() for each in (BEAT, idle))
    fences = tuple(json.dumps({"holder": holder, "token": 4}).encode() for holder in (None, "blue", "green"))
    words = tuple(f'"{each}"'.encode() for each in BEAT)
    return (
        Target("heartbeat", _in_a_folder(beat), beats, words, cost=4),
        Target("heartbeat, waited for", _in_a_folder(waited), beats, words, cost=20),
        Target("fence.json", _in_a_folder(fence), fences, (b'"holder"', b'"token"', b'"blue"', b"null"), cost=20),
    )
