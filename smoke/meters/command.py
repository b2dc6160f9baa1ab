"""Numbers that a command of the user's own prints: one JSON object a read, ``{"bad": 3, "all": 120}`` or ``{"value": 4.2}``."""

import json
from collections.abc import Mapping, Sequence

from infra.contract import Json
from smoke.errors import MeterError
from smoke.foreign import shortened
from smoke.meters.tallied import SLOT, Tallied, asked, is_texts
from smoke.process import how, run
from smoke.settings import is_text

_LONGEST = 160
"""Characters of what it said that are told."""


def command(given: Mapping[str, Json]) -> Tallied:
    """The meter. Its command is run in a folder, by no shell, once for each slot.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    settings = asked("command", given, {"run": is_texts, "folder": is_text}, "run (a list of words), folder")
    words, folder = given["run"], given["folder"]
    return Tallied(settings, lambda slot, limit: _figures(*_ended([word.replace(SLOT, slot) for word in words], folder, limit)))


def _ended(words: Sequence[str], folder: str, limit: float) -> tuple[str, str]:
    """What a command printed, and the last line of its errors."""
    try:
        ended = run(words, folder, limit)
    except (OSError, ValueError) as error:
        raise MeterError(f"{words[0]} cannot be started in {folder}", cause=str(error)) from error
    last = shortened((ended.err.strip().splitlines() or ["without a word"])[-1])
    if ended.status is None:
        raise MeterError(f"{words[0]} did not end within {limit:.1f} s, and was killed: {last}")
    if ended.status:
        raise MeterError(f"{words[0]} {'ended with' if ended.status > 0 else 'was'} {how(ended.status)}: {last}")
    return ended.out, last


def _figures(printed: str, complained: str) -> Mapping[str, Json]:
    try:
        document = json.loads(printed)
    except (ValueError, RecursionError) as error:
        document = error
    if not isinstance(document, dict):
        raise MeterError(f"it printed {printed.strip()[:_LONGEST]!r}, and not one JSON object: {complained}")
    return document
