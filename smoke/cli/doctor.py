"""``crossfade doctor``: what this machine has, what is missing or too old, and the fix."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smoke.cli.main import print_document
from smoke.doctor import (
    CLUSTER,
    CONTAINERS,
    INSIDE,
    MACHINE,
    OUTSIDE,
    PROJECT,
    TOLD,
    Check,
    Left,
    Machine,
    Outcome,
    Place,
    ThisMachine,
    engine_of,
    examine,
    stake_of,
)
from smoke.errors import CrossfadeError, DeployError, Exit, JournalError, NoSuchStack

if TYPE_CHECKING:
    from smoke.stack.project import Project
    from smoke.wiring import Site

Parts = Mapping[str, Callable[[], Iterable[Check]]]
"""Checks, by name."""


@click.command("doctor")
@click.option("--stack", "-s", envvar="PULUMI_STACK", help="The Pulumi stack; the only one there is, by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
def command(stack: str | None, *, as_json: bool) -> int:
    """Say what this machine has, what is missing or too old, and the fix.

    Works anywhere, also without a project and before a stack is up. Changes nothing, and uses no network but to
    ask the cluster that a stack lives in.
    """
    machine = ThisMachine(os.environ)
    parts, needless, told = _target(machine, stack)
    checks = examine({name: partial(part, machine) for name, part in MACHINE.items() if name not in needless})
    place = examine(parts)
    told = told if any(check.bad for check in place) else ()
    checks += place
    checks += examine({"project": partial(_project, machine, stack, told)})
    bad = sum(check.bad for check in checks)
    if as_json:
        print_document({"well": not bad, "checks": [check.to_json() for check in checks]})
    else:
        sys.stdout.write("\n".join(lines(checks)) + "\n")
    sys.stderr.write(f"{bad or 'none'} of {len(checks)} missing or too old\n")
    return Exit.GATE if bad else Exit.WANTED


def lines(checks: Sequence[Check]) -> list[str]:
    """A plain table, with each fix under what it mends."""
    width = max((len(check.name) for check in checks), default=0)
    return [line for check in checks for line in _rows(check, width)]


def _rows(check: Check, width: int) -> Iterator[str]:
    found = " ".join(check.found.split())
    wanted = f"; wanted: {check.wanted}" if check.wanted and check.verdict is not Outcome.OK else ""
    yield f"{check.verdict.value:<7}  {check.name:<{width}}  {found}{wanted}"
    for number, line in enumerate(check.fix.splitlines()):
        yield f"{'':<{width + 11}}{'     ' if number else 'fix: '}{line}"


def _target(machine: Machine, asked: str | None) -> tuple[Parts, frozenset[str], tuple[str, ...]]:
    """What the stack's place needs, what it needs not of this machine, and how faults begin that are told by that."""
    text = _settings(asked)
    with suppress(Exception):  # what is wrong with the settings is told elsewhere
        daemon = engine_of(text, os.environ)
        if daemon is not None:
            return {name: partial(part, machine, daemon) for name, part in CONTAINERS.items()}, INSIDE, TOLD
        stake = stake_of(text, os.environ)
        if stake is not None:
            return {name: partial(part, machine, stake) for name, part in CLUSTER.items()}, OUTSIDE, stake.told
    return {}, frozenset(), ()


def _settings(asked: str | None) -> str:
    """The settings of the stack that is meant, as text; empty where there are none. What cannot be read is told of elsewhere."""
    with suppress(Exception):
        from smoke.stack.project import find_project  # noqa: PLC0415 - what is broken there must not hide the rest

        project = find_project(Path.cwd())
        stack, _ = _stack(project, asked)
        if stack is not None:
            return project.settings(stack).read_text(encoding="utf-8")
    return ""


def _project(machine: Machine, asked: str | None, told: tuple[str, ...]) -> Iterator[Check]:
    """Everything about the project that the current folder is in; one note where it is in none."""
    from smoke.stack.project import find_project  # noqa: PLC0415 - what is broken there must not hide what is above it

    here = Path.cwd()
    try:
        project = find_project(here)
    except CrossfadeError as error:
        there = any((each / "Pulumi.yaml").exists() for each in (here, *here.parents))
        found = f"{error.what}: {error.cause or error.where}"
        fix = error.hint or "cd into a project, to check that too"
        yield Check("project", Outcome.MISSING if there else Outcome.NOTE, found, "a project", fix)
        return
    yield Check("project", Outcome.OK, f"{project.name} ({project.folder})")
    stack, note = _stack(project, asked)
    if note is not None:
        yield note
    secrets, left = ("", None) if stack is None else (_secrets(project, stack), partial(_left, project, stack))
    place = Place(project.folder, project.state, stack, secrets, left, told)
    yield from examine({name: partial(part, machine, place) for name, part in PROJECT.items()})
    if stack is not None and project.state is not None:  # any other backend is on the network
        yield from examine({"stack": partial(_up, project, stack)})


def _left(project: "Project", stack: str) -> Left:
    """What Pulumi has left behind on the stack, or is still at."""
    from smoke.stack.checkpoint import pending  # noqa: PLC0415 - dito
    from smoke.stack.locks import locks, stale  # noqa: PLC0415 - dito

    folder, file = project.locks(stack), project.checkpoint(stack)
    found = [] if folder is None else locks(folder)
    held = [str(each) for each in found if not stale(each)]
    return Left(held, len(found) - len(held), () if file is None else pending(file))


def _stack(project: "Project", asked: str | None) -> tuple[str | None, Check | None]:
    """The stack that is meant, or a note why there is none."""
    known = sorted(each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in project.folder.glob("Pulumi.*.yaml"))
    if asked or len(known) == 1:
        return asked or known[0], None
    found = f"one of {', '.join(known)}; none was named" if known else "none has settings here"
    fix = f"crossfade doctor --stack {known[0]}" if known else "write Pulumi.staging.yaml; the README has an example"
    return None, Check("stack", Outcome.NOTE, found, "a stack to look at", fix)


def _secrets(project: "Project", stack: str) -> str:
    """The secrets provider in the stack's settings; empty for the passphrase, or where they cannot be read."""
    try:
        text = project.settings(stack).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = next((line for line in text.splitlines() if line.startswith("secretsprovider:")), "")
    name = found.partition(":")[2].strip().strip("\"'")
    return "" if name == "passphrase" else name


def _up(project: "Project", stack: str) -> Iterator[Check]:
    """What a stack that is up says of itself."""
    from smoke.wiring import Site  # noqa: PLC0415 - dito

    site = Site(project, stack)
    try:
        contract = site.contract
    except NoSuchStack as error:
        yield Check("stack", Outcome.NOTE, error.what, fix=error.hint or "")
        return
    except DeployError as error:
        yield Check("stack", Outcome.MISSING, f"{error.what}: {error.cause}", "a stack that can be read", error.hint or "")
        return
    yield Check("stack", Outcome.OK, f"{stack} is up: {', '.join(each.name for each in contract.services)}")
    yield from examine({"data plane": partial(_data_plane, site), "journal": partial(_journal, site)})


def _data_plane(site: "Site") -> Iterator[Check]:
    for service, weights in site.weights().items():
        if weights is None:
            found, fix = f"{service}: it does not answer", f"pulumi up --stack {site.name}"
            yield Check("data plane", Outcome.MISSING, found, "weights that can be read back", fix)
        else:
            yield Check("data plane", Outcome.OK, f"{service}: {_shares(weights)}")


def _shares(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{slot} {share} %" for slot, share in sorted(weights.items()))


def _journal(site: "Site") -> Iterator[Check]:
    """Whether what happened can be read, and whether something is happening."""
    from smoke.rollout import ENDED, Phase  # noqa: PLC0415 - dito

    try:
        rollouts = [site.rollout(name) for name in site.journal.rollouts()]
        last = site.history().last
    except JournalError as error:
        found = error.what if error.where is None else f"{error.what}: {error.where}"
        yield Check("journal", Outcome.MISSING, found, "every record whole", error.hint or "")
        return
    count = len(rollouts)
    yield Check("journal", Outcome.OK, f"{count} {'rollout' if count == 1 else 'rollouts'}, every record whole")
    if last is None or last.phase in ENDED - {Phase.STUCK}:
        return
    found, stack = f"{last.opened.rollout} is {last.phase.value}", site.name
    if last.phase is Phase.STUCK:
        because = "; ".join(last.because)
        yield Check("rollout", Outcome.MISSING, f"{found}: {because}", "one that ends", f"crossfade abort --stack {stack}")
    else:
        fix = f"crossfade status --stack {stack}\nif nobody drives it: crossfade promote --stack {stack}, which goes on with it"
        yield Check("rollout", Outcome.NOTE, f"{found}, {last.share} % on {last.opened.candidate}", fix=fix)
