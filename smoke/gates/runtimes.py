"""What both interpreters are, and how long the new one is supported: ``crossfade gate runtimes BEFORE AFTER [DAYS]``.

Both are started, and say it themselves: what a folder or a tag is named after is not asked. The new one has to be of the same
minor version or of a later one, and has to get security fixes for so many days more, by default 180.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer
from smoke.gates.pair import told_apart
from smoke.process import last_line, run

ENDS: Mapping[tuple[int, int], tuple[int, int]] = {
    (3, 8): (2024, 10),
    (3, 9): (2025, 10),
    (3, 10): (2026, 10),
    (3, 11): (2027, 10),
    (3, 12): (2028, 10),
    (3, 13): (2029, 10),
    (3, 14): (2030, 10),
}
"""Year and month with whose end the security fixes of CPython end, by PEP 569, 596, 619, 664, 693, 719 and 745."""
_DAYS = "180"
_DAY = 86_400.0
_LIMIT = 30.0
"""Seconds that an interpreter has to say what it is."""
_ASKING = """
import json, platform, sys, sysconfig
try:
    from ssl import OPENSSL_VERSION as openssl
except ImportError:
    openssl = "none"
words = openssl.split()
libc = " ".join(platform.libc_ver()).strip()
musl = "musl" in str(sysconfig.get_config_var("SOABI"))
facts = {
    "implementation": platform.python_implementation(),
    "architecture": "%s (%d bit)" % (platform.machine(), 64 if sys.maxsize > 2**32 else 32),
    "libc": libc or ("musl" if musl else "unknown"),
    "OpenSSL": words[1] if words[0] == "OpenSSL" else openssl,
    "GIL": "on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off",
}
print(json.dumps({"version": platform.python_version(), "minor": list(sys.version_info[:2]), "facts": facts}))
"""
"""In the syntax of 3.9."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an interpreter says that it is."""

    version: str
    """To the patch."""
    minor: tuple[int, int]
    facts: Mapping[str, str]
    """All else, by names for people."""

    def text(self) -> str:
        """For people."""
        return ", ".join(f"{name} {each}" for name, each in {"version": self.version, **self.facts}.items())


def gate(given: Sequence[str]) -> Answer:
    """Ask both.

    Raises:
        UsageError: a word makes no sense.
    """
    hint = "crossfade gate runtimes .venv39/bin/python .venv312/bin/python 180"
    if len(given) not in {2, 3}:
        raise UsageError("gate runtimes wants two interpreters, and perhaps days", hint=hint)
    before, after, days = (*given, _DAYS)[:3]
    if not days.isdecimal():
        raise UsageError(f"{days} is no number of days", hint=hint)
    told_apart(before, after)
    old, new = _runtime(before), _runtime(after)
    if isinstance(old, str) or isinstance(new, str):
        why = {python: each for python, each in ((before, old), (after, new)) if isinstance(each, str)}
        detail = "; ".join(f"{python} cannot be asked: {each}" for python, each in why.items())
        return Answer(Outcome.UNMEASURED, detail, 2 - len(why))
    return judged(old, new, float(days), time.time())


def judged(old: Runtime, new: Runtime, days: float, now: float) -> Answer:
    """What both are, as seen at a time in seconds since 1970."""
    named, lines = f"{old.version} to {new.version}", tuple(_lines(old, new))
    if new.minor < old.minor:
        return Answer(Outcome.FAIL, f"{named}: that is the way back", 2, lines=lines)
    end = ENDS.get(new.minor) if new.facts["implementation"] == "CPython" else None
    if end is None:
        what = f"{new.facts['implementation']} {new.version}"
        return Answer(Outcome.UNMEASURED, f"{named}: nobody here knows how long {what} is supported", 2, lines=lines)
    left = (_after(end) - now) / _DAY
    until = f"to the end of {end[0]}-{end[1]:02}"
    how = f"is supported {until}, for {left:.1f} days more" if left > 0 else f"was supported {until}, {-left:.1f} days ago"
    detail = f"{named}, which {how}; {days:g} days more are asked for"
    return Answer(Outcome.PASS if left >= days else Outcome.FAIL, detail, 2, round(left, 2), ">=", days, (), lines)


def _after(end: tuple[int, int]) -> float:
    """When that month is over, in seconds since 1970."""
    year, month = end
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()


def _lines(old: Runtime, new: Runtime) -> Sequence[str]:
    """What each is, and what differs."""
    unlike = [name for name in old.facts if old.facts[name] != new.facts[name]]
    differ = [f"{name}: {old.facts[name]} before, {new.facts[name]} after" for name in unlike]
    return [f"before: {old.text()}", f"after: {new.text()}", *differ]


def _runtime(python: str) -> Runtime | str:
    """What an interpreter says that it is, or why it says nothing."""
    try:
        ended = run([python, "-I", "-c", _ASKING], ".", _LIMIT)
    except (OSError, ValueError) as error:
        return str(error)
    try:
        said = json.loads(last_line(ended.out))
        major, minor = map(int, said["minor"])
        facts = {name: str(said["facts"][name]) for name in ("implementation", "architecture", "libc", "OpenSSL", "GIL")}
        return Runtime(str(said["version"]), (major, minor), facts)
    except (ValueError, LookupError, TypeError, RecursionError):
        if ended.status is None:
            return f"no answer within {_LIMIT:g} s"
        return shortened(last_line(ended.err)) or "it does not say what it was asked"
