"""What a stack's own state file says. The command line says the same, in ten times the time."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smoke.errors import DeployError


def outputs(file: Path) -> Mapping[str, Any]:
    """Outputs of the stack; none where it has no state yet.

    Raises:
        DeployError: the state cannot be read.
    """
    root = next((each for each in _each(file, "resources") if each.get("type") == "pulumi:pulumi:Stack"), {})
    found = root.get("outputs")
    return found if isinstance(found, Mapping) else {}


def pending(file: Path) -> tuple[str, ...]:
    """Kinds of what a Pulumi that died was at: ``creating``, ``updating``, ``deleting``; none where all was finished.

    Raises:
        DeployError: the state cannot be read.
    """
    return tuple(str(each.get("type")) for each in _each(file, "pending_operations"))


def _each(file: Path, part: str) -> list[Mapping[str, Any]]:
    """The entries of a part of the newest checkpoint."""
    if not file.is_file():
        return []
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        entries = (found["checkpoint"].get("latest") or {}).get(part) or []
        return [each for each in entries if isinstance(each, Mapping)]
    # The last is what Python says of lists within lists within lists.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DeployError("the stack's state cannot be read", where=str(file), cause=str(error)) from error
