"""Whether anything would be compiled: ``crossfade gate wheels PYTHON_VERSION LOCK``.

Each package of a lock is asked for alone, of the index that uv has, for that Python on this platform, wheels only. What uv cannot
ask is undecided. What a marker leaves out on that Python is counted apart, and was not examined.
"""

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, listed
from smoke.gates.pinned import EXPORT, Pin, options, pins
from smoke.process import Ended, run, uv

_HINT = "crossfade gate wheels 3.12 requirements.lock"
_LIMIT = 60.0
"""Seconds that one package may take."""
_AT_ONCE = 4
_LACKS = re.compile(r"has no (?:usable )?wheels|does not satisfy Python|no wheels? with", re.IGNORECASE)
"""How uv says that this Python can take none."""


class Kind(Enum):
    """What an index has of one package."""

    WHEEL = "a wheel"
    LACKS = "no wheel"
    ELSEWHERE = "not wanted on this Python"
    UNKNOWN = "cannot be said"


@dataclass(frozen=True, slots=True)
class Found:
    """What came of asking for one."""

    pin: Pin
    kind: Kind
    why: str = ""

    def text(self) -> str:
        """For people."""
        return f"{self.pin.name} {self.pin.version}: {self.kind.value}" + (f": {self.why}" if self.why else "")


def gate(given: Sequence[str]) -> Answer:
    """Ask for each package.

    Raises:
        UsageError: a word makes no sense, or the lock cannot be read.
    """
    if len(given) != 2:  # noqa: PLR2004 - see the hint
        raise UsageError("gate wheels wants a version of Python and a lock", hint=_HINT)
    version, lock = given
    if not re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", version):
        raise UsageError(f"{version} is no version of Python", hint=_HINT)
    if Path(lock).name == "uv.lock":
        cause = "it does not say at each package on which Python and platform it is wanted"
        raise UsageError(f"{lock} cannot be asked about", where=lock, cause=cause, hint=f"{EXPORT}, and: {_HINT}")
    wanted = pins(Path(lock))
    ways = options(Path(lock))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda each: _asked(each, version, ways), wanted))
    return judged(found, version, (lock,))


def judged(found: Sequence[Found], version: str, files: tuple[str, ...] = ()) -> Answer:
    """What the answers come to: one that is known to lack a wheel fails, whatever else is not known."""
    of = {kind: [each for each in found if each.kind is kind] for kind in Kind}
    lacks, unknown, elsewhere = of[Kind.LACKS], of[Kind.UNKNOWN], of[Kind.ELSEWHERE]
    lines = tuple(each.text() for each in found if each.kind is not Kind.WHEEL)
    count = len(of[Kind.WHEEL]) + len(lacks)
    beside = f"; {len(elsewhere)} are not wanted there" if elsewhere else ""
    names = listed([f"{each.pin.name} {each.pin.version}" for each in lacks or unknown])
    if lacks:
        more = f"; of {len(unknown)} it cannot be said" if unknown else ""
        detail = f"{len(lacks)} of {count} packages have no wheel for Python {version}: {names}{more}{beside}"
        return Answer(Outcome.FAIL, detail, count, len(lacks), "==", 0.0, files, lines)
    if unknown:
        detail = f"of {len(unknown)} of {len(found)} packages it cannot be said: {names}: {unknown[0].why}"
        return Answer(Outcome.UNDECIDED if count else Outcome.UNMEASURED, detail, count, files=files, lines=lines)
    if not count:
        return Answer(Outcome.UNMEASURED, f"no package is pinned for Python {version}{beside}", 0, files=files, lines=lines)
    detail = f"all {count} packages have a wheel for Python {version} on this platform{beside}"
    return Answer(Outcome.PASS, detail, count, 0.0, "==", 0.0, files, lines)


def said(pin: Pin, ended: Ended) -> Found:
    """What uv said of one package."""
    if ended.status == 0:
        there = re.search(rf"^{re.escape(pin.name)}==([^\s;+]+)", ended.out, re.MULTILINE)
        if there and there[1] != pin.version.partition("+")[0]:  # settings of uv may put another in its place
            return Found(pin, Kind.UNKNOWN, f"uv takes {there[1]} in its place")
        return Found(pin, Kind.WHEEL if there else Kind.ELSEWHERE)
    why = " ".join(ended.err.split()) if ended.status is not None else f"uv did not end within {_LIMIT:g} s"
    # Offline, or from a cache, uv says the same of what it never saw.
    blind = "network was disabled" in why or "not found in the cache" in why
    lacks = ended.status == 1 and not blind and _LACKS.search(why)
    return Found(pin, Kind.LACKS if lacks else Kind.UNKNOWN, why[:300])


def _asked(pin: Pin, version: str, ways: Sequence[str]) -> Found:
    if not pin.indexed:
        return Found(pin, Kind.UNKNOWN, "it comes from no index")
    words = [uv(), "pip", "compile", "--quiet", "--no-deps", "--no-build", "--no-header", "--no-annotate"]
    more = ["--no-python-downloads", "--color", "never", "--python-version", version]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.in"
        file.write_text("\n".join((*ways, pin.requirement, "")), encoding="utf-8")
        try:
            environment = {"UV_PYTHON": sys.executable, **os.environ}
            ended = run([*words, *more, str(file)], ".", _LIMIT, environment)
        except (OSError, ValueError) as error:
            return Found(pin, Kind.UNKNOWN, f"uv cannot be started: {error}")
    return said(pin, ended)
