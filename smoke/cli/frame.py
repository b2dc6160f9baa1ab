"""What the commands share: the stack option, the state line of an error, one way to print a document."""

import functools
import getpass
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec

import click

from infra.contract import Json
from smoke.errors import CrossfadeError, NoSuchStack, UsageError
from smoke.wiring import Site

P = ParamSpec("P")


def on_stack(function: Callable[Concatenate[Site, P], int]) -> Callable[..., int]:
    """Give a command ``--stack`` and a ``Site``; an error that leaves it says what users see now."""

    @click.option("--stack", "-s", required=True, envvar="PULUMI_STACK", help="The Pulumi stack, for example staging.")
    @functools.wraps(function)
    def command(stack: str, *args: P.args, **kwargs: P.kwargs) -> int:
        site = Site.here(stack)
        try:
            return function(site, *args, **kwargs)
        except NoSuchStack as error:
            error.state = error.state or "nothing is served by this stack"
            raise
        except CrossfadeError as error:
            error.state = error.state or _state(site)
            raise

    return command


def check_settings(site: Site) -> Mapping[str, Json]:
    """What the settings ask for, deployed or not: ``releases``, ``plan``, ``checks``, ``start``, ``notify`` and ``shape``.

    Releases are fingerprints by slot, and the plan is as the contract has it.

    Raises:
        UsageError: they are broken; every fault, with the lines to paste, was printed.
        NoSuchStack: there is no settings file for this stack.
        CrossfadeError: they could not be checked.
    """
    import subprocess  # noqa: PLC0415 - `status` does not wait for it

    # A process of its own: the settings are infra's, and its libraries are slow to load.
    command = [sys.executable, "-m", "infra.check", "--json", "--stack", site.name, "--project", str(site.project.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    settings = str(site.project.settings(site.name))
    try:
        found = json.loads(done.stdout)
    except ValueError:
        sys.stderr.write(done.stderr)
        raise CrossfadeError("the settings could not be checked", where=settings, hint="crossfade doctor") from None
    for fault in found["faults"]:
        sys.stderr.write(f"{CrossfadeError(**fault)}\n\n")
    if done.returncode == NoSuchStack.exit:
        raise NoSuchStack(f"there is no stack {site.name}", where=settings)
    if done.returncode:
        raise UsageError("the settings of the stack are broken, nothing was changed", where=settings)
    return {name: found[name] for name in ("releases", "plan", "checks", "start", "notify", "shape")}


def me() -> str:
    """Who asks, as ``user@host``."""
    return f"{os.environ.get('USER') or getpass.getuser()}@{socket.gethostname()}"


def _state(site: Site) -> str | None:
    try:
        return site.state()
    except CrossfadeError:
        return None
