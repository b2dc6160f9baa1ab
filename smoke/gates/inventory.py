"""What is installed, and that it is what the lock says: ``crossfade gate inventory FOLDER PYTHON LOCK [PYTHON LOCK]...``.

For each environment a bill of materials is written into the folder, in the form of CycloneDX, named as its lock is: names,
versions, licences, and what needs what. It passes where nothing is installed that its lock does not pin, and nothing is missing:
so also no build tool that somebody upgraded in place.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, listed
from smoke.gates.pinned import Pin, normal, pins
from smoke.gates.sources import folder_for
from smoke.process import beside, last_line, run

_HINT = "crossfade gate inventory sbom .venv39/bin/python locks/py39.txt .venv312/bin/python locks/py312.txt"
_LIMIT = 120.0
"""Seconds that one environment may take."""


class Unknown(Exception):
    """What is installed cannot be said; says why."""


def gate(given: Sequence[str]) -> Answer:
    """Write the bills, and compare them with the locks.

    Raises:
        UsageError: words are missing, a lock cannot be read, or the folder cannot be made.
    """
    folder, environments = _words(given)
    locks = {lock: pins(lock) for _, lock in environments}
    program = beside("cyclonedx-py")
    if program is None:
        return Answer(Outcome.UNMEASURED, "cyclonedx-py is not here, and writes the bills: it comes with crossfade[check]", 0)
    count, faults, files = 0, [], []
    for python, lock in environments:
        file = folder / f"{lock.stem}.cdx.json"
        try:
            installed = _installed(program, python, file)
        except Unknown as error:
            return Answer(Outcome.UNMEASURED, f"what {python} has cannot be said: {error}", 0)
        count += len(installed)
        files.append(str(file))
        faults += [f"{lock.name}: {each}" for each in compared(installed, locks[lock])]
    return _answer(count, len(environments), faults, tuple(files))


def compared(installed: Mapping[str, str], pinned: Sequence[Pin]) -> Iterator[str]:
    """What differs between an environment and its lock; what a marker leaves out may be missing."""
    versions: dict[str, set[str]] = {}
    for each in pinned:
        versions.setdefault(each.name, set()).add(each.version)
    for name, version in sorted(installed.items()):
        if name not in versions:
            yield f"{name} {version} is installed, and in no lock"
        elif version not in versions[name]:
            yield f"{name} {version} is installed, and {' or '.join(sorted(versions[name]))} is pinned"
    for name in sorted({each.name for each in pinned if not each.marker} - {*installed}):
        yield f"{name} {' or '.join(sorted(versions[name]))} is pinned, and not installed"


def _answer(count: int, environments: int, faults: Sequence[str], files: tuple[str, ...]) -> Answer:
    what = f"{count} packages in {environments} environments"
    if not count:
        return Answer(Outcome.UNMEASURED, f"nothing is installed in {environments} environments", 0, files=files)
    if faults:
        detail = f"{len(faults)} of {what} are not as their locks say: {listed(faults)}"
        return Answer(Outcome.FAIL, detail, count, len(faults), "==", 0.0, files, tuple(faults))
    return Answer(Outcome.PASS, f"{what} are those that their locks pin", count, 0.0, "==", 0.0, files)


def _words(given: Sequence[str]) -> tuple[Path, Sequence[tuple[str, Path]]]:
    if len(given) < 3 or len(given) % 2 == 0:  # noqa: PLR2004 - a folder, and two words for each environment
        raise UsageError("gate inventory wants a folder, and an interpreter and a lock for each environment", hint=_HINT)
    environments = [(python, Path(lock)) for python, lock in zip(given[1::2], given[2::2], strict=True)]
    if len({lock.stem for _, lock in environments}) < len(environments):
        cause = "bills are named as locks are, and two have one name"
        raise UsageError("one bill would be written over another", cause=cause, hint="give the locks names of their own")
    return folder_for(given[0]), environments


def _installed(program: str, python: str, file: Path) -> Mapping[str, str]:
    """Write the bill of an environment; its versions by names.

    Raises:
        Unknown: it cannot be asked.
    """
    words = [program, "environment", "--output-reproducible", "--of", "JSON", "--output-file", str(file), python]
    try:
        ended = run(words, ".", _LIMIT)
        if ended.status != 0:
            raise Unknown(last_line(ended.err) or f"no answer within {_LIMIT:g} s")
        found = json.loads(file.read_text(encoding="utf-8")).get("components", [])
        return {normal(each["name"]): str(each["version"]) for each in found}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unknown(str(error)) from error
