"""What Pulumi keeps beside each file of its state, and what a Pulumi that was killed leaves of that.

Beside ``staging.json`` is ``staging.json.attrs``, with its media type and a hash; nobody needs it. The state itself is written
beside and renamed, and this one is written in place. Killed between opening and writing it, Pulumi leaves an empty one, and from
then on every Pulumi ends with ``failed to load checkpoint: EOF``, before it has done anything.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_EXTENSION = ".attrs"


def mend(checkpoint: Path) -> None:
    """Remove those of a stack that are torn: without one, Pulumi takes its file as it is. Nobody may be writing them meanwhile.

    Args:
        checkpoint: the stack's state, ``.pulumi/stacks/PROJECT/STACK.json``.
    """
    for each in _beside(checkpoint):
        with suppress(OSError):  # whoever needs it says so
            if _torn(each):
                each.unlink()


def _beside(checkpoint: Path) -> Iterator[Path]:
    root, project, stack = checkpoint.parents[2], checkpoint.parent.name, checkpoint.stem
    yield from checkpoint.parent.glob(f"{checkpoint.name}*{_EXTENSION}")
    for kind in (Path("locks", "organization"), Path("history"), Path("backups")):
        yield from (root / kind / project / stack).glob(f"*{_EXTENSION}")


def _torn(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return True
    return False
