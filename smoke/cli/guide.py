"""``crossfade guide``: the documents of a migration, from evidence."""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from smoke.cli.frame import on_stack
from smoke.cli.main import print_document
from smoke.cli.rows import checklist_of
from smoke.errors import Exit, NoSuchStack, UsageError
from smoke.evidence import Evidence
from smoke.reports.guide import Chapter, Move, documents, kind_of
from smoke.wiring import Site


@click.command("guide")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, folder: Path, as_json: bool) -> int:
    """Write the plan of updates, the security report and the guide of the migration into FOLDER, by what gates and rollouts said.

    Exit code 0 when all that they speak of is known of this release, else 12: what is missing is named in them.
    """
    move = _move(site)
    texts = documents(move)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written", where=str(folder), cause=str(error), hint="a folder of your own"
        ) from error
    missing = move.missing
    if as_json:
        print_document(
            {"stack": site.name, "whole": not missing, "missing": missing, "files": [str(folder / name) for name in texts]}
        )
    else:
        sys.stdout.writelines(f"{folder / name}\n" for name in texts)
    if missing:
        sys.stderr.write(f"not whole: {'; '.join(missing)}\n")
    return Exit.UNDECIDED if missing else Exit.WANTED


def _move(site: Site) -> Move:
    found, now = checklist_of(site), site.clock.wall()
    chapters = []
    for each in found.gates.commands.values():
        standing = found.gates.stand(each.gate, found.evidence, now)
        chapters.append(Chapter(standing, kind_of(each.words), _written(site, standing.evidence)))
    rehearsal = next(each for each in found.rows if each.row.fact == "rehearsed")
    way_back = rehearsal.why if rehearsal.done else ""
    return Move(site.name, found.gates.release, _runtimes(site), found.plan, way_back, chapters, found.link)


def _runtimes(site: Site) -> Mapping[str, str]:
    try:
        placements = [placement for each in site.contract.services for placement in each.placements.values()]
    except NoSuchStack:
        return {}
    return {each.slot: each.runtime for each in placements}


def _written(site: Site, evidence: Evidence | None) -> tuple[str, ...]:
    """What the command wrote, without what is for machines; nothing of a file that is not the one that was kept."""
    if evidence is None or not evidence.files:
        return ()
    try:
        kept = (site.evidence.folder / evidence.files[0].path).read_bytes()
    except OSError:
        return ("what it wrote is not there any more",)
    if hashlib.sha256(kept).hexdigest() != evidence.files[0].sha256:
        return ("what it wrote was changed since, and is not repeated here",)
    out = kept.decode(errors="replace").partition("\n--- on standard error ---\n")[0]
    lines = [line for line in out.splitlines() if line.strip() and not line.startswith("{")]
    return tuple(lines[:-1])  # the last is the sentence that the gate is known by
