"""``python -m infra.check``: are the settings of a stack whole? Changes nothing, and needs no Pulumi.

Exit codes: 0 they are; 2 they are not, every fault is on standard error; 6 there is no settings file.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.config import Fault, FaultsError, Settings, UnreadableError, read
from infra.config.checks import checks_document
from infra.config.faults import STATE
from infra.config.plan import plan_document
from infra.contract import Json
from infra.release import releases, wanted
from infra.targets import Site, settled

WHOLE, BROKEN, NO_STACK = 0, 2, 6


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, and say what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.check", description=__doc__.partition("\n")[0])
    parser.add_argument("--stack", required=True)
    parser.add_argument("--project", type=Path, default=Path(), help="the folder with Pulumi.yaml")
    parser.add_argument("--json", action="store_true", help="print one document")
    asked = parser.parse_args(arguments)
    file = asked.project / f"Pulumi.{asked.stack}.yaml"
    if not file.is_file():
        fault = Fault(f"there is no stack {asked.stack}", file.name, f"{file} is not there", _beside(file))
        return _say(Checked(NO_STACK, [fault]), asked.json)
    return _say(checked(file, Site(asked.stack, asked.project.absolute())), asked.json)


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check."""

    code: int
    faults: Sequence[Fault] = ()
    releases: Mapping[str, str] = field(default_factory=dict)
    """Fingerprint of what the settings ask for, by slot."""
    plan: Mapping[str, Json] = field(default_factory=dict)
    """The plan that they ask for, as the contract carries it."""
    checks: Mapping[str, Json] = field(default_factory=dict)
    """Gates before a rollout, and who answers for going on without one."""
    start: str = ""
    """The slot that serves first."""
    notify: Mapping[str, Json] = field(default_factory=dict)
    """Who is told what becomes of a rollout."""
    shape: Mapping[str, Json] = field(default_factory=dict)
    """What they are made of: the target, runtimes by slot, sources and locks by service."""


_ASKED = ("releases", "plan", "checks", "start", "notify", "shape")
"""What whole settings ask for, as the document has it."""


def checked(file: Path, site: Site) -> Checked:
    """Everything that is wrong with a settings file, on this machine; or what it asks for."""
    try:
        settings, place = settled(read(file), site)
    except (OSError, UnreadableError) as error:
        line = getattr(error, "line", None)
        where = file.name if line is None else f"{file.name}:{line}"
        hint = f"correct it, or see what was edited: git diff {file.name}"
        return Checked(BROKEN, [Fault(f"{file.name} cannot be read", where, str(error), hint)])
    except FaultsError as error:
        return Checked(BROKEN, error.faults)
    gates = checks_document(settings.checks, settings.waivers, settings.requires, settings.skips)
    told = {name: each.model_dump() for name, each in settings.notify.items()}
    asked = releases(wanted(settings, place.made))
    return Checked(WHOLE, (), asked, plan_document(settings), gates, settings.start, told, _shape(settings))


def _shape(settings: Settings) -> Mapping[str, Json]:
    programs = {name: {"source": each.source, "lock": each.lock} for name, each in settings.services.items()}
    slots = {name: each.runtime for name, each in settings.slots.items()}
    return {"target": settings.target, "slots": slots, "services": programs}


def _beside(file: Path) -> str:
    stacks = sorted(each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in file.parent.glob("Pulumi.*.yaml"))
    return f"take one of: {', '.join(stacks)}" if stacks else f"write {file.name}; the README has an example"


def _say(found: Checked, as_json: bool) -> int:  # noqa: FBT001 - a parsed flag
    if as_json:
        asked = {name: getattr(found, name) for name in (_ASKED if found.code == WHOLE else ())}
        faults = [fault.to_json() for fault in found.faults]
        document = {"format": 1, "well": found.code == WHOLE, "faults": faults, **asked, "state": STATE}
        sys.stdout.write(json.dumps(document) + "\n")
    elif found.faults:
        sys.stderr.write("\n\n".join(fault.text() for fault in found.faults) + "\n")
    return found.code


if __name__ == "__main__":
    sys.exit(main())
