"""What both interpreters are: they say it themselves, and the new one has to be supported for long enough."""

import platform
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.gates.runtimes import ENDS, Runtime, judged

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FACTS = {"implementation": "CPython", "architecture": "x86_64 (64 bit)", "libc": "glibc 2.36", "OpenSSL": "3.0.13", "GIL": "on"}


def said(version: str = "3.12.1", **facts: str) -> Runtime:
    """What an interpreter of that version says."""
    major, minor, *_ = version.split(".")
    return Runtime(version, (int(major), int(minor)), {**FACTS, **facts})


def test_one_that_is_supported_for_long_enough_passes() -> None:
    """The measure is the days left: what is told is the version of both, and to when."""
    found = judged(said("3.9.18"), said(), 180, NOW.timestamp())
    left = (datetime(2028, 11, 1, tzinfo=UTC) - NOW).days
    assert (found.outcome, found.value, found.sign, found.limit, found.n) == (Outcome.PASS, left, ">=", 180, 2)
    told = f"3.9.18 to 3.12.1, which is supported to the end of 2028-10, for {left}.0 days more; 180 days more are asked for"
    assert found.detail == told


@pytest.mark.parametrize(("minor", "end"), ENDS.items(), ids=str)
def test_the_last_day_is_that_of_its_month(minor: tuple[int, int], end: tuple[int, int]) -> None:
    """Whatever version: a day before the month is over one day is left, which is enough for one and too little for two."""
    new = said(f"{minor[0]}.{minor[1]}.0")
    over = datetime(*end, 1, tzinfo=UTC) + timedelta(days=31)
    assert over.day == 1
    now = (over - timedelta(days=1)).timestamp()
    assert [judged(new, new, days, now).outcome for days in (1, 2)] == [Outcome.PASS, Outcome.FAIL]


def test_one_that_is_not_supported_any_more_fails() -> None:
    """By how much is the value; even where no day more is asked for."""
    found = judged(said("3.8.18"), said("3.9.18"), 0, NOW.timestamp())
    assert (found.outcome, found.value) == (Outcome.FAIL, -212)
    assert "which was supported to the end of 2025-10, 212.0 days ago; 0 days" in found.detail


def test_an_older_one_fails() -> None:
    """From 3.12 to 3.9 is the way back, and so is from 3.10, whatever its letters say; within one minor version is none."""
    for before in ("3.12.1", "3.10.2"):
        found = judged(said(before), said("3.9.18"), 0, 0.0)
        assert (found.outcome, found.detail) == (Outcome.FAIL, f"{before} to 3.9.18: that is the way back")
    assert judged(said("3.12.4"), said("3.12.1"), 180, NOW.timestamp()).outcome is Outcome.PASS


@pytest.mark.parametrize("new", [said("3.15.0"), said("4.0.0"), said("3.12.1", implementation="PyPy")], ids=Runtime.text)
def test_what_nobody_knows_is_not_measured(new: Runtime) -> None:
    """A version that the table does not have, and another implementation, which has other ends, are never a pass."""
    found = judged(said("3.9.18"), new, 0, 0.0)
    assert (found.outcome, found.n, found.value) == (Outcome.UNMEASURED, 2, None)


def test_what_differs_is_told() -> None:
    """A line for each, behind what both are."""
    changes = {"architecture": "aarch64 (64 bit)", "libc": "musl", "OpenSSL": "3.0.13", "GIL": "off"}
    found = judged(said("3.9.18", OpenSSL="1.1.1w"), said("3.13.0", **changes), 180, NOW.timestamp())
    assert found.lines == (
        "before: version 3.9.18, implementation CPython, architecture x86_64 (64 bit), libc glibc 2.36, OpenSSL 1.1.1w, GIL on",
        "after: version 3.13.0, implementation CPython, architecture aarch64 (64 bit), libc musl, OpenSSL 3.0.13, GIL off",
        "architecture: x86_64 (64 bit) before, aarch64 (64 bit) after",
        "libc: glibc 2.36 before, musl after",
        "OpenSSL: 1.1.1w before, 3.0.13 after",
        "GIL: on before, off after",
    )
    assert len(judged(said(), said(), 180, NOW.timestamp()).lines) == 2


@pytest.mark.processes
def test_interpreters_say_what_they_are(programs: tuple[str, str]) -> None:
    """Both are started, and say their version to the patch and what else they are; nothing differs between one and itself."""
    found = gate("runtimes")([*programs, "0"])
    version = platform.python_version()
    assert (found.n, found.detail.startswith(f"{version} to {version}")) == (2, True)
    before, after = found.lines
    assert before.startswith(f"before: version {version}, implementation {platform.python_implementation()}, architecture ")
    assert before.removeprefix("before") == after.removeprefix("after")


@pytest.mark.processes
def test_the_oldest_one_is_understood() -> None:
    """3.9 says it as well as 3.12 does, and the other way round is the way back."""
    old, new = interpreter("py39"), interpreter("py312")
    if old is None or new is None:
        pytest.skip("wants Python 3.9 and 3.12")
    found = gate("runtimes")([str(old), str(new), "0"])
    assert (found.n, found.limit, found.detail.startswith("3.9.")) == (2, 0.0, True), found.text()
    assert gate("runtimes")([str(new), str(old)]).outcome is Outcome.FAIL


@pytest.mark.processes
@pytest.mark.parametrize("answer", ["", "17", "{}", '{"version": "3.12.1", "minor": [3], "facts": {}}', "[" * 9000])
def test_who_does_not_answer_has_measured_nothing(tmp_path: Path, answer: str) -> None:
    """An interpreter that is none, or says what it was not asked, is named; the other one answered."""
    strange = tmp_path / "strange"
    strange.write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    strange.chmod(0o755)
    for program in (str(strange), "/nowhere/python"):
        for given in ([sys.executable, program], [program, sys.executable]):
            found = gate("runtimes")(given)
            assert (found.outcome, found.n) == (Outcome.UNMEASURED, 1)
            assert found.detail.startswith(f"{program} cannot be asked: ")
    neither = gate("runtimes")([str(strange), "/nowhere/python"])
    assert (neither.outcome, neither.n, neither.detail.count(" cannot be asked: ")) == (Outcome.UNMEASURED, 0, 2)


@pytest.mark.parametrize("words", ["", "a", "a b c", "a b -1", "a b 1 2"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Too few words, too many, and what is no number of days are usage errors with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("runtimes")(words.split())
    assert "crossfade gate runtimes " in str(caught.value.hint)
