"""``crossfade compose``: an override that runs the services of a compose file on another runtime, beside the old ones."""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from infra.contract import Json
from smoke.cli.composer import Composer, dotted, installed, needed
from smoke.cli.main import print_document
from smoke.compose import (
    LARGEST,
    NEEDED,
    ComposeFile,
    Finding,
    Kind,
    Plan,
    Stack,
    Wish,
    changed,
    dockerfile_of,
    hidden,
    is_ours,
    merged,
    plain,
    plan,
    project_of,
    read,
    secrets_of,
    stack_of,
    text_of,
    unified,
)
from smoke.errors import CrossfadeError, Exit, NoSuchStack, UsageError
from smoke.stack.project import find_project

_OUT = "compose.crossfade.yaml"
_BASES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_START = ("up", "-d", "--wait", "--wait-timeout", "120")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line says, and what was read."""

    path: Path
    out: Path
    file: ComposeFile
    wish: Wish
    plan: Plan

    @property
    def text(self) -> str:
        """The override."""
        needs = f"Goes with {self.path.name}; needs Docker Compose {dotted(NEEDED)} or later. To start it:"
        return text_of(self.plan.document, (needs, f"  {self.command(*self.start)}"))

    @property
    def start(self) -> tuple[str, ...]:
        """What follows the files."""
        build = ("--build",) if self.plan.builds else ()
        return (*_START, *build, *(word for name in self.plan.idle for word in ("--scale", f"{name}=0")))

    def command(self, *words: str) -> str:
        """A command for the new project."""
        return shlex.join(["docker", "compose", "-p", self.wish.beside, "-f", str(self.path), "-f", str(self.out), *words])


@click.command("compose")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help=f"Where the override goes; {_OUT} beside FILE by default.")
@click.option("--runtime", default="py312", show_default=True, help="What the new side runs on.")
@click.option("--stack", "-s", envvar="PULUMI_STACK", help="Take images of this stack, and know its singletons.")
@click.option("--diff", is_flag=True, help="Write nothing: show what the override changes in the end, as Compose sees it.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
def command(file: Path, *, out: Path | None, runtime: str, stack: str | None, diff: bool, as_json: bool) -> int:  # noqa: PLR0913 - options
    """Write an override that runs the services of the compose file FILE on another runtime, beside the old ones.

    FILE is never changed, and nothing is started. Ends with 1 where both sides would share or miss something: read it first.
    """
    try:
        asked = _asked(file, out or file.parent / _OUT, runtime, stack)
        if diff:
            return _diff(asked, as_json=as_json)
        _write(asked.out, asked.text)
    except CrossfadeError as error:
        error.state = error.state or "nothing was written, nothing was started"
        raise
    if as_json:
        print_document(_document(asked))
    else:
        sys.stdout.write("\n".join(_lines(asked)) + "\n")
    return Exit.WANTED if asked.plan.well else Exit.GATE


def _asked(path: Path, out: Path, runtime: str, stack: str | None) -> _Asked:
    if not re.fullmatch(r"py3\d{1,2}", runtime):
        raise UsageError(f"there is no runtime {runtime}", where="--runtime", hint="--runtime py312")
    text = _text(path)
    if is_ours(text):
        raise UsageError(f"{path} is an override of ours", where=str(path), hint="crossfade compose docker-compose.yml")
    _check_out(path, out)
    file = read(text, path.name)
    project = project_of(file, path.resolve().parent.name, os.environ.get("COMPOSE_PROJECT_NAME"))
    settings = None if stack is None else _stack(stack, runtime)
    wish = Wish(runtime, project, settings, {name: _dockerfile(path, each) for name, each in file.services.items()})
    return _Asked(path, out, file, wish, plan(file, wish))


def _check_out(path: Path, out: Path) -> None:
    """Nothing is overwritten but what this command wrote."""
    if out.exists() and (out.resolve() == path.resolve() or not is_ours(_text(out))):
        raise UsageError(f"{out} is not ours, and stays as it is", where=str(out), hint="--out ANOTHER.yaml")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return opened.read(LARGEST + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise UsageError(f"{path} cannot be read", where=str(path), cause=cause) from error


def _stack(name: str, runtime: str) -> Stack:
    settings = find_project(Path.cwd()).settings(name)
    if not settings.is_file():
        raise NoSuchStack(f"there is no stack {name}", where=str(settings))
    return stack_of(_text(settings), settings.name, name, runtime)


def _dockerfile(path: Path, service: Mapping[str, Any]) -> str | None:
    found = dockerfile_of(service)
    if found is None:
        return None
    try:
        return _text(path.parent.joinpath(*found))
    except UsageError:
        return None


def _write(out: Path, text: str) -> None:
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written", where=str(out), cause=error.strerror, hint="--out ANOTHER.yaml") from error
    finally:
        beside.unlink(missing_ok=True)


def _findings(asked: _Asked) -> Iterator[Finding]:
    yield from asked.plan.findings
    if asked.path.name in _BASES:
        for base in _BASES:
            own = asked.path.with_name(base.replace(".", ".override.", 1))
            if own.exists():
                what = f"Compose reads it only where no -f is given: to have it here too, put -f {own} before ours"
                yield Finding(Kind.NOTE, str(own), what)


def _lines(asked: _Asked) -> Iterator[str]:
    yield f"{asked.out}: project {asked.wish.beside}, beside {asked.wish.project}"
    changes, found = asked.plan.changes, list(_findings(asked))
    width = max((len(each.where) for each in changes), default=0)
    yield from (f"  {each.where:<{width}}  {each.old or '(nothing)'} -> {each.new}" for each in changes)
    for each in found:
        yield f"{each.kind.value:<12}  {each.where}\n{'':<14}{each.what}"
    yield f"to start it (Docker Compose {dotted(NEEDED)} or later; here: {installed() or 'none'}), and to take it away:"
    yield f"  {asked.command(*asked.start)}"
    yield f"  {asked.command('down')}"


def _document(asked: _Asked) -> Mapping[str, Json]:
    composer = installed()
    return {
        "well": asked.plan.well,
        "out": str(asked.out),
        "project": asked.wish.beside,
        "override": plain(asked.plan.document),
        "changes": [{"path": each.where, "old": each.old or None, "new": each.new} for each in asked.plan.changes],
        "findings": [{"kind": each.kind.value, "where": each.where, "what": each.what} for each in _findings(asked)],
        "compose": None if composer is None else str(composer),
        "up": asked.command(*asked.start),
        "down": asked.command("down"),
    }


def _diff(asked: _Asked, *, as_json: bool) -> int:
    composer = needed()
    old, new = composer.config(asked.path, "-f", str(asked.path)), _new(composer, asked)
    secrets = (*secrets_of(old), *secrets_of(new))
    if as_json:
        differ = [(path, path.rpartition(".")[2], before, after) for path, before, after in changed(old, new)]
        told = [
            {"path": path, "old": hidden({key: before}, secrets)[key], "new": hidden({key: after}, secrets)[key]}
            for path, key, before, after in differ
        ]
        print_document({"project": asked.wish.beside, "compose": str(composer), "changed": told})
    else:
        names = (asked.path.name, f"{asked.path.name} + {asked.out.name}")
        lines = unified(hidden(old, secrets), hidden(new, secrets), names)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return Exit.WANTED


def _new(composer: Composer, asked: _Asked) -> Mapping[str, Any]:
    """The effective values with the override, whether it is written already or not."""
    name = ("-p", asked.wish.beside)
    if composer.version < NEEDED:
        # It knows neither the tags nor a project's name in a file: it is given one file, in which both are done.
        one = merged(asked.file.values, {key: each for key, each in asked.plan.document.items() if key != "name"})
        folder = str(asked.path.resolve().parent)
        return composer.config(asked.path, *name, "--project-directory", folder, "-f", "-", stdin=text_of(one))
    with TemporaryDirectory(prefix="crossfade-compose-") as folder:
        override = Path(folder) / asked.out.name
        override.write_text(asked.text, encoding="utf-8")
        return composer.config(asked.path, *name, "-f", str(asked.path), "-f", str(override))
