"""The documents say what the code does."""

import re
from pathlib import Path

from smoke.rollout import TABLE

DOC = Path(__file__).parents[3] / "docs" / "architecture.md"


def test_the_picture_is_the_table() -> None:
    """The transitions in the architecture document are those of the table, each once, in its order."""
    drawn = re.findall(r"^(\w[\w ]*?) +-- (\w+) -+> ([\w ]+)$", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    table = [(phase.value, event.__name__, then.value) for phase, row in TABLE.items() for event, then in row.items()]

    assert sorted(drawn) == sorted(table)
