"""What the commands share: the stack option, the state line of an error, one way to print a document."""

import functools
import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import click

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


def check_settings(site: Site) -> None:
    """Refuse to go on with broken settings.

    Raises:
        UsageError: they are broken; every fault, with the lines to paste, was printed.
        NoSuchStack: there is no settings file for this stack.
    """
    # A process of its own: the settings are infra's, and its libraries are slow to load.
    found = subprocess.run(
        [sys.executable, "-m", "infra.check", "--stack", site.name, "--project", str(site.project.folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode == 0:
        return
    sys.stderr.write(found.stderr or found.stdout)
    settings = str(site.project.settings(site.name))
    if found.returncode == NoSuchStack.exit:
        raise NoSuchStack(f"there is no stack {site.name}", where=settings)
    if found.returncode == UsageError.exit:
        raise UsageError("the settings of the stack are broken, nothing was changed", where=settings)
    raise CrossfadeError("the settings could not be checked, nothing was changed", where=settings, hint="crossfade doctor")


def me() -> str:
    """Who asks, as ``user@host``."""
    return f"{os.environ.get('USER') or getpass.getuser()}@{socket.gethostname()}"


def _state(site: Site) -> str | None:
    try:
        return site.state()
    except CrossfadeError:
        return None
