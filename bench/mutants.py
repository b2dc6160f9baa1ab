"""Do the tests of the decision engine see when it is wrong? One small mistake at a time, and which test sees it.

``python bench/mutants.py > docs/mutants.md``. Each mistake is made in a copy of the package in a temporary folder, where those
tests run that should see it. Exits with 1 where one is seen by none, or where a test fails without any: that one sees none.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
CORE = "tests/smoke/core"
COPIED = ("smoke", "infra", CORE, "tests/smoke/conftest.py", "tests/support", "pyproject.toml")
LIMIT = 120.0
"""Seconds that the tests of one mutant may take."""
AT_ONCE = 2
_FAILED = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)
HEAD = """# Mutants

What `python bench/mutants.py` printed: small mistakes in the decision engine, and the first test that fails for each.

| mistake | in | seen by |
| --- | --- | --- |"""


MISTAKES: Mapping[tuple[str, str], Sequence[tuple[str, str, str]]] = {
    ("analysis/likelihood", "likelihood order"): (
        ("the share of the wrong slot", "share = seen.all_candidate / (", "share = seen.all_live / ("),
        (
            "a share of one half, whatever was seen",
            "share = seen.all_candidate / (seen.all_candidate + seen.all_live)",
            "share = 0.5",
        ),
        ("the error margin is dropped", "cost = seen.all_candidate", "cost = 0.0"),
        ("the error margin counts twice", "cost = seen.all", "cost = 2.0 * seen.all"),
        ("the tolerated ratio of errors is dropped", "base = 1.0 + share * (null - 1.0)", "base = 1.0"),
        ("logarithms to base 10", "candidate * log(multiple)", "candidate * log(multiple) / log(10.0)"),
        ("bad requests count as good ones as well", "good = max(total - bad, 0.0)", "good = total"),
        ("latency: the other side's scores", "mul, tested, tilt.scores", "mul, other, tilt.scores"),
        ("latency: the least of the odds for the greatest", "tilt.inverse[0]", "tilt.inverse[-1]"),
        ("latency: one great value too many", "+ variance) + 1e-9)", "+ variance) + 1.0)"),
        (
            "latency: a bound that says nothing",
            "drawn * log(low) + log_marked(drawn, great, total, log(greatest / low))",
            "drawn * log(mean)",
        ),
        ("latency: drawn with replacement", " * (total - drawn) / (total - 1.0)", ""),
    ),
    ("analysis/mixture", "mixture"): (
        ("weight is not taken from the reserve", "max(0.0, self.reserve - weight)", "self.reserve"),
        ("weight is not shared by the alternatives", "log(weight / len(self.logs))", "log(weight)"),
        ("what has not begun is left out", "log(self.reserve) if self.reserve > 0.0 else -inf", "-inf"),
    ),
    ("analysis/mixture", "trial"): (
        ("nothing begins anew with a step", "type(self)(self.begun(weight).worse, ", "type(self)(self.worse, "),
        ("what was shown at one step counts at the next", "Mixture.of(len(self.better.logs)).begun(1.0))", "self.better)"),
    ),
    ("analysis/dispersion", "dispersion"): (
        ("clumps are ignored", "min(each / by, cap)", "min(each, cap)"),
        ("the cap is lifted before anything is known", "LEAST_LOOKS or spread", "LEAST_LOOKS and spread"),
        ("a pause is none", "return replace(self, last=None)", "return self"),
    ),
    ("analysis/dispersion", "dispersion clumps"): (("the cap is dropped", "min(each / by, cap)", "each / by"),),
    ("analysis/trial", "trial clumps"): (
        ("clumps are learned from the candidate", "clumps.of_errors(live)", "clumps.of_errors(candidate)"),
        ("edges are chosen from the candidate", "self.learned, live,", "self.learned, candidate,"),
        (
            "better and worse swapped: objectives",
            "(worse, clump.temper(rate_factors(bad, total, allowed, rarer)))",
            "(clump.temper(rate_factors(bad, total, allowed, rarer)), worse)",
        ),
        ("edges stay where the live slot was", "if beside(self.thresholds, self.learned):", "if False:"),
        ("an outage is a clump", "self.clumps.errors.temper(more, outage=_out(candidate))", "self.clumps.errors.temper(more)"),
        ("anything is an outage", "candidate.errors >= OUTAGE * candidate.requests", "candidate.errors > 0"),
        ("better and worse swapped: latency", "(seen[2], seen[3], BETTER)", "(seen[3], seen[2], BETTER)"),
        ("the live slot is tested for being slower", "(seen[1], seen[0], WORSE)", "(seen[0], seen[1], WORSE)"),
        ("errors count the other way round", "errors.worse.times(factors)", "errors.worse.times([-each for each in factors])"),
        ("periods begin one too late", "EVERY * (later + 1)", "EVERY * (later + 2)"),
        ("the weight of a period is the next one's", "((later + 1) * (later + 2))", "((later + 2) * (later + 3))"),
        ("the weight of a step is for one step too many", "AT_STEPS / (steps - 1)", "AT_STEPS / steps"),
        ("what waits is carried into the next step", "            waiting=(),\n            waited=0.0,\n", ""),
        (
            "time before the first step counts",
            ".aged(self.waited, grid) if self.later >= 0 else after",
            ".aged(self.waited, grid)",
        ),
        ("edges are chosen once and for all", "=thresholds or self.thresholds", "=self.thresholds or thresholds"),
    ),
    ("analysis/thresholds", "thresholds"): (
        ("the edge is not multiplied by the ratio", "* ratio / ROUNDING", "/ ROUNDING"),
        ("edges are taken for exact", "* ratio / ROUNDING", "* ratio"),
        ("the live slot's edge for both", "tail.above(pair[side])", "tail.above(pair[0])"),
        ('edges for "not slower" one too far', "for count in beyond) - 1 for share", "for count in beyond) for share"),
    ),
    ("analysis/counts", "counts"): (
        ("buckets are not told apart", "bins.append(count - below)", "bins.append(count)"),
        ("numbers may be negative", "requests < 0 or errors < 0", "False"),
        ("the journal swaps the slots", "_flat(self.live), _flat(self.candidate)]", "_flat(self.candidate), _flat(self.live)]"),
    ),
    ("analysis/intake", "intake buckets"): (
        ("the baseline is not moved", "        known = replace(known, folded=sample)\n", ""),
        ("what was learned of other buckets stays", "self.trial.without_grid() if self.grid else self.trial", "self.trial"),
        (
            "a step begins where the last one was read",
            "first=None, folded=None, steady",
            "first=self.last, folded=self.last, steady",
        ),
        ("counted while weights move", "known.folded is None or not counting", "known.folded is None"),
        ("a reset is not told", "anew=True)", "anew=False)"),
        ("a counter that stands still is believed", "flow.rate * flow.idle >= MISSED", "flow.rate * flow.idle < 0.0"),
        ("old counts are believed", "late > max(LATE, ", "late > 100.0 * max(LATE, "),
    ),
    ("analysis/evidence", "intake recall"): (
        ("a step begins only for what was read before", "{**dict.fromkeys(self.services), **self.intakes}", "self.intakes"),
    ),
    ("driver/loop", "recall"): (
        ("a drift is recorded before what was counted", "rollout, always=True", "rollout, always=False"),
        ("what is written down is written again", "self._evidence = self._evidence.noted()", "pass"),
        ("a decision is recorded before its look", "rollout, always=event is not None", "rollout, always=False"),
        ("the driver counts in every phase", "counting=rollout.phase in COUNTING", "counting=True"),
    ),
    ("analysis/counts", "counts intake"): (
        ("a reset is a burst", "errors < 0:\n        return None", "errors < 0:\n        return _difference(Counts(), new)"),
    ),
    ("analysis/evidence", "intake gates"): (("time without sight is watched", "(0.0 if blind else passed)", "passed"),),
    ("analysis/evidence", "weighing"): (("every service has the whole alpha", "log(1.0 / max(len(self.services), 1))", "0.0"),),
    ("analysis/evidence", "gates"): (("a step takes its weight each time", " if step >= self.steps else 0.0", ""),),
    ("analysis/weighing", "weighing weighing_split weighing_memory"): (
        ("alpha is ignored", "== worst and total >= log(1.0 / evidence.plan.false_aborts)", "== worst and total >= log(100.0)"),
        (
            "the tests are not added up",
            "log_total([*logs.values(), log(rest) if rest > LEAST_REST else -inf])",
            "max(logs.values(), default=-inf)",
        ),
        ("the gate with least evidence is named", "worst = max(logs", "worst = min(logs"),
        ("the probability of a false pass is ignored", "better.log(), 1.0 / evidence.plan.false_passes", "better.log(), 20.0"),
        ("doubt is dropped", "doubtful = test.doubt >= log(DOUBT)", "doubtful = False"),
        ("a doubt is for ever", "doubtful = test.doubt >= log(DOUBT)", "doubtful = test.worse.log() >= log(DOUBT)"),
        ("compared at 100 %", " or (comparison and step.share == TOTAL)", ""),
        ("what asks for no evidence fails nothing", "if seen is None:\n", "if seen is None or not step.requests:\n"),
        ("a leak is anything that grows", "return max(room, 0.0) / WEEK", "return 0.0"),
        ("an interval's sides are swapped", "low, high = ratio_interval(", "high, low = ratio_interval("),
    ),
    ("analysis/weighing", "weighing gates"): (
        ("no enough without evidence", "shown = better >= log(threshold) and not doubtful", "shown = not doubtful"),
    ),
    ("analysis/intake", "intake weighing"): (
        ("the split is judged from the first request on", "sample.at - self.first.at >= SETTLES", "self.first"),
    ),
    ("analysis/intervals", "intervals"): (
        (
            "an interval of one side's confidence",
            "low = _edge(worse, 1.0 / WIDEST, WIDEST, log(2.0",
            "low = _edge(worse, 1.0 / WIDEST, WIDEST, log(1.0",
        ),
    ),
    ("rollout/recall", "recall"): (
        ("recalled without the beginnings of steps", "elif rollout.phase is Phase.BAKING:", "elif rollout is None:"),
    ),
    ("analysis/evidence", "recall"): (("recalled without the last edge", "(*grids[service], inf)", "(*grids[service],)"),),
    ("rollout/decision", "permits kills"): (
        ("what is not shown passes", "if verdict is Verdict.PASS:\n        return _wait", "if verdict:\n        return _wait"),
        ("a hold has no end", "if rollout.waits is not None and now - rollout.entered > rollout.plan.hold:", "if False:"),
        ("one approval is enough", "if len(agreed) >= needed:", "if agreed or not needed:"),
        ("an old approval is new", "now if each.at is None else each.at", "now"),
        ("an approval is of any step", "each.step in {None, step}", "True"),
        ("an abort waits for its turn", 'key=lambda each: each.verb != "abort"', 'key=lambda each: each.verb == "abort"'),
        ("the hours hold nothing", "None if rollout.opened.override else closed(", "None and closed("),
        ("no reason opens the hours", "None if rollout.opened.override else", "None if False else"),
    ),
    ("rollout/decision", "replaying"): (
        ("in a replay a hold is none", "rollout.waits is Wait.PERSON and (verdict", "False and (verdict"),
    ),
    ("rollout/machine", "permits dates"): (
        ("whoever began may always approve", "(self.plan.own_approval or each.by != self.opened.by)", "True"),
        ("approvals last for ever", "now - each.at <= self.plan.approvals_last", "True"),
    ),
    ("rollout/machine", "driver"): (
        ("sessions of live are moved at the last step", "if last and not self.plan.forward", "if False"),
        ("sessions stay on what is given up", "last = self.phase in {Phase.SHIFTING, Phase.BAKING, Phase.HELD} and", "last ="),
    ),
    ("driver/inbox", "dates"): (
        ("an abort that nobody heard is forgotten", 'request.verb == "abort" or (', "("),
        ("what is dated before is not heard", "if place >= self._begun:", "if place < 0:"),
    ),
    ("driver/inbox", "permits"): (("a pause while weights move is lost", "if rollout.phase is Phase.SHIFTING:", "if False:"),),
    ("rollout/request", "permits"): (("rubbish is a request", "        return None", '        return cls("abort", "nobody")'),),
    ("driver/inbox", "driver"): (("nobody can be handed over to", "self.handed_over or request.verb", "False and request.verb"),),
    ("driver/loop", "dates"): (
        ("a date that is set ends a hold", "return self._zero + self._clock.now()", "return self._clock.wall()"),
    ),
    ("driver/loop", "driver"): (
        (
            "weights drift while the stack goes back",
            "rollout, opened = self._keep(rollout, look), rollout.opened",
            "opened = rollout.opened",
        ),
        ("without a journal it stays where it is", "failed = self._hands.leave_safe(rollout)", "failed = ()"),
    ),
    ("driver/hands", "kills"): (
        ("the candidate keeps its work", "self._hand_over(rollout, rollout.opened.live, idle), idle", "{}, idle"),
    ),
    ("driver/hands", "driver"): (
        ("a singleton that is cut off is waited for", "if idle is None or handover", "if True or handover"),
    ),
    ("rollout/recall", "kills"): (
        ("who answered is forgotten", "for place, instance in looked.instances.items():", "for place, instance in ():"),
    ),
}
"""By file of ``smoke`` and the tests that should see it: its name, what is there once, and what is put in its place."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake."""

    name: str
    file: str
    old: str
    new: str
    tests: Sequence[str]

    @property
    def path(self) -> Path:
        """Of the file, within a copy."""
        return Path("smoke") / f"{self.file}.py"


MUTANTS = [Mutant(*each[:1], file, *each[1:], tests.split()) for (file, tests), every in MISTAKES.items() for each in every]


def main() -> int:
    """Make each mistake, and print who sees it."""
    if gone := [mutant.name for mutant in MUTANTS if (ROOT / mutant.path).read_text().count(mutant.old) != 1]:
        raise SystemExit(f"what they change is not there, or not once: {'; '.join(gone)}")
    with copied() as folder:
        every = sorted({name for mutant in MUTANTS for name in mutant.tests})
        broken = _FAILED.findall(tested(folder, every))
    print(HEAD)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = [*pool.map(lambda mutant: seen_by(mutant, broken), MUTANTS)]
    for mutant, killer in zip(MUTANTS, seen, strict=True):
        print(f"| {mutant.name} | `{mutant.file}` | {f'`{killer}`' if killer else '**nobody**'} |")
    for test in broken:
        print(f"Fails without any mistake: {test}", file=sys.stderr)
    survivors = seen.count("")
    print(f"\n{len(MUTANTS)} mistakes, {len(MUTANTS) - survivors} seen.")
    return int(bool(survivors or broken))


def seen_by(mutant: Mutant, broken: Iterable[str]) -> str:
    """The test that sees it, of those that see nothing without it; empty if there is none."""
    with copied() as folder:
        path = folder / mutant.path
        path.write_text(path.read_text().replace(mutant.old, mutant.new))
        said = tested(folder, mutant.tests, "-x", *(f"--deselect={test}" for test in broken))
        found = _FAILED.search(said)
        return found[1].rsplit("/", 1)[1] if found else ""


def tested(folder: Path, tests: Sequence[str], *more: str) -> str:
    """What pytest says of these test files in a copy."""
    files = [f"{CORE}/test_{name}.py" for name in tests]
    # The folder of ``python -m`` is first on the path: its package is the one that is tested.
    asked = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0", *more, *files]
    # Two mutants of one length in one second would be one compiled file.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(asked, cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
    if said.returncode not in {0, 1}:
        raise SystemExit(f"the tests could not run:\n{said.stdout}\n{said.stderr}")
    return said.stdout


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of what the tests need, gone afterwards."""
    with TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for part in COPIED:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, folder / part)
        yield folder


if __name__ == "__main__":
    sys.exit(main())
