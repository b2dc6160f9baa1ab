"""What finds a snippet that runs on 3.9 and fails, or does something else, on 3.12: ``python bench/pitfalls.py``, a table.

The snippets are in ``pitfalls.txt``. Each is run on both interpreters, which says what it is; then each gate is asked, and
so are vermin, flake8 and ruff where they are on PATH. Its own code runs where it is imported, as a program's does at its start.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from infra.targets.local.machine import interpreter
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.process import Ended, run

OTHERS = {
    "vermin": ["vermin", "-t=3.12-", "--violations", "--no-tips"],
    "flake8": ["flake8", "--isolated", "--select=F,E9"],
    "ruff": ["ruff", "check", "--isolated", "--quiet", "--target-version=py312", "--select=F,UP,DTZ,ASYNC,B,PL,S"],
}
GATES = ("removed", "types", "risks", "imports", "replay")
"""In the order in which a team would ask them: the first three run nothing."""


def main() -> None:
    """Ask everybody about every snippet, and print who found what."""
    before, after = (
        str(interpreter(runtime) or sys.exit(f"wants an interpreter for {runtime}")) for runtime in ("py39", "py312")
    )
    others = [name for name in OTHERS if which(name)]
    rows = {}
    with TemporaryDirectory() as folder, ThreadPoolExecutor(2) as threads:
        snippets = _written(Path(folder))
        asked = [threads.submit(_row, file, before, after, others) for file in snippets]
        rows = {file.stem: each.result() for file, each in zip(snippets, asked, strict=True)}
    _print(rows, others)


def _written(folder: Path) -> Sequence[Path]:
    files = []
    for part in (Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")).split("#: ")[1:]:
        name, _, text = part.partition("\n")
        file = folder / name / f"{name}.py"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        files.append(file)
    return files


def _row(file: Path, before: str, after: str, others: Sequence[str]) -> Mapping[str, object]:
    old, new = (run([python, str(file)], str(file.parent), 60.0) for python in (before, after))
    folder = str(file.parent)
    words = {
        "removed": ["3.9", "3.12", folder],
        "types": [before, after, folder],
        "risks": ["0", "3.9", "3.12", folder],
        "imports": [before, after, folder],
        "replay": ["0", before, after, "-", str(file)],
    }
    found: dict[str, object] = {"is": _kind(old, new)}
    for name in GATES:
        answer = gate(name)(words[name])
        if answer.outcome is Outcome.UNMEASURED:
            sys.exit(f"gate {name} has measured nothing: {answer.detail}")
        # A warning of what is deprecated is told and holds nothing up: it counts as seen.
        found[name] = answer.outcome is Outcome.FAIL or (name == "types" and bool(answer.places))
    for name in others:
        found[name] = subprocess.run([*OTHERS[name], str(file)], capture_output=True, check=False).returncode != 0
    return found


def _kind(old: Ended, new: Ended) -> str:
    if old.status == 0 and new.status != 0:
        return "fails"
    return "the same" if (old.status, old.out) == (new.status, new.out) else "differs"


def _print(rows: Mapping[str, Mapping[str, object]], others: Sequence[str]) -> None:
    columns = [*GATES, *others]
    sys.stdout.write("| snippet | on 3.12 it | " + " | ".join(columns) + " |\n|" + " --- |" * (len(columns) + 2) + "\n")
    for name, row in sorted(rows.items(), key=lambda each: (["fails", "differs", "the same"].index(str(each[1]["is"])), each[0])):
        marks = " | ".join("found" if row[each] else "" for each in columns)
        sys.stdout.write(f"| {name} | {'is ' if row['is'] == 'the same' else ''}{row['is']} | {marks} |\n")
    for kind in ("fails", "differs", "the same"):
        these = [row for row in rows.values() if row["is"] == kind]
        counts = " | ".join(str(sum(bool(row[each]) for row in these)) for each in columns)
        static = sum(any(row[each] for each in GATES[:3]) for row in these)
        missed = sum(not any(row[each] for each in GATES) for row in these)
        what = f"{'is ' if kind == 'the same' else ''}{kind}: {static} without running, {missed} missed"
        sys.stdout.write(f"| **{len(these)}** | **{what}** | {counts} |\n")


if __name__ == "__main__":
    main()
