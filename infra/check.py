"""``python -m infra.check``: are the settings of a stack whole? Changes nothing, and needs no Pulumi.

Exit codes: 0 they are; 2 they are not, every fault is on standard error; 6 there is no settings file.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.config import Fault, FaultsError, UnreadableError, read
from infra.config.faults import STATE
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
        return _say(NO_STACK, [fault], asked.json)
    faults = faults_of(file, Site(asked.stack, asked.project.absolute()))
    return _say(BROKEN if faults else WHOLE, faults, asked.json)


def faults_of(file: Path, site: Site) -> Sequence[Fault]:
    """Everything that is wrong with a settings file, on this machine."""
    try:
        settled(read(file), site)
    except (OSError, UnreadableError) as error:
        line = getattr(error, "line", None)
        where = file.name if line is None else f"{file.name}:{line}"
        return [
            Fault(f"{file.name} cannot be read", where, str(error), f"correct it, or see what was edited: git diff {file.name}")
        ]
    except FaultsError as error:
        return error.faults
    return []


def _beside(file: Path) -> str:
    stacks = sorted(each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in file.parent.glob("Pulumi.*.yaml"))
    return f"take one of: {', '.join(stacks)}" if stacks else f"write {file.name}; the README has an example"


def _say(code: int, faults: Sequence[Fault], as_json: bool) -> int:  # noqa: FBT001 - a parsed flag
    if as_json:
        document = {"format": 1, "well": code == WHOLE, "faults": [fault.to_json() for fault in faults], "state": STATE}
        sys.stdout.write(json.dumps(document) + "\n")
    elif faults:
        sys.stderr.write("\n\n".join(fault.text() for fault in faults) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
