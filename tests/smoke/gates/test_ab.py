"""A against B: no alarm for the same program, one for what is slower, and none of either where the machine says nothing."""

import random
import sys
from collections import Counter
from functools import cache
from math import exp
from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.turns import Costs, judged

ROUNDS, NOISE, TRIALS = 20, 0.03, 100


def trial(seed: int, slower: float = 1.0, control: float = 1.0, noise: float = NOISE) -> Answer:
    """Costs of a machine that is a tenth slower in some rounds, with noise that both sides have of their own."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    base = [1.1 if chance.random() < 0.3 else 1.0 for _ in range(ROUNDS)]
    sides = [[each * ratio * exp(chance.gauss(0, noise)) for each in base] for ratio in (1.0, control, slower)]
    return judged(Costs(*sides), 1.05, "long", seed=seed)


@cache
def _counted(changes: tuple[tuple[str, float], ...]) -> Counter[Outcome]:
    return Counter(trial(seed, **dict(changes)).outcome for seed in range(TRIALS))


def share(outcome: Outcome, **changes: float) -> float:
    """Of many trials."""
    return _counted(tuple(changes.items()))[outcome] / TRIALS


def test_the_same_program_is_no_regression() -> None:
    """A against A hardly ever fails, and nearly always passes; what is undecided is the control's 5 %."""
    assert share(Outcome.FAIL) <= 0.01
    assert share(Outcome.PASS) >= 0.9


def test_a_tenth_slower_is_found() -> None:
    """10 % more than before, where 5 % are allowed, fails, and never passes."""
    assert share(Outcome.FAIL, slower=1.10) >= 0.9
    assert share(Outcome.PASS, slower=1.10) == 0.0


def test_at_the_limit_it_passes_as_seldom_as_said() -> None:
    """At the limit itself a pass is wrong, and comes with half of the level at most, give or take chance."""
    assert share(Outcome.PASS, slower=1.05) <= 0.025 + 0.05


def test_noise_is_undecided() -> None:
    """Where the machine is too loud for the limit, hardly anything is told, and nothing that is wrong more often than said."""
    assert share(Outcome.UNDECIDED, noise=0.3) >= 0.8
    assert share(Outcome.FAIL, noise=0.3) <= 0.025 + 0.05


def test_a_machine_that_is_not_steady_is_allowed_for() -> None:
    """By how much the old one differs from itself, the new one may too: within that nothing is said, beyond it the verdict."""
    assert share(Outcome.UNDECIDED, control=1.2, slower=1.2) >= 0.99
    assert share(Outcome.FAIL, control=1.2, slower=1.6) >= 0.99
    assert share(Outcome.PASS, control=0.8) <= 0.01
    assert "takes a machine that is steady" in trial(1, control=1.2).detail


def test_faster_passes() -> None:
    """A tenth faster passes as well as the same does."""
    assert share(Outcome.PASS, slower=0.9) >= 0.9


def test_no_noise_at_all_is_exact() -> None:
    """Costs without any noise, as counts are, give the ratio itself."""
    found = judged(Costs([2.0] * 6, [2.0] * 6, [2.2] * 6), 1.05, "long")
    assert (found.outcome, found.value) == (Outcome.FAIL, 1.1)


@pytest.mark.processes
def test_a_program_is_run_in_turns(tmp_path: Path) -> None:
    """Each round runs the old one twice and the new one once, in changing order; what the last line says is the cost."""
    script, log = tmp_path / "bench.py", tmp_path / "log"
    script.write_text(f"import sys; open({str(log)!r}, 'a').write(sys.argv[1][-1]); print(7)", encoding="utf-8")
    old, new = (tmp_path / name for name in ("old", "new"))
    for each in (old, new):
        each.write_text(f'#!/bin/sh\nexec {sys.executable} "$1" "$0"\n', encoding="utf-8")
        each.chmod(0o755)
    found = gate("ab")(["1.05", "6", str(old), str(new), str(script)])
    turns = log.read_text(encoding="utf-8")
    assert (found.outcome, found.value, found.n) == (Outcome.PASS, 1.0, 6)
    assert [sorted(turns[at : at + 3]) for at in range(0, 18, 3)] == 6 * [["d", "d", "w"]]
    assert {turns[at : at + 3] for at in range(0, 18, 3)} == {"ddw", "wdd", "dwd"}


@pytest.mark.processes
def test_one_that_fails_on_the_new_runtime_fails(tmp_path: Path) -> None:
    """A program that ends badly on the new one has failed; on the old one nothing was measured."""
    bad = tmp_path / "bad"
    bad.write_text("#!/bin/sh\necho broken >&2\nexit 3\n", encoding="utf-8")
    bad.chmod(0o755)
    words = ["1.05", "6", sys.executable, str(bad), "-c", "print(1)"]
    found = gate("ab")(words)
    assert (found.outcome, found.n, "exit status 3: broken" in found.detail) == (Outcome.FAIL, 1, True)
    words[2], words[3] = words[3], words[2]
    assert gate("ab")(words).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize(
    "words", [["1.05"], ["a", "20", "x", "y", "z"], ["1.05", "5", "x", "y", "z"], ["nan", "20", "x", "y", "z"]]
)
def test_what_makes_no_sense_is_refused(words: list[str]) -> None:
    """A limit that is none, and too few rounds for an interval, are usage errors with a line to type."""
    with pytest.raises(UsageError) as caught:
        gate("ab")(words)
    assert "crossfade gate ab 1.05 20" in str(caught.value.hint)
