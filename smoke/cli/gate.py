"""``crossfade gate``: a gate that ships, as a command; ``crossfade check`` runs it like any other."""

import sys

import click

from smoke.errors import UsageError
from smoke.gates import GATES, gate


@click.command("gate", context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="NAME", required=False)
@click.argument("words", nargs=-1, metavar="[WORD]...", type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="Print the last line alone.")
def command(*, name: str | None, words: tuple[str, ...], as_json: bool) -> int:
    """Answer one question, and say so as `crossfade check` reads it. Without a name: which there are."""
    if name is None:
        raise UsageError("which gate?", hint=f"one of: {', '.join(sorted(GATES))}")
    answer = gate(name)(words)
    text = answer.text()
    sys.stdout.write(text.splitlines(keepends=True)[-1] if as_json else text)
    return answer.code
