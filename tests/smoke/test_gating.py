"""A command that answers a gate: its exit status is the verdict, its last line may say more, and what it wrote is kept."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from smoke.clock import FakeClock, SystemClock
from smoke.evidence import Evidence, Gate, Outcome
from smoke.gating import Asker, Command

pytestmark = pytest.mark.processes
GATE = Gate("unit-tests", "test", "every test passes", None, 3600.0)


@pytest.fixture(name="asker")
def _asker(tmp_path: Path) -> Asker:
    project = tmp_path / "project"
    project.mkdir()
    return Asker(project, tmp_path / "evidence", "staging", "r1", "ann@desk", SystemClock())


def asked(asker: Asker, program: str, limit: float = 30.0) -> Evidence:
    """What comes of a Python program."""
    return asker.ask(Command(GATE, [sys.executable, "-c", program], limit))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(0, Outcome.PASS), (1, Outcome.FAIL), (12, Outcome.UNDECIDED), (3, Outcome.FAIL), (127, Outcome.UNMEASURED)],
)
def test_the_exit_status_is_the_verdict(asker: Asker, status: int, outcome: Outcome) -> None:
    """0 passes, 12 is undecided, what a shell says of a command that was not run has measured nothing, all else fails."""
    found = asked(asker, f"print('seen'); raise SystemExit({status})")
    assert (found.outcome, found.release, found.by) == (outcome, "r1", "ann@desk")
    assert found.detail.endswith("seen")


def test_what_it_wrote_is_kept(asker: Asker) -> None:
    """Both streams are in a file of the folder of evidence, and its hash in the evidence; nobody else may read it."""
    found = asked(asker, "import sys; print('one'); print('two', file=sys.stderr)")
    (file,) = found.files
    kept = asker.folder / file.path
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == file.sha256
    assert kept.read_text(encoding="utf-8").split() == ["one", "---", "on", "standard", "error", "---", "two"]
    assert kept.stat().st_mode & 0o077 == 0


def test_a_gate_asked_twice_in_one_second_keeps_both(asker: Asker) -> None:
    """What was kept first is not written over by the next answer, however soon it comes."""
    first, second = (asked(replace(asker, clock=FakeClock(1000.2)), f"print({word!r})") for word in ("one", "two"))
    for found in (first, second):
        (file,) = found.files
        assert hashlib.sha256((asker.folder / file.path).read_bytes()).hexdigest() == file.sha256


def test_a_word_may_have_the_interpreters_of_the_slots(asker: Asker) -> None:
    """They are put in wherever they are wanted; where there is none, nothing was measured, and it is said how to have one."""
    words = [sys.executable, "-c", "import sys; print(sys.argv[1:])", "{live}", "--python={candidate}"]
    both = replace(asker, pythons={"live": "/old/python", "candidate": "/new/python"})
    assert both.ask(Command(GATE, words, 30.0)).detail == "['/old/python', '--python=/new/python']"
    found = replace(asker, pythons={"live": "/old/python"}).ask(Command(GATE, words, 30.0))
    assert (found.outcome, "pulumi up makes one" in found.detail) == (Outcome.UNMEASURED, True)


def test_its_last_line_may_say_more(asker: Asker) -> None:
    """Numbers, a sentence and files of its own are taken from a JSON object."""
    (asker.project / "report.xml").write_text("<x/>", encoding="utf-8")
    told = {"value": 0.2, "sign": "<=", "limit": 0.5, "n": 412, "detail": "all well", "files": ["report.xml", "gone.xml"]}
    found = asked(asker, f"print('noise'); print({json.dumps(told)!r})")
    assert (found.value, found.sign, found.limit, found.n, found.detail) == (0.2, "<=", 0.5, 412, "all well")
    assert [each.path for each in found.files[1:]] == ["report.xml"]


@pytest.mark.parametrize(
    "told",
    [
        {"value": "much"},
        {"n": -1},
        {"n": True},
        {"sign": "~"},
        {"files": "a"},
        {"files": [1]},
        {"detail": ["a"]},
        {"value": 1e999},
    ],
)
def test_what_makes_no_sense_was_not_said(asker: Asker, told: dict[str, object]) -> None:
    """A word of the wrong kind is passed over, and the exit status stays the verdict."""
    found = asked(asker, f"import json; print(json.dumps({told!r}.copy()))".replace("inf", "float('inf')"))
    assert found.outcome is Outcome.PASS
    assert (found.value, found.n, found.sign) == (None, None, None)


def test_nothing_examined_is_no_pass(asker: Asker) -> None:
    """A command that ends well and says that it looked at nothing has measured nothing."""
    assert asked(asker, """print('{"n": 0}')""").outcome is Outcome.UNMEASURED


def test_a_pass_past_its_own_limit_fails(asker: Asker) -> None:
    """A command that ends well, and whose own numbers say otherwise, fails."""
    found = asked(asker, """print('{"value": 7, "sign": "<=", "limit": 5}')""")
    assert (found.outcome, found.detail.startswith("7 is not <= 5")) == (Outcome.FAIL, True)


def test_one_that_hangs_has_measured_nothing(asker: Asker) -> None:
    """It is ended with whatever it started, and its time is told."""
    found = asked(asker, "import time; time.sleep(600)", limit=0.3)
    assert (found.outcome, found.detail) == (Outcome.UNMEASURED, "it did not end within 0.3 s, and was killed")


def test_one_that_cannot_be_started_is_told(asker: Asker) -> None:
    """A program that is not there is named."""
    found = asker.ask(Command(GATE, ["/nowhere/at/all"], 5.0))
    assert found.outcome is Outcome.UNMEASURED
    assert "/nowhere/at/all cannot be started" in found.detail


def test_it_is_told_what_it_is_asked_of(asker: Asker) -> None:
    """Stack, release and gate are in its environment, and it runs in the project's folder; Pulumi's secrets are not there."""
    program = "import os; print(*(os.environ[f'CROSSFADE_{each}'] for each in ('STACK', 'RELEASE', 'GATE')), os.getcwd())"
    found = asked(asker, program)
    assert found.detail == f"staging r1 unit-tests {asker.project}"
    elsewhere = replace(asker, release="r2")
    assert asked(elsewhere, "pass").release == "r2"
