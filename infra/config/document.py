"""A settings file as plain values, with the line that each of them is on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PREFIX = "crossfade:"
"""Pulumi's namespace of our settings."""

Keys = tuple[str | int, ...]
"""The way to a value: ``("services", "api", "health", 0)``."""

_NUMBER = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?")
_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


class UnreadableError(ValueError):
    """The file is no YAML, or not of a settings file's shape; the text says where."""


@dataclass(frozen=True)
class Document:
    """Values by key, without the prefix, and where they were written."""

    name: str
    """What a person calls the file."""
    values: Mapping[str, Any]
    lines: Mapping[Keys, int] = field(default_factory=dict)

    def where(self, keys: Keys) -> str:
        """``file:line key``; a key that is not in the file is said to be where it would be."""
        line = next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), None)
        return f"{self.name}{'' if line is None else f':{line}'} {path_of(keys)}"


def path_of(keys: Keys) -> str:
    """A key as Pulumi's ``--path`` takes it: ``crossfade:services.api.health[0]``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return PREFIX + text


def from_values(values: Mapping[str, Any], name: str) -> Document:
    """A document of values that were read by somebody else, with the lines of the file of that name where it has them."""
    try:
        lines = read(Path(name)).lines
    except (OSError, UnreadableError):
        lines = {}
    return Document(Path(name).name, values, lines)


def read(file: Path) -> Document:
    """Read a settings file.

    Raises:
        OSError: it cannot be read.
        UnreadableError: it is no settings file.
    """
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnreadableError(str(error)) from error
    if not isinstance(root, yaml.MappingNode):
        raise UnreadableError("it is no mapping; it begins with `config:`")
    config = next((value for key, value in root.value if key.value == "config"), None)
    if not isinstance(config, yaml.MappingNode):
        raise UnreadableError("it has no `config:`")
    lines: dict[Keys, int] = {}
    values: dict[str, Any] = {}
    for key, node in config.value:
        if str(key.value).startswith(PREFIX):
            name = key.value.removeprefix(PREFIX)
            lines[name,] = key.start_mark.line + 1
            values[name] = _value(node, (name,), lines)
    return Document(file.name, values, lines)


def _value(node: yaml.Node, keys: Keys, lines: dict[Keys, int]) -> Any:  # noqa: ANN401 - whatever YAML holds
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _entry(key, child, (*keys, str(key.value)), lines) for key, child in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_entry(child, child, (*keys, index), lines) for index, child in enumerate(node.value)]
    return _scalar(node)


def _entry(mark: yaml.Node, node: yaml.Node, keys: Keys, lines: dict[Keys, int]) -> Any:  # noqa: ANN401
    lines[keys] = mark.start_mark.line + 1
    return _value(node, keys, lines)


def _scalar(node: yaml.Node) -> Any:  # noqa: ANN401
    # As Pulumi reads it: `on` is a word and 8:30 a time of day, which the older YAML of this library takes for others.
    text = str(node.value)
    if getattr(node, "style", None) in {"'", '"', "|", ">"}:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    return text
