"""What this machine cannot give that the settings ask for."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.config import Document, Fault, Settings
from infra.config.document import Keys
from infra.config.faults import lines_of
from infra.config.rules import ports_of
from infra.config.settings import Program
from infra.targets.local.home import LONGEST_SOCKET, Home
from infra.targets.local.machine import belongs_to, dotted, interpreter, is_free, listener, runtimes


def faults(project: Path, home: Home, settings: Settings, document: Document) -> Sequence[Fault]:
    """Every such fault, in the order of the settings."""
    return [
        *_socket(home, document),
        *_runtimes(settings, document),
        *_files(project, settings, document),
        *_ports(home, settings, document),
    ]


def _socket(home: Home, document: Document) -> Iterator[Fault]:
    path = str(home.supervisor)
    if len(path.encode()) + len(".12345678") > LONGEST_SOCKET:  # the supervisor makes it beside, under a longer name
        cause = f"{path} is longer than the path of a socket may be ({LONGEST_SOCKET} bytes)"
        yield Fault(
            "the project's folder lies too deep", document.where(("target",)), cause, "move the project to a shorter path"
        )


def _runtimes(settings: Settings, document: Document) -> Iterator[Fault]:
    asked: list[tuple[Keys, str]] = [(("slots", slot, "runtime"), each.runtime) for slot, each in settings.slots.items()]
    asked += [(("companions", name, "runtime"), each.runtime) for name, each in settings.companions.items()]
    missing: set[str] = set()
    for keys, runtime in asked:
        if runtime in missing or interpreter(runtime) is None:
            missing.add(runtime)
            version = dotted(runtime)
            cause = f"there is no Python {version} here; found: {', '.join(runtimes()) or 'none'}"
            hint = f"pyenv install {version}\nor: uv python install {version}"
            yield Fault(f"runtime {runtime} is not on this machine", document.where(keys), cause, hint)


def _files(project: Path, settings: Settings, document: Document) -> Iterator[Fault]:
    # What is wrong with the lock of a runtime that is not here can wait until it is.
    asked = {each.runtime for each in settings.slots.values() if interpreter(each.runtime) is not None}
    for name, service in settings.services.items():
        yield from _program(project, document, ("services", name), service, sorted(asked))
    for name, companion in settings.companions.items():
        yield from _program(project, document, ("companions", name), companion, [companion.runtime])


def _program(project: Path, document: Document, keys: Keys, program: Program, runtimes: list[str]) -> Iterator[Fault]:
    source = project / program.source
    if not source.is_dir():
        cause = f"{source} is {'a file' if source.exists() else 'not there'}"
        yield Fault(f"source is no folder: {program.source}", document.where((*keys, "source")), cause, lines_of({"source": "."}))
    try:
        locks = {runtime: project / program.lock.format(runtime=runtime) for runtime in runtimes}
    except (KeyError, IndexError, ValueError):
        cause = "the one thing in braces it may have is {runtime}"
        yield Fault(
            f"lock is wrong: {program.lock!r}", document.where((*keys, "lock")), cause, lines_of({"lock": "locks/{runtime}.txt"})
        )
        return
    for runtime, lock in locks.items():
        if not lock.is_file():
            yield Fault(
                f"there is no lock for {runtime}",
                document.where((*keys, "lock")),
                f"{lock} is {'no file' if lock.exists() else 'not there'}",
                f"uv pip compile --generate-hashes --python-version {dotted(runtime)} requirements.in -o {lock}",
            )


def _ports(home: Home, settings: Settings, document: Document) -> Iterator[Fault]:
    programs = [(("services", name, "port"), each.port, True, each.listen) for name, each in settings.services.items()]
    programs += [(("companions", name, "port"), each.port, False, "127.0.0.1") for name, each in settings.companions.items()]
    for keys, port, slotted, address in programs:
        for each in ports_of(port, slotted=slotted) if port is not None else ():
            if is_free(address if each == port else "127.0.0.1", each):
                continue
            owner = listener(each)
            if owner is not None and belongs_to(owner, home.folder):
                continue
            who = "a process of another user" if owner is None else f"{owner.name()} (process {owner.pid})"
            hint = f"end it, or take another port:\n{lines_of({'port': _next_free(port or each, slotted=slotted)})}"
            yield Fault(f"port {each} is taken", document.where(keys), f"{who} listens there", hint)
            break


def _next_free(port: int, *, slotted: bool) -> int:
    return next(
        each
        for each in range(port + 1, port + 1000)
        if all(is_free("127.0.0.1", used) for used in ports_of(each, slotted=slotted))
    )
