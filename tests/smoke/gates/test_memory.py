"""The most memory of a program: that of what it waited for counts, that of whoever measures does not."""

import os
import subprocess
import sys

import pytest

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.memory import compared, peak
from smoke.gates.turns import Costs, Failed

HOLDS = "import os, sys; held = b'x' * (int(sys.argv[1] if os.environ['WHICH'] == 'old' else sys.argv[2]) << 20)"
"""So many MB on the old one, and so many on the new one."""


def held(code: str, *words: str) -> float:
    """What one run of this code held at most, in MB."""
    return peak([sys.executable, "-c", code, *words], 0, new=False)


def asked(programs: tuple[str, str], code: str, *words: str, limit: str = "1.1") -> Answer:
    """What the gate says of this code on both."""
    return gate("memory")([limit, "6", *programs, "-c", code, *words])


@pytest.mark.processes
def test_what_it_holds_is_counted() -> None:
    """Of two runs one of which holds 64 MB more, the peak of that is 64 MB more."""
    assert held("b'x' * (64 << 20)") - held("") == pytest.approx(64, abs=2)


@pytest.mark.processes
def test_whoever_measures_is_not_counted() -> None:
    """A program is as large as it is, however much we hold ourselves while it runs; Linux would count that as its own."""
    ours = b"x" * (128 << 20)
    assert held("") < 64 < len(ours) >> 20
    # Not more than the program itself sees of itself, either; the kernel's two counts are not of one moment.
    code = "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    seen = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True)
    assert peak([sys.executable, "-I", "-S", "-c", code], 0, new=False) == pytest.approx(int(seen.stdout) / 1024, rel=0.1)


@pytest.mark.processes
def test_what_begins_it_is_smaller_than_any_interpreter() -> None:
    """A program that holds next to nothing shows what a run costs at least: less than the least that Python holds."""
    old = interpreter("py39")
    least = min(peak([str(each), "-I", "-S", "-c", ""], 0, new=False) for each in (old or sys.executable, sys.executable))
    assert peak(["/bin/true"], 0, new=False) < least


@pytest.mark.processes
def test_what_it_waited_for_counts() -> None:
    """A process of the program counts where it is larger than the program; the largest is told, and not the sum."""
    code = "import subprocess, sys; [subprocess.run([sys.executable, '-c', \"b'x' * (64 << 20)\"], check=True) for _ in 'ab']"
    assert 64 < held(code) < 100


def test_it_is_said_in_words() -> None:
    """How much more it is, with what that was in MB, and what is allowed."""
    old, new = [41.1, 41.2, 41.3, 41.2, 41.1, 41.3], [43.0, 43.1, 42.9, 43.0, 43.1, 42.9]
    found = compared(Costs(old, old[::-1], new), 1.1)
    assert (found.outcome, found.n, found.value, found.sign, found.limit) == (Outcome.PASS, 6, 1.0437, "<=", 1.1)
    assert found.detail.startswith("1.044 times as much, 95 % interval 1.04")
    assert found.detail.endswith("; 41.2 MB before, 43.0 MB after (medians); 1.1 are allowed")
    assert compared(Costs(old, old[::-1], new), 1.02).outcome is Outcome.FAIL


@pytest.mark.processes
def test_more_on_the_new_one_is_found(programs: tuple[str, str]) -> None:
    """40 MB more on the new one are no pass where a tenth is allowed, and no failure where four times as much is."""
    found = asked(programs, HOLDS, "20", "60")
    # The control may be undecided, as often as said: a verdict is not certain, that it is not wrong is.
    assert found.outcome is not Outcome.PASS
    assert (found.n, found.value) == (6, pytest.approx((60 + 9) / (20 + 9), rel=0.15))
    assert asked(programs, HOLDS, "20", "60", limit="4").outcome is not Outcome.FAIL


@pytest.mark.processes
def test_one_that_fails_on_the_new_runtime_fails(programs: tuple[str, str]) -> None:
    """A program that ends badly on the new one alone has failed; on the old one nothing was measured."""
    ends = "import os, signal, sys; os.environ['WHICH'] == sys.argv[1] and os.kill(os.getpid(), signal.SIGTERM)"
    found = asked(programs, ends, "new")
    assert (found.outcome, found.n, "killed by SIGTERM" in found.detail) == (Outcome.FAIL, 1, True)
    assert asked(programs, ends, "old").outcome is Outcome.UNMEASURED


@pytest.mark.processes
@pytest.mark.parametrize("program", ["/nowhere/python", os.devnull])
def test_one_that_cannot_be_started_has_measured_nothing(program: str) -> None:
    """On whichever side: an interpreter that is none is named, with the reason."""
    found = gate("memory")(["1.1", "6", sys.executable, program, "-c", ""])
    assert found.outcome is Outcome.UNMEASURED
    assert found.detail.startswith(f"{program} cannot be started: [Errno ")


@pytest.mark.processes
def test_who_counts_may_be_ended_with_it() -> None:
    """Where what counts is killed there is no number, and no verdict but how that ended."""
    kills = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    with pytest.raises(Failed, match="killed by SIGKILL"):
        held(kills)


@pytest.mark.processes
def test_no_signal_is_ignored_for_it() -> None:
    """A program begins with the signals that any program has: what counts ignores SIGPIPE, as all of Python does."""
    with pytest.raises(Failed, match="killed by SIGPIPE"):
        peak(["/bin/sh", "-c", "kill -PIPE $$"], 0, new=False)


@pytest.mark.parametrize(
    "words", [["1.1"], ["a", "10", "x", "y", "z"], ["1.1", "5", "x", "y", "z"], ["nan", "10", "x", "y", "z"]]
)
def test_what_makes_no_sense_is_refused(words: list[str]) -> None:
    """A limit that is none, and too few rounds for an interval, are usage errors with a line to type."""
    with pytest.raises(UsageError) as caught:
        gate("memory")(words)
    assert "crossfade gate memory 1.1 10" in str(caught.value.hint)
