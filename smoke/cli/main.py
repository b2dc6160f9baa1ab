"""The list of commands, and what happens to an error on its way out."""

import importlib
import json
import sys
import traceback
from collections.abc import Mapping

import click

from smoke.errors import CrossfadeError, Exit

_COMMANDS: Mapping[str, str] = {
    "abort": "Put all traffic back on the live slot, now, and take the stack back.",
    "doctor": "Say what this machine has, what is missing or too old, and the fix.",
    "explain": "Say what an exit code means and what to do about it.",
    "plan": "Show the steps of the next promotion, and what going back would do.",
    "promote": "Prove the candidate, shift traffic to it in steps, settle; or go back.",
    "report": "Write the evidence of a rollout as Markdown or JSON.",
    "revert": "Go back to the version that was live before, in one step.",
    "smoke": "Ask every probe of the idle slot, directly, past the router.",
    "status": "Say what users see now, and how the rollout stands.",
}


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
    try:
        result = _crossfade.main(args=arguments, standalone_mode=False)
        code = result if isinstance(result, int) else Exit.WANTED
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("cancelled; what was begun goes on or goes back: crossfade status\n")
        code = Exit.HELD
    except BrokenPipeError:
        code = Exit.WANTED
    except CrossfadeError as error:
        _tell(error, as_json="--json" in arguments)
        code = error.exit
    except Exception:  # noqa: BLE001 - the last door: a person must hear of it, with the documented code
        traceback.print_exc()
        sys.stderr.write("error: this is a fault in Crossfade itself; traffic stays as `crossfade status` shows it\n")
        code = Exit.INTERNAL
    sys.stdout.flush()
    sys.exit(int(code))


def _tell(error: CrossfadeError, *, as_json: bool) -> None:
    sys.stderr.write(str(error) + "\n")
    if as_json:
        parts = {name: getattr(error, name) for name in ("what", "where", "cause", "hint", "state")}
        sys.stdout.write(json.dumps({"format": 1, "exit": int(error.exit), "error": parts}) + "\n")
