"""What a project needs, whether a stack of it is up or not."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from smoke.doctor.check import Check, Outcome
from smoke.doctor.machine import Machine
from smoke.errors import Exit

_LEAST_FREE = 1 << 30
"""Bytes: room for an environment of each runtime, and for the state's copies."""


@dataclass(frozen=True, slots=True)
class Left:
    """What Pulumi has left behind on a stack, or is still at."""

    held: Sequence[str] = ()
    """Who holds a lock, and may live."""
    stale: int = 0
    """Locks whose process is dead."""
    pending: Sequence[str] = ()
    """Kinds of what was under way when it died."""


@dataclass(frozen=True, slots=True)
class Place:
    """A project on this machine, and the stack of it that is meant."""

    folder: Path
    state: Path | None
    """Folder of the state; None where the backend is no folder."""
    stack: str | None
    secrets: str = ""
    """The secrets provider that the stack's settings name; empty for the passphrase."""
    left: Callable[[], Left] | None = None
    """Says what Pulumi has left behind; None where nobody can."""
    told: tuple[str, ...] = ()
    """How faults of the settings begin that other checks have told of."""


def _backend(machine: Machine, place: Place) -> Iterator[Check]:
    wanted = "a folder that can be written, named in PULUMI_BACKEND_URL"
    url = machine.environ.get("PULUMI_BACKEND_URL", "")
    state = place.folder / ".state" if place.state is None else place.state
    fix = f'. ./activate, or: export PULUMI_BACKEND_URL="file://{state}?create_dir=true"'
    if place.state is None:
        # The scheme alone: the rest may hold a password.
        yield Check("state", Outcome.MISSING, f"PULUMI_BACKEND_URL is of {urlsplit(url).scheme or 'no'} scheme", wanted, fix)
    elif not machine.writable(state):
        yield Check("state", Outcome.MISSING, f"{state} cannot be written", wanted, f"chmod u+rwx {state}")
    elif not url:
        found = f"PULUMI_BACKEND_URL is not set, so Pulumi would not look in {state}"
        yield Check("state", Outcome.MISSING, found, wanted, fix)
    else:
        yield Check("state", Outcome.OK, str(state), wanted)


def _passphrase(machine: Machine, place: Place) -> Iterator[Check]:
    wanted = "one that Pulumi need not ask for: nobody is there when a rollout goes back"
    fix = ". ./activate, or name a file in PULUMI_CONFIG_PASSPHRASE_FILE"
    file = machine.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE", "")
    if place.secrets:
        yield Check("passphrase", Outcome.OK, f"not needed: secrets are kept by {urlsplit(place.secrets).scheme}", wanted)
        return
    if "PULUMI_CONFIG_PASSPHRASE" in machine.environ:
        size: int | None = len(machine.environ["PULUMI_CONFIG_PASSPHRASE"])
    elif file:
        size = machine.size(Path(file))
    else:
        yield Check("passphrase", Outcome.MISSING, "not set", wanted, fix)
        return
    if size is None:
        yield Check("passphrase", Outcome.MISSING, f"{file} cannot be read", wanted, fix)
    elif size == 0:
        how = "before a secret goes in, read the comment in activate"
        yield Check("passphrase", Outcome.NOTE, "set, and empty: it protects nothing", fix=how)
    else:
        yield Check("passphrase", Outcome.OK, "set", wanted)


def _disk(machine: Machine, place: Place) -> Iterator[Check]:
    free = machine.free(place.folder)
    well = free >= _LEAST_FREE
    fix = "" if well else f"du -sh {place.folder}/.[!.]* says what takes the room"
    yield Check("disk", Outcome.OK if well else Outcome.MISSING, f"{free / (1 << 30):.1f} GiB free", "1 GiB or more", fix)


def _settings(machine: Machine, place: Place) -> Iterator[Check]:
    """What ``infra`` says of the stack's settings on this machine: sources, locks, folders, ports, interpreters."""
    if place.stack is None:
        return
    asked = ["--stack", place.stack, "--project", str(place.folder), "--json"]
    # A process of its own: the settings are infra's, and what is wrong with its libraries must not stop a doctor.
    said = machine.run([str(machine.python), "-m", "infra.check", *asked])
    name, wanted = f"Pulumi.{place.stack}.yaml", "settings that this machine can run"
    if said.code not in {Exit.WANTED, Exit.USAGE, Exit.NO_STACK} or not said.out:
        yield Check("settings", Outcome.UNKNOWN, f"{name} could not be checked: {said.last}", wanted)
        return
    faults = json.loads(said.out)["faults"]
    left = [fault for fault in faults if not fault["what"].startswith(place.told)]
    for fault in left:
        found = f"{fault['where']}: {fault['what']}; {fault['cause']}"
        yield Check("settings", Outcome.MISSING, found, wanted, fault["hint"])
    if not faults:
        yield Check("settings", Outcome.OK, f"{name}: all that it asks of this machine is there", wanted)
    elif not left:
        yield Check("settings", Outcome.NOTE, f"{name}: what is told above is in the way of the rest", wanted)


def _lock(_: Machine, place: Place) -> Iterator[Check]:
    """Whether a Pulumi is at work on the stack, or died at it."""
    if place.stack is None or place.left is None:
        return
    left, found, fix = place.left(), list[str](), list[str]()
    if left.held:
        found.append(f"held by {'; '.join(left.held)}")
        fix.append(f"wait until it ends; if you are sure that it is dead: pulumi cancel --stack {place.stack} --yes")
    elif left.stale or left.pending:
        kinds = [f"{left.pending.count(kind)} {kind}" for kind in dict.fromkeys(left.pending)]
        found.append(f"a dead Pulumi left {left.stale} locks, and {', '.join(kinds) or 'nothing'} cut off")
        fix.append(f"pulumi cancel --stack {place.stack} --yes")
        fix.append(f"pulumi refresh --stack {place.stack} --yes --skip-preview --clear-pending-creates")
        found.append("Crossfade clears it before it deploys")
    yield Check(
        "lock", Outcome.NOTE if found else Outcome.OK, "; ".join(found) or "none, and nothing is pending", fix="\n".join(fix)
    )


PROJECT: Mapping[str, Callable[[Machine, Place], Iterator[Check]]] = {
    "state": _backend,
    "passphrase": _passphrase,
    "disk": _disk,
    "settings": _settings,
    "lock": _lock,
}
"""What a project needs, whether a stack is up or not."""
