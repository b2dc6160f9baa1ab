"""Known vulnerabilities: ``crossfade gate audit MOST PYTHON LOCK...``, as ``audit 1 {candidate} locks/py312.txt``.

``uv audit`` is asked about exactly what is locked. More than MOST findings fail, and so does a high or critical one; uv does
not say how bad one is, so the service is asked for each, and one of which nobody knows is no pass. What cannot be asked is none
either: where the service does not answer, or fewer packages were looked at than there are. ``CROSSFADE_ADVISORIES`` is another.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, listed
from smoke.gates.pinned import Pin, pins
from smoke.process import Ended, beside, run

_OSV = "https://api.osv.dev"
"""Whom uv asks."""
_BAD = frozenset({"HIGH", "CRITICAL"})
_PATIENCE = 20.0
"""Seconds for one question about a severity."""
_LIMIT = 300.0
"""Seconds that one lock may take."""
_ABOUT = "import sys; print('%d.%d' % sys.version_info[:2], sys.base_prefix)"
"""Its version, and where it is installed: what an environment has is a link, which uv does not take for an interpreter."""


@dataclass(frozen=True, slots=True)
class Known:
    """One vulnerability of one package."""

    package: str
    """With its version."""
    id: str
    says: str
    severity: str
    """In capital letters; empty: nobody says."""

    def text(self) -> str:
        """For people."""
        return shortened(f"{self.package}: {self.id}, {self.severity.lower() or 'nobody says how bad'}: {self.says}")


class Silent(Exception):
    """Nobody answered for sure; the text says why."""


def gate(given: Sequence[str]) -> Answer:
    """Ask about every package of these locks.

    Raises:
        UsageError: a word makes no sense, or a file is no lock.
    """
    hint = "crossfade gate audit 1 .venv312/bin/python locks/py312.txt"
    if len(given) < 3 or not given[0].isdecimal():  # noqa: PLR2004 - see the hint
        raise UsageError("gate audit wants a number, an interpreter and a lock", hint=hint)
    most, python, *locks = given
    uv = beside("uv")
    if uv is None:
        return Answer(Outcome.UNMEASURED, "uv is not here, and asks: it comes with crossfade[local]", 0)
    count, found = 0, dict[tuple[str, str], Known]()
    try:
        for lock in locks:
            said = _audited(uv, python, pins(Path(lock)))
            count += int(said["summary"]["audited_packages"])
            found |= {(each.package, each.id): each for each in _known(said)}
    except (Silent, LookupError, TypeError, ValueError) as error:
        return Answer(Outcome.UNMEASURED, f"it could not be asked: {error}", 0)
    return judged([found[key] for key in sorted(found)], count, int(most), tuple(locks))


def judged(found: Sequence[Known], count: int, most: int, files: tuple[str, ...] = ()) -> Answer:
    """What these findings in so many packages come to."""
    lines = tuple(each.text() for each in found)
    bad, vague = ([each for each in found if each.severity in kind] for kind in (_BAD, {""}))
    told = f"{len(found)} known vulnerabilities in {count} packages, {len(bad)} of them high or critical"
    told += f": {listed([f'{each.package} {each.id}' for each in bad or found])}" if found else ""
    if bad or len(found) > most:
        return Answer(Outcome.FAIL, told, count, float(len(found)), "<=", float(most), files, lines)
    if vague:
        return Answer(Outcome.UNDECIDED, f"how bad {vague[0].id} is nobody says; {told}", count, files=files, lines=lines)
    return Answer(Outcome.PASS if count else Outcome.UNMEASURED, told, count, float(len(found)), "<=", float(most), files, lines)


def _audited(uv: str, python: str, every: Sequence[Pin]) -> Mapping[str, Any]:
    """What uv says of exactly these packages.

    Raises:
        Silent: it does not, or not of all of them.
    """
    version, _, home = _ran([python, "-c", _ABOUT], ".").out.strip().partition(" ")
    # An interpreter is looked for on PATH; none is fetched for a question.
    ours = {"PATH": f"{home}/bin{os.pathsep}{os.environ.get('PATH', '')}", "UV_PYTHON_DOWNLOADS": "never"}
    service = os.environ.get("CROSSFADE_ADVISORIES")
    # What `[tool.uv.audit]` ignores would be gone without a trace: a finding that is lived with is a waiver's matter.
    options = ["--preview", "--no-config", "--output-format", "json", *(["--service-url", service] if service else [])]
    with TemporaryDirectory(prefix="crossfade-audit-") as folder:
        about = {
            "name": "audited",
            "version": "0",
            "requires-python": f"=={version}.*",
            "dependencies": [pin.requirement for pin in every],
        }
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in about.items()]  # which TOML writes as JSON does
        Path(folder, "pyproject.toml").write_text("".join(["[project]\n", *lines]), encoding="utf-8")
        ended = _ran([uv, "audit", *options], folder, ours)
    try:
        said = json.loads(ended.out)
        looked, told = (int(said["summary"][name]) for name in ("audited_packages", "vulnerabilities"))
        whole = told == len(said["vulnerabilities"])
    except (ValueError, LookupError, TypeError):
        # Exit status 1 is that of findings, and of a lock that contradicts itself as well.
        why = re.split(r"(?m)^error: ", ended.err)[-1]
        raise Silent(shortened(why) or "uv said nothing") from None
    least = sum(not pin.marker for pin in every)
    if not whole:
        raise Silent("uv contradicts itself: its form is a preview, and another one than is known here")
    if looked < least:
        raise Silent(f"{looked} packages were looked at, and {least} are locked")
    return dict(said)


def _ran(words: Sequence[str], folder: str, more: Mapping[str, str] | None = None) -> Ended:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        return run(words, folder, _LIMIT, {**environment, **(more or {})})
    except (OSError, ValueError) as error:
        raise Silent(f"{words[0]} cannot be started: {error}") from error


def _known(said: Mapping[str, Any]) -> Sequence[Known]:
    """What uv found, as bad as the service says; a status that an index warns of is as bad as nobody knows."""
    found = []
    for each in said["vulnerabilities"]:
        mended = f"mended in {', '.join(map(str, each['fix_versions']))}" if each["fix_versions"] else "not mended"
        package = f"{each['dependency']['name']} {each['dependency']['version']}"
        found.append(Known(package, str(each["id"]), f"{each['summary']}, {mended}", _severity(str(each["id"]))))
    return [*found, *(Known(str(each.get("name")), str(each.get("status")), "", "") for each in said["adverse_statuses"])]


def _severity(name: str) -> str:
    """The word that the service has for it; empty where it has none, or does not answer."""
    import httpx  # noqa: PLC0415 - slow, and most locks have no finding

    service = os.environ.get("CROSSFADE_ADVISORIES", _OSV).rstrip("/")
    try:
        answer = httpx.get(f"{service}/v1/vulns/{quote(name, safe='')}", timeout=_PATIENCE)
        return str(answer.raise_for_status().json()["database_specific"]["severity"]).upper()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError):
        return ""
