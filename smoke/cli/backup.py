"""``crossfade backup``: what a stack is made from, in one file that was read back."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from smoke.backup import Held, about, made_again, parts_of, read_back, write
from smoke.backup.archive import Part
from smoke.cli.frame import me, on_stack
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer
from smoke.wiring import Site


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--verify", is_flag=True, help="Write nothing, and read back what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the last line alone.")
@on_stack
def command(site: Site, *, file: Path, verify: bool, as_json: bool) -> int:
    """Write settings, contract, Pulumi's state, sources, locks, journal and evidence into FILE, and read them back.

    Read back means: every file is what was written, and every environment could be made again from its lock, elsewhere, with the
    same in it. What a service keeps itself, a database or a volume, is not in it: its own tools copy that.
    """
    began = site.clock.now()
    held = read_back(file) if verify else write(file, about(site.contract, me(), site.clock.wall()), _parts(site))
    found = list(made_again(file, held))
    answer = _answer(file, held, {name: why for name, why in found if why is not None}, len(found), site.clock.now() - began)
    sys.stdout.write(answer.text(alone=as_json))
    return answer.code


def _parts(site: Site) -> Mapping[str, Part]:
    try:
        return parts_of(site.project, site.contract, site.folder)
    except OSError as error:
        raise UsageError(
            "not all of the stack can be read", where=site.name, cause=str(error), hint="crossfade doctor"
        ) from error


def _answer(file: Path, held: Held, faults: Mapping[str, str], count: int, seconds: float) -> Answer:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(held.about["at"]))
    what = f"{len(held.digests)} files of {when}, {held.size / 1e6:.1f} MB, are as they were written"
    lines = [f"{name}: {why}" for name, why in faults.items()]
    whole = len(held.digests) + count
    if faults:
        detail = f"{what}, and {len(faults)} of {count} environments and images could not be had again: {lines[0]}"
        return Answer(Outcome.FAIL, detail, whole, len(faults), "==", 0.0, (str(file),), tuple(lines))
    detail = f"{what}, and {count} environments and images were had again from it, in {seconds:.0f} s"
    return Answer(Outcome.PASS, detail, whole, 0.0, "==", 0.0, (str(file),))
