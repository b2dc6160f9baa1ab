"""``crossfade workflows``: continuous integration as the settings want it, and whether it still is."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import click

from smoke.cli.frame import check_settings, on_stack
from smoke.cli.main import print_document
from smoke.errors import Exit, UsageError
from smoke.plan import Plan
from smoke.reports.guide import kind_of
from smoke.reports.workflow_parts import unpinned
from smoke.reports.workflows import Asked, Program, Wish, workflows
from smoke.wiring import Site

_OPEN = frozenset({"as wanted", "written", "written over"})


@dataclass(frozen=True, slots=True)
class _File:
    """A workflow, and how it was found or left."""

    path: Path
    state: str
    difference: str = ""
    """Unified, from what is there to what is wanted."""


@click.command("workflows")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tests", metavar="COMMAND", default="python -m pytest", show_default=True, help="What runs a program's tests.")
@click.option("--check", "only", is_flag=True, help="Write nothing: a file that is not there is not as it should be either.")
@click.option("--force", is_flag=True, help="Write over what differs.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@on_stack
def command(site: Site, *, folder: Path, tests: str, only: bool, force: bool, as_json: bool) -> int:  # noqa: PLR0913 - options
    """Write workflows of GitHub Actions into FOLDER, as the settings want them: tests, the deployment, and what is asked monthly.

    What is there and differs is shown, and stays. Exit code 0 when all of it is as the settings want it, else 1.
    """
    if only and force:
        raise UsageError("--check writes nothing, and --force writes over", hint="take one of them")
    wish = _wish(site, tests)
    files = [_settled(folder / name, text, only=only, force=force) for name, text in workflows(wish).items()]
    well = all(each.state in _OPEN for each in files)
    if as_json:
        print_document(_document(site, wish, files, well=well))
    else:
        sys.stdout.writelines(f"{each.state:<13} {each.path}\n{each.difference}" for each in files)
    for kind in wish.missing:
        sys.stderr.write(f"no gate of the settings asks {kind}, so no workflow does\n")
    return Exit.WANTED if well else Exit.GATE


def _wish(site: Site, tests: str) -> Wish:
    settings = check_settings(site)
    shape, gates = settings["shape"], settings["checks"]["gates"]
    runtimes = sorted(set(shape["slots"].values()), key=lambda each: int(each.removeprefix("py3")))
    programs = _programs(shape["services"])
    _plain([tests, *(text for each in programs for text in (each.source, each.lock))])
    asked = [Asked(name, each["phase"], kind_of(each["command"]), each["limit"]) for name, each in gates.items()]
    files = site.project.folder.glob("Pulumi.*.yaml")
    stacks = sorted(each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in files)
    return Wish(site.name, stacks, shape["target"], runtimes, programs, asked, Plan.from_json(settings["plan"]), tests)


def _programs(services: Mapping[str, Any]) -> Sequence[Program]:
    """Each source with its lock, once; of a service whose image is built elsewhere there is none."""
    users: dict[tuple[str, str], list[str]] = {}
    for name, each in services.items():
        if each["lock"] != "-":
            users.setdefault((each["source"], each["lock"]), []).append(name)
    return [Program(names, *made) for made, names in users.items()] or [Program([*services], ".", "")]


def _plain(texts: Sequence[str]) -> None:
    """Refuse what the code host would fill in, and what is no line.

    Raises:
        UsageError: one of them is that.
    """
    for text in texts:
        if "${{" in text or not text.isprintable() or not text.strip():
            raise UsageError(f"{text!r} cannot stand in a workflow", cause="it has ${{ in it, or is no plain line")


def _settled(path: Path, text: str, *, only: bool, force: bool) -> _File:
    """Write a file where it may be written.

    Raises:
        UsageError: it cannot be read or written.
    """
    try:
        there = path.read_text(encoding="utf-8") if path.exists() else None
        if there is not None and unpinned(there, text) == text:
            return _File(path, "as wanted")
        if only or (there is not None and not force):
            return _File(path, "missing" if there is None else "differs", _difference(path, there or "", text))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "a folder of your own, as .github/workflows"
        raise UsageError(f"{path} cannot be read or written", where=str(path), cause=str(error), hint=hint) from error
    return _File(path, "written" if there is None else "written over")


def _difference(path: Path, there: str, wanted: str) -> str:
    names = (str(path), f"{path} as the settings want it")
    return "".join(unified_diff(there.splitlines(keepends=True), wanted.splitlines(keepends=True), *names)) if there else ""


def _document(site: Site, wish: Wish, files: Sequence[_File], *, well: bool) -> Mapping[str, Any]:
    told = [{"file": str(each.path), "state": each.state, "difference": each.difference} for each in files]
    return {"stack": site.name, "well": well, "files": told, "missing": [*wish.missing]}
