"""What is made of an image, and of how its container ended. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from infra.contract import Json
from smoke.foreign import shortened

FORMAT = 1
SECONDS = 15.0
"""How long a container has to end: what the engine gives it before it kills it."""
_ENDS = (0, 143)
"""Exit codes of who was asked to end: of one that says so itself, and of one that the signal ended."""
_LEFT = frozenset(
    {"aifc", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk", "crypt", "distutils", "formatter", "imghdr"}
    | {"imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "parser", "pipes", "pkg_resources", "setuptools"}
    | {"smtpd", "sndhdr", "spwd", "sunau", "symbol", "telnetlib", "uu", "xdrlib"}
)
"""Modules that were there with an older Python, and are not any more: who wants one of them was not made for the newer."""
_NOT_RUN = frozenset({"benchmarks", "conftest", "docs", "examples", "setup", "test", "tests"})
"""Modules that lie beside a program and are no part of what runs."""
_MB = 1_000_000


class Verdict(Enum):
    """What a finding says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    """It is as it must be, or there is nothing that it must be."""
    WARN = "warn"
    """A person should look; nothing is held up by it."""
    FAIL = "fail"
    """The image must not get traffic."""
    UNDECIDED = "undecided"
    """It could not be seen."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was measured, and what it must be."""

    id: str
    """``<service>/<check>``."""
    verdict: Verdict
    measured: Json
    sign: str
    """How the measured must be to the limit: ``==``, ``<=``, ``in``, ``!=``; empty where there is no limit."""
    limit: Json
    because: str
    """One sentence."""
    details: tuple[str, ...] = ()
    """What there is to look at, a line each."""

    def to_json(self) -> Mapping[str, Json]:
        """The finding for machines."""
        return {**asdict(self), "verdict": self.verdict.value, "details": list(self.details)}


@dataclass(frozen=True, slots=True)
class ImageReport:
    """Everything that was found of a slot's images."""

    stack: str
    slot: str
    other: str | None
    """The slot that they were compared with, or None: there is none."""
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst that was found; a warning is none."""
        found = {finding.verdict for finding in self.findings}
        return next((each for each in (Verdict.FAIL, Verdict.UNDECIDED) if each in found), Verdict.PASS)

    def to_json(self) -> Mapping[str, Json]:
        """The versioned document."""
        findings = [finding.to_json() for finding in self.findings]
        parts = {"stack": self.stack, "slot": self.slot, "other": self.other, "verdict": self.verdict.value}
        return {"format": FORMAT, **parts, "findings": findings}


@dataclass(frozen=True, slots=True)
class Module:
    """A module that an image has, and what became of its import."""

    name: str
    of: str | None
    """The distribution that brought it; None: the program itself."""
    error: str | None
    """What went wrong, or None: it was imported."""
    missing: str | None = None
    """The module that was not found, where that is what went wrong; empty: it says itself that it lacks something here."""
    slow: bool = False
    """Whether it went wrong by taking too long."""


@dataclass(frozen=True, slots=True)
class Insight:
    """What an image's own Python says."""

    python: str
    """For example ``3.12.1``."""
    uid: int
    """The user that it ran as; 0 is root."""
    modules: tuple[Module, ...]
    packages: Mapping[str, str] | None
    """Packages of the operating system and their versions; None where they cannot be listed."""
    openssl: str | None
    """The library that Python's own ``ssl`` uses."""


def insight_of(document: Mapping[str, Json]) -> Insight:
    """What a Python said, from its document.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: it is none.
    """

    def known(text: str | None) -> str | None:
        return None if text is None else shortened(text)  # a stranger's words, which people will read

    modules = tuple(Module(**{**each, "error": known(each["error"]), "of": known(each["of"])}) for each in document["modules"])
    packages = document["packages"]
    installed = None if packages is None else {shortened(name): shortened(packages[name]) for name in packages}
    return Insight(shortened(document["python"]), int(document["uid"]), modules, installed, known(document["openssl"]))


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as a container was made from it."""

    image: str
    """Its id."""
    size: int
    """Bytes."""
    healthcheck: bool
    """Whether the container has a health check."""
    insight: Insight | None
    """None: its Python did not answer."""
    why: str = ""
    """Why it did not."""
    user: str = ""
    """Whom the image itself names to run as, a name or a number; empty: nobody, which is root."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container ended that was asked to."""

    asked: bool
    """Whether it still ran when it was asked."""
    status: int | None
    """Its exit code; None: it did not end in time, and was killed."""
    seconds: float
    """From the signal to the end."""
    lines: int
    """How many lines it wrote."""
    last: tuple[str, ...]
    """The last of standard output, and of standard error, where it wrote any."""
    whole: bool
    """Whether these were written to their end."""


def judged(service: str, runtime: str, own: Picture, other: Picture | None, ending: Ending) -> Iterator[Finding]:
    """What holds of a service's image.

    Args:
        service: its name.
        runtime: the Python that it was placed with, as ``py312``.
        own: its image.
        other: the image of the other slot, or None: there is none to compare with.
        ending: how a container of its image ended.
    """
    if own.insight is None:
        because = f"its Python did not answer: {own.why}"
        yield Finding(f"{service}/python", Verdict.UNDECIDED, None, "==", f"{runtime[2]}.{runtime[3:]}", because)
    else:
        yield _python(service, runtime, own.insight)
        yield _imports(service, own.insight, other.insight if other else None)
        yield _user(service, own.insight, own.user)
    yield _health(service, own)
    yield _end(service, ending)
    yield _output(service, ending)
    if other is not None:
        yield _packages(service, own.insight, other.insight)
        yield _size(service, own, other)


def _python(service: str, runtime: str, insight: Insight) -> Finding:
    wanted = f"{runtime[2]}.{runtime[3:]}"
    well = insight.python.split(".")[:2] == wanted.split(".")
    because = f"its Python is {insight.python}, {'as' if well else 'and'} {runtime} was asked for"
    return Finding(f"{service}/python", Verdict.PASS if well else Verdict.FAIL, insight.python, "==", wanted, because)


def _imports(service: str, insight: Insight, other: Insight | None) -> Finding:
    before = {module.name for module in other.modules if module.error} if other else set()
    broken, excused = sorted_out(insight.modules, before)
    verdict = Verdict.FAIL if broken else Verdict.WARN if excused else Verdict.PASS
    parts = [f"{len(insight.modules)} modules were imported"]
    parts += [f"{len(broken)} cannot be"] if broken else []
    parts += [f"{len(excused)} failed that may"] if excused else []
    details = tuple(f"{each.name} ({each.of or 'the program itself'}): {each.error}" for each in (*broken, *excused))
    return Finding(f"{service}/imports", verdict, len(broken), "<=", 0, ", ".join(parts), details)


def sorted_out(modules: Sequence[Module], before: set[str]) -> tuple[Sequence[Module], Sequence[Module]]:
    """Modules whose import failed: those that must not, and those that may; ``before`` are those that failed elsewhere too."""
    failed = [module for module in modules if module.error]
    excused = [module for module in failed if _excused(module, before)]
    return [module for module in failed if module not in excused], excused


def _excused(module: Module, before: set[str]) -> bool:
    """Whether a module may fail: it is private, fails in the other slot too, or lacks what it can do without.

    One that takes too long may be a script, which runs where it is imported.
    """
    if module.name in before or module.name.startswith("_") or module.name in _NOT_RUN or module.slow:
        return True
    # What a distribution must have, its lock has: what it lacks it can do without, but for what Python itself once had.
    return module.of is not None and module.missing is not None and module.missing.partition(".")[0] not in _LEFT


def _user(service: str, insight: Insight, named: str) -> Finding:
    # The image's own word counts too: whoever else runs it runs it as that.
    rooted = named.partition(":")[0] in {"", "0", "root"}
    well = insight.uid != 0 and not rooted
    because = f"it runs as user {insight.uid}" + (", which is root" if insight.uid == 0 else "")
    because += "; the image itself names root: add a USER to its Dockerfile" if rooted else ""
    return Finding(f"{service}/user", Verdict.PASS if well else Verdict.FAIL, insight.uid, "!=", 0, because)


def _health(service: str, own: Picture) -> Finding:
    verdict = Verdict.PASS if own.healthcheck else Verdict.FAIL
    because = "it has a health check" if own.healthcheck else "it has no health check: add a HEALTHCHECK to its Dockerfile"
    return Finding(f"{service}/healthcheck", verdict, own.healthcheck, "==", True, because)  # noqa: FBT003 - what is measured


def _end(service: str, ending: Ending) -> Finding:
    name, limit = f"{service}/sigterm", list(_ENDS)
    if not ending.asked:
        because = f"it ended by itself, with {ending.status}, before it was asked: without a network it cannot run"
        return Finding(name, Verdict.UNDECIDED, ending.status, "in", limit, because, ending.last)
    if ending.status is None:
        because = f"it did not end within {SECONDS:g} s of SIGTERM, and was killed"
        return Finding(name, Verdict.FAIL, None, "in", limit, because)
    well = ending.status in _ENDS
    because = f"it ended {ending.seconds:.1f} s after SIGTERM with {ending.status}"
    return Finding(name, Verdict.PASS if well else Verdict.FAIL, ending.status, "in", limit, because, () if well else ending.last)


def _output(service: str, ending: Ending) -> Finding:
    name = f"{service}/output"
    if not ending.lines:
        because = "it wrote nothing, so whether its last words arrive cannot be seen"
        return Finding(name, Verdict.WARN, 0, "", None, because)
    verdict = Verdict.PASS if ending.whole else Verdict.FAIL
    how = "arrived whole" if ending.whole else "is cut off: output was lost when it ended"
    because = f"its last line of {ending.lines} {how}"
    return Finding(name, verdict, ending.whole, "==", True, because, ending.last)  # noqa: FBT003 - what is measured


def _packages(service: str, own: Insight | None, other: Insight | None) -> Finding:
    name = f"{service}/packages"
    if own is None or other is None or own.packages is None or other.packages is None:
        return Finding(name, Verdict.WARN, None, "", None, "packages of the operating system cannot be listed in both images")
    mine, theirs = own.packages, other.packages
    added = [f"added {each} {mine[each]}" for each in sorted(mine.keys() - theirs.keys())]
    removed = [f"removed {each} {theirs[each]}" for each in sorted(theirs.keys() - mine.keys())]
    common = sorted(mine.keys() & theirs.keys())
    changed = [f"changed {each} {theirs[each]} to {mine[each]}" for each in common if mine[each] != theirs[each]]
    because = f"of {len(mine)} packages {len(added)} are added, {len(removed)} removed, {len(changed)} changed"
    measured = {"added": len(added), "removed": len(removed), "changed": len(changed)}
    tls = own.openssl == other.openssl
    because += "" if tls else f"; Python's TLS is {own.openssl or 'none'}, and was {other.openssl or 'none'}"
    return Finding(name, Verdict.PASS if tls else Verdict.WARN, measured, "", None, because, (*added, *removed, *changed))


def _size(service: str, own: Picture, other: Picture) -> Finding:
    delta = round((own.size - other.size) / _MB, 1)
    because = f"it has {own.size / _MB:.1f} MB, {abs(delta):g} MB {'more' if delta >= 0 else 'less'} than the other slot's"
    return Finding(f"{service}/size", Verdict.PASS, delta, "", None, because)
