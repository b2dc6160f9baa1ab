"""A program or a package in versions that will do, and what was found in its place."""

import re
from dataclasses import dataclass
from pathlib import Path

from smoke.doctor.check import Check, Outcome
from smoke.doctor.machine import Machine


@dataclass(frozen=True, slots=True)
class Wanted:
    """A program or a package, and the versions that will do."""

    name: str
    least: str
    fix: str
    before: str = ""
    """The first version that will not do any more; empty for none."""

    def of(self, text: str, where: str = "") -> Check:
        """What a text with a version in it means."""
        found = re.search(r"\d+(?:\.\d+)+", text)
        if found is None:
            return self._check(Outcome.UNKNOWN, f"no version in {text.strip()!r}")
        shown = f"{found[0]} ({where})" if where else found[0]
        if _numbers(found[0]) < _numbers(self.least):
            return self._check(Outcome.OLD, shown)
        if self.before and _numbers(found[0]) >= _numbers(self.before):
            return self._check(Outcome.MISSING, f"{shown} is too new")
        return Check(self.name, Outcome.OK, shown, self.wanted)

    def asked(self, machine: Machine, program: Path | None, *arguments: str) -> Check:
        """What the program says of itself; None where there is none."""
        if program is None:
            return self._check(Outcome.MISSING, "not found")
        said = machine.run([str(program), *arguments])
        if said.code:
            return self._check(Outcome.MISSING, f"{program} does not run: {said.last}")
        return self.of(said.out.rpartition("version:")[2], str(program))

    def installed(self, machine: Machine) -> Check:
        """What the Python package of that name is."""
        version = machine.package(self.name)
        return self._check(Outcome.MISSING, "not installed") if version is None else self.of(version)

    @property
    def wanted(self) -> str:
        """The versions that will do, in words."""
        return f"{self.least} or newer" + (f", before {self.before}" if self.before else "")

    def _check(self, verdict: Outcome, found: str) -> Check:
        return Check(self.name, verdict, found, self.wanted, self.fix)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
