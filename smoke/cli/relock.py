"""``crossfade relock``: a lock for another Python with the versions that are closest to those in use."""

import sys
from pathlib import Path

import click

from smoke.cli.main import print_document
from smoke.errors import Exit
from smoke.gates.delta import compared
from smoke.gates.pinned import pins
from smoke.relock import relock

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("relock")
@click.argument("before", type=_FILE)
@click.argument("wanted", type=_FILE)
@click.argument("python")
@click.argument("out", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
def command(*, before: Path, wanted: Path, python: str, out: Path, as_json: bool) -> int:
    """Lock WANTED for another PYTHON into OUT, with versions as close to those of the lock BEFORE as have wheels.

    As in `crossfade relock py39.txt requirements.in 3.12 py312.txt`: so a migration moves the runtime, and as few libraries as
    can be. The others follow later, one by one.
    """
    old = pins(before)
    found = compared(old, relock(before, wanted, python, out), len(old))
    if as_json:
        print_document({"file": str(out), "packages": found.n, "changes": list(found.lines), "majors": found.value})
    else:
        sys.stdout.writelines(f"{line}\n" for line in found.lines)
        sys.stdout.write(f"{out}: {found.n} packages of both, {len(found.lines)} other than in {before}\n")
    return Exit.WANTED
