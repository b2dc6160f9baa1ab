"""The same inputs through two runtimes: what differs is told, what nobody repeats is not held against anybody."""

from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.replay import compared
from smoke.process import Ended


def said(out: str, status: int | None = 0, err: str = "") -> Ended:
    """What a run said."""
    return Ended(status, out, err)


def why(before: str, after: str, tolerance: float = 1e-9, again: str | None = None) -> str:
    """What differs between what came out before and after."""
    return compared("a", said(before), said(before if again is None else again), said(after), tolerance).why


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ("buy 3 at 0.1", "buy 3 at 0.1", ""),
        ("buy 3 at 0.1", "sell 3 at 0.1", "buy before, sell after"),
        ("total 0.30000000000000004", "total 0.3", ""),
        ("total 1.0", "total 1.1", "1.0 before, 1.1 after"),
        ("Tier.A", "1", "3 words before, 1 after: Tier before, 1 after"),
        ("a", "a b", "1 words before, 2 after: nothing before, b after"),
        ('{"side": "buy", "n": 10}', '{"side": "buy", "n": 10}', ""),
        ("-1", "1", "-1 before, 1 after"),
    ],
)
def test_a_difference_is_named(before: str, after: str, differs: str) -> None:
    """Numbers may differ within the tolerance, and no other word at all; the first difference is told."""
    assert why(before, after) == differs


def test_without_tolerance_every_digit_counts() -> None:
    """With 0 a number is what is written."""
    assert why("0.30000000000000004", "0.3", 0.0) == "0.30000000000000004 before, 0.3 after"
    assert why("1.0", "1", 0.0) == "1.0 before, 1 after"


def test_how_it_ends_counts() -> None:
    """A program that ends otherwise is told, with the last line of what it complained of."""
    after = said("", 1, "Traceback\nModuleNotFoundError: No module named 'imp'\n")
    found = compared("a", said("fine"), said("fine"), after, 0.0)
    assert found.why == "a good end before, exit status 1: ModuleNotFoundError: No module named 'imp' after"
    assert compared("a", said("", 2), said("", 2), said("", 2), 0.0).why == "", "a failure on both is no difference"


def test_what_the_old_one_does_not_repeat_is_left_out() -> None:
    """A time that is another each time is compared with nobody, and counted; what is beside it is compared."""
    assert why("at 12 buy", "at 99 buy", again="at 13 buy") == ""
    assert why("at 12 buy", "at 99 sell", again="at 13 buy") == "buy before, sell after"
    assert compared("a", said("1 2"), said("3 4"), said("5 6"), 0.0).unsteady == 2


def replayed(programs: tuple[str, str], inputs: str, program: str, tolerance: str = "1e-9") -> Answer:
    """What the gate says of a program."""
    return gate("replay")([tolerance, *programs, inputs, "-c", program])


@pytest.mark.processes
def test_every_input_is_given_to_both(programs: tuple[str, str], tmp_path: Path) -> None:
    """Each file of a folder is on standard input, and those that come out otherwise are named."""
    folder = tmp_path / "recorded"
    folder.mkdir()
    for name in ("calm", "storm"):
        (folder / name).write_text(name, encoding="utf-8")
    alike = replayed(programs, str(folder), "print(input(), 'seen')")
    assert (alike.outcome, alike.n) == (Outcome.PASS, 6)
    program = "import os; text = input(); print(text, 'x' * (os.environ['WHICH'] == 'new' and text == 'storm'))"
    found = replayed(programs, str(folder), program)
    assert (found.outcome, found.value) == (Outcome.FAIL, 1)
    assert found.detail == "1 of 2 inputs come out otherwise: storm: 1 words before, 2 after: nothing before, x after"


@pytest.mark.processes
def test_a_program_without_input_runs_once(programs: tuple[str, str]) -> None:
    """With ``-`` nothing is given; what is all another each time is undecided; what cannot be started has measured nothing."""
    assert replayed(programs, "-", "print(len(input.__name__))").outcome is Outcome.PASS
    noisy = "import random; print(*[random.random() for _ in range(40)])"
    assert replayed(programs, "-", noisy).outcome is Outcome.UNDECIDED
    assert replayed(("/nowhere/python", programs[1]), "-", "print(1)").outcome is Outcome.UNMEASURED


@pytest.mark.parametrize("words", ["0", "a x y - z", "1 x y - z", "-1 x y - z", "0 x y /nowhere/at/all z"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """A tolerance that is none and inputs that are not there are usage errors with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("replay")(words.split())
    assert caught.value.hint
