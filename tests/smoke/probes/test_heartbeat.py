"""What holds for the heartbeat probe beyond the suite for all, and for the file it reads."""

import json
import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import Json
from smoke.heartbeat import Life, NoBeat, life, read_beat
from smoke.model import Answer, Reading
from smoke.probes import probe
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import OTHER, VERSION, beat, ended, placed, process
from tests.smoke.routers.envoy_harness import wait_for

_WAITS = "import sys; sys.stdin.read()"
WORDS = ["version", "slot", "pid", "started", "beats", "at", "connected", "holding", "token"]
NUMBERS = some.integers() | some.floats() | some.booleans() | some.none() | some.text(max_size=3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the process beats."""
    return tmp_path / "beat.json"


def read(file: Path, **settings: Json) -> Reading:
    """One look at the file."""
    return ended(probe(backend("heartbeat", **settings)), placed(heartbeat=str(file)))


def test_a_beat_tells_the_process(file: Path) -> None:
    """A beat that is well is OK, with the run of the process, its count and its memory."""
    beat(file, started=12.5, beats=7)
    reading = read(file)
    assert (reading.answer, reading.instance) == (Answer.OK, f"{os.getpid()}@12.5")
    assert reading.numbers["beats"] == 7
    assert reading.numbers["rss_mb"] > 1


def test_a_placement_without_a_heartbeat_is_untold() -> None:
    """Where no file was placed, the probe cannot tell."""
    assert ended(probe(backend("heartbeat")), placed()).answer is Answer.UNTOLD


def test_no_file_fails(file: Path) -> None:
    """A file that is not there fails: the process never beat."""
    reading = read(file)
    assert (reading.answer, reading.detail) == (Answer.FAILED, f"{file} is not there: the process never beat")


def test_a_stale_beat_fails(file: Path) -> None:
    """A process that runs and beat too long ago hangs."""
    beat(file, at=time.time() - 0.5)  # this process may be no older
    reading = read(file, max_age=0.1)
    assert (reading.answer, reading.impostor) == (Answer.FAILED, False)
    assert re.fullmatch(r"pid \d+ beat \d+\.\d s ago, 0.1 s are allowed: it runs, and hangs", reading.detail)


def test_a_beat_of_tomorrow_fails(file: Path) -> None:
    """A beat that is dated in the future proves nothing: it would stay fresh for too long."""
    beat(file, at=time.time() + 100)
    assert "in the future" in read(file).detail


@pytest.mark.processes
def test_a_process_that_ended_fails(file: Path) -> None:
    """A fresh beat of a process that has ended fails."""
    with process(_WAITS) as ended_one:
        pid = ended_one.pid
    beat(file, pid=pid)
    reading = read(file)
    assert (reading.answer, reading.version) == (Answer.FAILED, None)
    assert f"pid {pid} is gone" in reading.detail


@pytest.mark.processes
@pytest.mark.parametrize("left", [{"version": OTHER}, {"slot": "blue"}], ids=str)
def test_what_a_dead_process_left_is_no_impostor(file: Path, left: dict[str, str]) -> None:
    """The last beat of an earlier release fails until the new one beats, but nobody answers there: it is no impostor."""
    with process(_WAITS) as ended_one:
        pid = ended_one.pid
    beat(file, pid=pid, **left)
    reading = read(file)
    assert (reading.answer, reading.impostor) == (Answer.FAILED, False)


@pytest.mark.processes
def test_an_id_that_was_given_again_is_gone(file: Path) -> None:
    """A beat older than the process that has its id now was another's."""
    with process(_WAITS) as young:
        beat(file, pid=young.pid, at=time.time() - 60)
        assert life(read_beat(file)) is Life.GONE


@pytest.mark.processes
def test_a_stopped_process_is_told(file: Path) -> None:
    """A process that was stopped by a signal is told as that once its beat is stale."""
    with process(_WAITS) as stopped:
        at = time.time()
        os.kill(stopped.pid, signal.SIGSTOP)
        wait_for(lambda: psutil.Process(stopped.pid).status() == psutil.STATUS_STOPPED)
        beat(file, pid=stopped.pid, at=at)
        assert life(read_beat(file)) is Life.STOPPED
        wait_for(lambda: read(file, max_age=0.001).answer is Answer.FAILED)
        assert "it was stopped by a signal" in read(file, max_age=0.001).detail


def test_a_count_that_stands_still_fails(file: Path) -> None:
    """A process that beats and gets nothing done fails, once it was seen to for too long; one more piece of work is well."""
    asked, placement = probe(backend("heartbeat", max_age=1.0)), placed(heartbeat=str(file))

    def looked(beats: int) -> Reading:
        beat(file, beats=beats, started=1.0)
        return asked.read(placement)

    assert looked(5).answer is Answer.OK
    wait_for(lambda: "has done nothing for" in looked(5).detail)
    assert looked(5).answer is Answer.FAILED
    assert looked(6).answer is Answer.OK


def test_another_run_begins_to_count_anew(file: Path) -> None:
    """A process that was restarted and has the same count is not taken for one that stands still."""
    asked, placement = probe(backend("heartbeat", max_age=1.0)), placed(heartbeat=str(file))

    def looked(started: float) -> Reading:
        beat(file, beats=5, started=started)
        return asked.read(placement)

    wait_for(lambda: looked(1.0).answer is Answer.FAILED)
    assert looked(2.0).answer is Answer.OK


def test_another_slot_is_an_impostor(file: Path) -> None:
    """A beat of the other slot is an impostor's, though it is the same version."""
    beat(file, slot="blue")
    reading = read(file)
    assert (reading.answer, reading.impostor, reading.version) == (Answer.FAILED, True, VERSION)
    assert "slot blue beats into the file of green" in reading.detail


def test_one_that_is_not_connected_fails(file: Path) -> None:
    """A process that beats without its feed fails."""
    beat(file, connected=False)
    assert read(file).detail == f"feed is silent: pid {os.getpid()} beats, and is not connected to what it works on"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "holds no JSON"),
        (b"{", "holds no JSON"),
        (b"\xff", "holds no JSON"),
        (b"[" * 100_000, "holds no JSON"),
        (b"[]", "no object"),
    ],
    ids=["empty", "torn", "no text", "deep", "list"],
)
def test_garbage_fails(file: Path, text: bytes, why: str) -> None:
    """A file that holds no beat fails, with what is wrong in it."""
    file.write_bytes(text)
    reading = read(file)
    assert reading.answer is Answer.FAILED
    assert why in reading.detail


@pytest.mark.parametrize("at", ["NaN", "Infinity", "1e999", "-1", "1" + "0" * 400, "true", '"now"'])
def test_a_time_that_is_none_fails(file: Path, at: str) -> None:
    """A beat at no time is no heartbeat; NaN above all, which is neither too old nor too new."""
    beat(file, at="HERE")
    file.write_text(file.read_text().replace('"HERE"', at))
    reading = read(file)
    assert (reading.answer, "at is missing or of the wrong kind" in reading.detail) == (Answer.FAILED, True)


@given(words=some.dictionaries(some.sampled_from(WORDS), NUMBERS))
def test_whatever_is_beaten_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, words: dict[str, Json]) -> None:
    """Whatever the words of a beat are, a look ends in a reading; half of them are no heartbeat."""
    file = tmp_path_factory.mktemp("beats") / "beat.json"
    beat(file, **words)
    reading = probe(backend("heartbeat")).read(placed(heartbeat=str(file)))
    json.dumps(reading.detail.encode().decode())
    file.write_text(json.dumps(words))
    if set(words) != set(WORDS):
        with pytest.raises(NoBeat):
            read_beat(file)
