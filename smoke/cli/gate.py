"""``crossfade gate``: a gate that ships, as a command; ``crossfade check`` runs it like any other."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from smoke.errors import UsageError
from smoke.gates import GATES, Answer, gate
from smoke.gates.sarif import document


@click.command("gate", context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="NAME", required=False)
@click.argument("words", nargs=-1, metavar="[WORD]...", type=click.UNPROCESSED)
@click.option("--json", "as_json", is_flag=True, help="Print the last line alone.")
@click.option("--sarif", metavar="FILE", help="Write what was found in sources there, as SARIF.")
@click.option("--patch", metavar="FILE", help="Write what would mend it there, where the gate knows that, for `git apply`.")
def command(*, name: str | None, words: tuple[str, ...], as_json: bool, sarif: str | None, patch: str | None) -> int:
    """Answer one question, and say so as `crossfade check` reads it. Without a name: which there are."""
    if name is None:
        raise UsageError("which gate?", hint=f"one of: {', '.join(sorted(GATES))}")
    answer = gate(name)(words)
    if sarif is not None:
        answer = _written(answer, Path(sarif), document(name, answer))
    if patch is not None:
        answer = _written(answer, Path(patch), answer.patch)
    sys.stdout.write(answer.text(alone=as_json))
    return answer.code


def _written(answer: Answer, file: Path, text: str) -> Answer:
    """The answer, with that file as one of its own."""
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        hint = "a file in a folder that is there"
        raise UsageError(f"{file} cannot be written", where=str(file), cause=str(error), hint=hint) from error
    return replace(answer, files=(*answer.files, str(file)))
