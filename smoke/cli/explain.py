"""``crossfade explain``: what an exit code means, offline."""

import sys
from collections.abc import Mapping

import click

from smoke.cli.main import print_document
from smoke.errors import Exit, GateClosed

MEANINGS: Mapping[Exit, tuple[str, str]] = {
    Exit.WANTED: ("The stack is on the wanted version.", "Nothing to do."),
    Exit.GATE: ("A gate said no; nothing was changed.", "Read the sentence above it; crossfade status"),
    Exit.USAGE: ("The command line or the settings file is wrong; nothing was changed.", "Paste the lines the error names."),
    Exit.AUTHENTICATION: ("Somebody must sign in first; nothing was changed.", "crossfade doctor"),
    Exit.DEPLOYMENT: ("Pulumi, or a part of the stack, failed.", "crossfade status, then pulumi up"),
    Exit.POLICY: ("A policy said no: a window, an approval, a backup; nothing was changed.", "crossfade plan"),
    Exit.NO_STACK: ("There is no such stack, or it was never brought up.", "pulumi up --stack STACK"),
    Exit.PLAN_CHANGED: ("What is deployed no longer matches the plan.", "crossfade plan"),
    Exit.HELD: ("A person cancelled it, or left it to the watchdog; traffic is where crossfade status says.", "crossfade status"),
    Exit.TIMED_OUT: ("A limit was reached; the state was printed.", "crossfade status"),
    Exit.ROLLED_BACK: ("The candidate was worse: rolled back. Users are safe on the live slot.", "crossfade report"),
    Exit.ROLLBACK_FAILED: ("Going back did not work. A person is needed now.", "crossfade status, then crossfade abort"),
    Exit.UNDECIDED: ("Too little data to decide.", "crossfade plan: more traffic, longer steps or higher weights"),
    Exit.LOCKED: ("Another run holds the stack; the error says whose and since when.", "crossfade status"),
    Exit.INTERNAL: ("A fault in Crossfade itself.", "crossfade status, and report it with the traceback"),
}


@click.command("explain")
@click.argument("code", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
def command(code: int, *, as_json: bool) -> int:
    """Say what exit code CODE means, what users see, and what to run next."""
    known = {int(each) for each in MEANINGS}
    if code not in known:
        raise GateClosed(f"there is no exit code {code}", hint=f"one of: {', '.join(map(str, sorted(known)))}")
    meaning, remedy = MEANINGS[Exit(code)]
    if as_json:
        print_document({"code": code, "meaning": meaning, "next": remedy})
    else:
        sys.stdout.write(f"{code}: {meaning}\nnext: {remedy}\n")
    return Exit.WANTED
