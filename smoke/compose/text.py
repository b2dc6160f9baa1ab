"""The override as text, with the two tags by which Compose replaces what it would merge."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

MARKER: Final = "# Written by crossfade compose, and written anew by it: put nothing of your own here."
"""The first line of every file that may be overwritten."""
NEEDED: Final = (2, 24, 4)
"""The Compose that knows both tags."""
_WIDEST: Final = 10_000
"""Of a line: no text is folded."""


class Replaced(list[Any]):
    """A list in the place of theirs: without ``!override`` Compose would append it."""


class Removed:
    """Nothing in the place of what is there: ``!reset``."""


def text_of(document: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """The file, with lines of comment under its first."""
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDEST)
    return "\n".join([MARKER, *(f"# {note}" for note in notes), body])


def is_ours(text: str) -> bool:
    """Whether a file with this text may be overwritten."""
    return text.partition("\n")[0].rstrip() == MARKER


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    """The same without the tags; None for what is removed."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return None if isinstance(value, Removed) else list(value) if isinstance(value, list) else value


class _Dumper(yaml.SafeDumper):
    """Writes no anchors: people read it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the library's own signature
        return True


_Dumper.add_representer(Replaced, lambda dumper, items: dumper.represent_sequence("!override", items))
_Dumper.add_representer(Removed, lambda dumper, _removed: dumper.represent_sequence("!reset", [], flow_style=True))
