"""Known vulnerabilities: ``crossfade gate audit MOST PYTHON LOCK...``, as ``audit 1 {candidate} locks/py312.txt``.

``uv audit`` is asked about exactly what is locked, and more than MOST of them fail. What cannot be asked is no pass: where the
service does not answer, or fewer packages were looked at than there are, nothing is measured. How bad one is uv does not say.
``CROSSFADE_ADVISORIES`` is the address of another service, which speaks as OSV does.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, listed
from smoke.gates.locks import Pin, pins
from smoke.process import Ended, beside, run

_LIMIT = 300.0
"""Seconds that one lock may take."""
_ABOUT = "import sys; print('%d.%d' % sys.version_info[:2], sys.base_prefix)"
"""Its version, and where it is installed: what an environment has is a link, which uv does not take for an interpreter."""


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
    uv, count = beside("uv"), 0
    found: dict[tuple[str, str], str] = {}
    if uv is None:
        return Answer(Outcome.UNMEASURED, "uv is not here, and asks: it comes with crossfade[local]", 0)
    try:
        for lock in locks:
            every = pins(Path(lock))
            said = _audited(uv, python, every)
            count += int(said["summary"]["audited_packages"])
            found |= {(each["id"], each["dependency"]["name"]): _line(each) for each in said["vulnerabilities"]}
    except (Silent, LookupError, TypeError, ValueError) as error:
        return Answer(Outcome.UNMEASURED, f"it could not be asked: {error}", 0)
    lines = tuple(found[key] for key in sorted(found))
    told = f"{len(lines)} known vulnerabilities in {count} packages" + (f": {listed(lines)}" if lines else "")
    outcome = Outcome.PASS if len(lines) <= int(most) else Outcome.FAIL
    return Answer(
        outcome if count else Outcome.UNMEASURED, told, count, float(len(lines)), "<=", float(most), tuple(locks), lines
    )


def _audited(uv: str, python: str, every: Sequence[Pin]) -> Mapping[str, Any]:
    """What uv says of exactly these packages.

    Raises:
        Silent: it does not, or not of all of them.
    """
    version, _, home = _ran([python, "-c", _ABOUT], ".").out.strip().partition(" ")
    # An interpreter is looked for on PATH; none is fetched for a question.
    ours = {"PATH": f"{home}/bin{os.pathsep}{os.environ.get('PATH', '')}", "UV_PYTHON_DOWNLOADS": "never"}
    service = os.environ.get("CROSSFADE_ADVISORIES")
    options = ["--preview", "--output-format", "json", *(["--service-url", service] if service else [])]
    with TemporaryDirectory(prefix="crossfade-audit-") as folder:
        wanted = [f"{pin.name}=={pin.version}" + (f" ; {pin.marker}" if pin.marker else "") for pin in every]
        about = {"name": "audited", "version": "0", "requires-python": f"=={version}.*", "dependencies": wanted}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in about.items()]  # which TOML writes as JSON does
        Path(folder, "pyproject.toml").write_text("".join(["[project]\n", *lines]), encoding="utf-8")
        ended = _ran([uv, "audit", *options], folder, ours)
    try:
        said = json.loads(ended.out)
        looked = int(said["summary"]["audited_packages"])
    except (ValueError, LookupError, TypeError):
        # Exit status 1 is that of findings, and of a lock that contradicts itself as well.
        raise Silent(shortened(ended.err) or "uv said nothing") from None
    least = sum(not pin.marker for pin in every)
    if looked < least:
        raise Silent(f"{looked} packages were looked at, and {least} are locked")
    return dict(said)


def _ran(words: Sequence[str], folder: str, more: Mapping[str, str] | None = None) -> Ended:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        return run(words, folder, _LIMIT, {**environment, **(more or {})})
    except (OSError, ValueError) as error:
        raise Silent(f"{words[0]} cannot be started: {error}") from error


def _line(said: Mapping[str, Any]) -> str:
    names = ", ".join([str(said["id"]), *map(str, said["aliases"])])
    mended = f", mended in {', '.join(map(str, said['fix_versions']))}" if said["fix_versions"] else ", not mended"
    return shortened(f"{said['dependency']['name']} {said['dependency']['version']}: {names}: {said['summary']}{mended}")
