"""The list of commands, and what happens to an error on its way out."""

import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from smoke.errors import CrossfadeError, Exit, UsageError
from smoke.redaction import Redacting, secrets_in

_COMMANDS: Mapping[str, str] = {
    "abort": "Put all traffic back on the live slot, now, and take the stack back.",
    "approve": "Agree that the next step of the running rollout may begin.",
    "attest": "Say in your own name that a gate holds, or does not.",
    "backup": "Write what a stack is made from into one file, and read it back.",
    "check": "Ask the gates before a rollout, and keep the evidence; or show how they stand.",
    "checklist": "Show every row of a migration with its state, and the evidence behind it.",
    "compose": "Write an override that runs a compose file on another runtime, beside the old one.",
    "doctor": "Say what this machine has, what is missing or too old, and the fix.",
    "explain": "Say what an exit code means and what to do about it.",
    "gate": "Answer one question of a migration, by a gate that ships.",
    "guide": "Write the documents of the migration from what gates and rollouts said.",
    "images": "Check the images of the idle slot, before it gets traffic.",
    "incident": "Write why a rollout went back, how soon, and what users saw.",
    "notify": "Tell people something, and say who was told.",
    "orders": "Say whether two slots ever worked at one moment, by the logs of orders.",
    "pause": "Hold the running rollout at the weights that it has.",
    "plan": "Show the steps of the next promotion, and what going back would do.",
    "promote": "Prove the candidate, shift traffic to it in steps, settle; or go back.",
    "prune": "Show, or remove, what nothing needs any more.",
    "relock": "Lock for another Python, with the versions closest to those in use.",
    "replay": "Say what another plan would have done on the counts of a rollout.",
    "report": "Write the evidence of a rollout as Markdown, HTML or JSON.",
    "resume": "Go on with a rollout that is held.",
    "retire": "Remove the slot that was live before, once its time is over.",
    "revert": "Go back to the version that was live before, in one step.",
    "smoke": "Ask every probe of the idle slot, directly, past the router.",
    "soak": "Watch the live slot for hours under load, and say whether it bears that.",
    "status": "Say what users see now, and how the rollout stands.",
    "watch": "Follow a rollout that somebody else drives.",
    "workflows": "Write workflows of continuous integration, or say what differs from what the settings want.",
}
_COMPLETE = "_CROSSFADE_COMPLETE"
"""The variable by which a shell asks how a line may go on."""


class _Commands(click.Group):
    """Loads a command's module when it is run: help and status may not wait for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the alphabet."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"smoke.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crossfade")
def _crossfade() -> None:
    """Move live traffic from one slot of a stack to the other, and back by itself when the new side is worse.

    `pulumi up` declares both slots and moves no traffic; these commands do.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    try:
        code = _run(arguments)
    except CrossfadeError as error:
        code = error.exit
        _tell(error, as_json="--json" in arguments)
    except BrokenPipeError:
        code = Exit.HELD  # cancelled: whoever read has gone away in the middle
    except Exception as error:  # noqa: BLE001 - the last door: a person must hear of it, with the documented code
        code = Exit.INTERNAL
        _tell_fault(error, as_json="--json" in arguments)
    _leave(code)


def print_document(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output, beginning with its format."""
    import json  # noqa: PLC0415 - help does not need it

    sys.stdout.write(json.dumps({"format": 1, **document}) + "\n")


def _run(arguments: list[str]) -> int:
    """Run a command; returns its exit code, and raises its errors as documents."""
    try:
        # Not click's own ``main``: that answers a reader who went away with exit code 1, which means something here.
        if _COMPLETE in os.environ:
            return _complete(os.environ[_COMPLETE])
        with _crossfade.make_context("crossfade", list(arguments)) as context:
            result = _crossfade.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        raise _usage(error) from None
    except (click.Abort, KeyboardInterrupt):
        raise _Cancelled("cancelled", hint="crossfade status", state="what was begun goes on or goes back") from None
    return result if isinstance(result, int) else Exit.WANTED


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete  # noqa: PLC0415 - only a shell asks for it

    return shell_complete(_crossfade, {}, "crossfade", _COMPLETE, instruction)


class _Cancelled(CrossfadeError):
    """A person cancelled it."""

    exit = Exit.HELD


def _usage(error: click.ClickException) -> UsageError:
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else "crossfade"
    return UsageError(
        message[:1].lower() + message[1:],
        where=None if context is None else context.get_usage().partition(": ")[2],
        hint=f"{path} --help",
        state="nothing was changed",
    )


def _tell(error: CrossfadeError, *, as_json: bool) -> None:
    """The error for people; and for machines where they asked."""
    with suppress(BrokenPipeError):
        sys.stderr.write(str(error) + "\n")
        if as_json:
            print_document(error.document())


def _tell_fault(error: Exception, *, as_json: bool) -> None:
    import traceback  # noqa: PLC0415 - hardly ever needed

    with suppress(BrokenPipeError):
        traceback.print_exception(error)
    what, cause = "this is a fault in Crossfade itself", f"{type(error).__name__}: {error}"
    state = "traffic stays as `crossfade status` shows it"
    _tell(CrossfadeError(what, cause=cause, hint="report it with the lines above it", state=state), as_json=as_json)


def _open_streams() -> None:
    """Where a stream was closed before we began, nobody listens: that is no fault. No stream shows a secret."""
    secrets = secrets_in(os.environ)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        setattr(sys, name, Redacting(getattr(sys, name), secrets))


def _leave(code: int) -> None:
    """End with that exit code, once everything was written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            # The interpreter would try once more on its way out, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if not isinstance(error, BrokenPipeError):
                sys.stderr.write(f"error: the output could not be written: {error.strerror}\n")
                code = code or Exit.INTERNAL
    sys.exit(int(code))
