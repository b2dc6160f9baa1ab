"""What this machine cannot give that the settings ask for."""

import difflib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.config import Document, Fault, Settings
from infra.config.document import Keys
from infra.config.faults import paste
from infra.config.ports import ports_of, spare_port
from infra.config.settings import Program
from infra.targets.local.home import LONGEST_SOCKET, OURS, Home
from infra.targets.local.machine import belongs_to, dotted, interpreter, is_free, listener, obstacle, runtimes

if TYPE_CHECKING:
    import psutil


def faults(project: Path, home: Home, settings: Settings, document: Document) -> Sequence[Fault]:
    """Every such fault, in the order of the settings."""
    # What is wrong with the lock of a runtime that is not here can wait until it is.
    here = {each.runtime for each in settings.slots.values() if interpreter(each.runtime) is not None}
    return [
        *too_deep(home, document),
        *_runtimes(settings, document),
        *missing_files(project, settings, document, here),
        *reserved_names(settings, document),
        *taken_ports(settings, document, lambda owner, _: owner is not None and belongs_to(owner, home.folder)),
    ]


def too_deep(home: Home, document: Document) -> Iterator[Fault]:
    """A path that is too long for the supervisor's socket."""
    if home.too_deep:
        cause = f"{home.supervisor} is longer than the path of a socket may be ({LONGEST_SOCKET} bytes)"
        yield Fault(
            "the project's folder lies too deep", document.where(("target",)), cause, "move the project to a shorter path"
        )


def _runtimes(settings: Settings, document: Document) -> Iterator[Fault]:
    asked: list[tuple[Keys, str]] = [(("slots", slot, "runtime"), each.runtime) for slot, each in settings.slots.items()]
    asked += [(("companions", name, "runtime"), each.runtime) for name, each in settings.companions.items()]
    for keys, runtime in asked:
        if interpreter(runtime) is None:
            version, found = dotted(runtime), runtimes()
            cause = f"there is no Python {version} here; found: {', '.join(found) or 'none'}"
            others = f"\nor take one that is here:\n{paste(document, keys, found[-1])}" if found else ""
            hint = f"uv python install {version}\nor: pyenv install {version}{others}"
            yield Fault(f"runtime {runtime} is not on this machine", document.where(keys), cause, hint)


def missing_files(project: Path, settings: Settings, document: Document, asked: Collection[str]) -> Iterator[Fault]:
    """Folders of programs, and their locks for these runtimes, that are not there."""
    programs: list[tuple[Keys, Program, list[str]]] = []
    programs += [(("services", name), each, sorted(asked)) for name, each in settings.services.items()]
    programs += [(("companions", name), each, [each.runtime]) for name, each in settings.companions.items()]
    for keys, program, wanted in programs:
        yield from _source(project, document, keys, program)
        yield from _locks(project, document, keys, program, wanted)


def _source(project: Path, document: Document, keys: Keys, program: Program) -> Iterator[Fault]:
    source = project / program.source
    if not os.path.isdir(source):  # noqa: PTH112 - no path is too strange for it
        cause = f"{source} is {'a file' if os.path.exists(source) else 'not there'}"  # noqa: PTH110 - dito
        near = _near(source, [each for each in _beside(source) if each.is_dir()])
        better = None if near is None else str(Path(program.source).with_name(near.name))
        hint = paste(document, (*keys, "source"), better) if better else "take the program's folder, as Pulumi.yaml sees it"
        yield Fault(f"source is no folder: {program.source}", document.where((*keys, "source")), cause, hint)


def _locks(project: Path, document: Document, keys: Keys, program: Program, wanted: list[str]) -> Iterator[Fault]:
    for runtime in wanted:
        name = program.lock_for(runtime)
        if not os.path.isfile(project / name):  # noqa: PTH113 - no path is too strange for it
            make = f"uv pip compile --generate-hashes --python-version {dotted(runtime)} requirements.in -o {name}"
            better = _other_lock(project, program.lock, wanted)
            yield Fault(
                f"there is no lock for {runtime}",
                document.where((*keys, "lock")),
                f"{project / name} is {'no file' if os.path.exists(project / name) else 'not there'}",  # noqa: PTH110 - dito
                make if better is None else f"{paste(document, (*keys, 'lock'), better)}\nor: {make}",
            )


def _other_lock(project: Path, lock: str, wanted: list[str]) -> str | None:
    """A lock of nearly that name, which every runtime has; or None."""
    found = _near(project / lock.replace("{runtime}", wanted[0]), list(_beside(project / lock)))
    if found is None:
        return None
    better = str(Path(lock).with_name(found.name.replace(wanted[0], "{runtime}")))
    there = all((project / better.replace("{runtime}", runtime)).is_file() for runtime in wanted)
    return better if there and better != lock else None


def _beside(path: Path) -> Sequence[Path]:
    return sorted(path.parent.iterdir()) if os.path.isdir(path.parent) else []  # noqa: PTH112 - dito


def _near(path: Path, others: Sequence[Path]) -> Path | None:
    names = difflib.get_close_matches(path.name, [each.name for each in others], n=1)
    return path.with_name(names[0]) if names else None


def reserved_names(settings: Settings, document: Document) -> Iterator[Fault]:
    """Companions that are called as a program of our own."""
    for name in sorted(OURS & settings.companions.keys()):
        cause = "a program of Crossfade's own goes by that name here"
        yield Fault(f"a companion cannot be {name}", document.where(("companions", name)), cause, f"rename the companion {name}")


Ours = Callable[["psutil.Process | None", int], bool]
"""Whether it is this stack that listens on a port; the process is None where the system hides it."""


def taken_ports(settings: Settings, document: Document, ours: Ours, *, slots: bool = True) -> Iterator[Fault]:
    """Ports of this machine that somebody else listens on; those of the slots only where they are this machine's."""
    programs = [(("services", name, "port"), each.port, slots, each.listen) for name, each in settings.services.items()]
    programs += [(("companions", name, "port"), each.port, False, "127.0.0.1") for name, each in settings.companions.items()]
    for keys, port, slotted, address in programs:
        for each in ports_of(port, slotted=slotted) if port is not None else ():
            who = _other(ours, address if each == port else "127.0.0.1", each)
            if who is not None:
                free = spare_port(document.values, slotted=slotted, free=lambda spare: is_free("127.0.0.1", spare))
                hint = f"end it, or take another port:\n{paste(document, keys, free)}"
                yield Fault(f"port {each} is taken", document.where(keys), who, hint)
                break


def _other(ours: Ours, address: str, port: int) -> str | None:
    """Who, or what, keeps this stack from a port; None where nothing does, or the stack itself listens there."""
    why = obstacle(address, port)
    if why is None:
        return None
    if why:
        return f"{address} cannot be listened on: {why}"
    owner = listener(port)
    if ours(owner, port):
        return None
    if owner is None:
        return "a program that this user may not see uses it"
    return f"{owner.name()} (process {owner.pid}) listens there"
