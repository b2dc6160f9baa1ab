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

LARGEST, MOST, DEEPEST = 256_000, 20_000, 50
"""Bytes of a settings file, values in it (what an alias stands for counts each time), and mappings within each other."""
_DIGITS = 300
"""Of the longest number: what is longer is a text."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+")
"""What Pulumi makes of a date without quotes: a time, in Go's words."""
_NUMBER = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?")
_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class UnreadableError(ValueError):
    """The file is no YAML, or not of a settings file's shape; the text says why."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.line = line
        """Where reading ended, or None where that is no line."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A key that is written twice in one mapping: YAML has no such thing, and which of them counts is anybody's guess."""

    key: str
    first: int
    again: int
    """The lines of both."""


@dataclass(frozen=True)
class Document:
    """Values by key, without the prefix, and where they were written."""

    name: str
    """What a person calls the file."""
    values: Mapping[str, Any]
    lines: Mapping[Keys, int] = field(default_factory=dict)
    repeated: tuple[Repeated, ...] = ()

    @property
    def stack(self) -> str:
        """The stack that the file is named after."""
        return self.name.removeprefix("Pulumi.").removesuffix(".yaml")

    def where(self, keys: Keys) -> str:
        """``file:line key``; a key that is not in the file is said to be where it would be."""
        line = next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), None)
        return f"{self.name}{'' if line is None else f':{line}'} {path_of(keys)}"

    def at(self, keys: Keys) -> Any:  # noqa: ANN401 - whatever was written
        """The value there, or None where nothing is."""
        found: Any = self.values
        for key in keys:
            if isinstance(found, Mapping):
                found = found.get(key)
            else:
                found = found[key] if isinstance(found, list) and isinstance(key, int) and key < len(found) else None
        return found


def path_of(keys: Keys) -> str:
    """A key as Pulumi's ``--path`` takes it: ``crossfade:services.api.health[0]``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return PREFIX + text


def from_values(values: Mapping[str, Any], name: str) -> Document:
    """A document of values that were read by somebody else, with the lines of the file of that name where it has them."""
    try:
        written = read(Path(name))
    except (OSError, UnreadableError):
        return Document(Path(name).name, values)
    return Document(Path(name).name, {key: _as_written(each, written.at((key,))) for key, each in values.items()}, written.lines)


def _as_written(value: Any, written: Any) -> Any:  # noqa: ANN401 - whatever was written
    """The value, but with its dates as the file has them."""
    if isinstance(value, Mapping) and isinstance(written, Mapping):
        return {key: _as_written(each, written.get(key)) for key, each in value.items()}
    if isinstance(value, list) and isinstance(written, list) and len(value) == len(written):
        return [_as_written(*each) for each in zip(value, written, strict=True)]
    return written if isinstance(value, str) and isinstance(written, str) and _TIME.fullmatch(value) else value


def read(file: Path) -> Document:
    """Read a settings file.

    Raises:
        OSError: it cannot be read.
        UnreadableError: it is no settings file.
    """
    with file.open("rb") as opened:
        written = opened.read(LARGEST + 1)
    if len(written) > LARGEST:
        raise UnreadableError(f"it has more than {LARGEST:,} bytes: that is no settings file")
    try:
        return _document(file.name, yaml.compose(written.decode(), Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error) from error
    except UnreadableError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two of characters that there are not
        raise UnreadableError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise UnreadableError("it contains itself, or is nested too deep") from error


def _document(name: str, root: yaml.Node | None) -> Document:
    if not isinstance(root, yaml.MappingNode):
        raise UnreadableError("it is no mapping; it begins with `config:`")
    reading = _Reading()
    top = reading.pairs(root, ())
    _, config = top.get("config", (None, None))
    if config is None:
        raise UnreadableError(f"it has no `config:`, only {', '.join(top)}", root.start_mark.line + 1)
    if not isinstance(config, yaml.MappingNode):
        raise UnreadableError("`config:` holds no settings", config.start_mark.line + 1)
    ours = {key: each for key, each in reading.pairs(config, ()).items() if key.startswith(PREFIX)}
    values = {key.removeprefix(PREFIX): reading.entry(*each, (key.removeprefix(PREFIX),)) for key, each in ours.items()}
    return Document(name, values, reading.lines, tuple(reading.repeated[line] for line in sorted(reading.repeated)))


def _unreadable(error: yaml.MarkedYAMLError) -> UnreadableError:
    """What the library says of a broken line, in one sentence."""
    parts = ((error.context, error.context_mark), (error.problem, error.problem_mark))
    said = [f"{text}{'' if mark is None else f' (line {mark.line + 1})'}" for text, mark in parts if text]
    mark = error.problem_mark or error.context_mark
    return UnreadableError(", ".join(said), None if mark is None else mark.line + 1)


class _Reading:
    """Turns nodes into values, and remembers the lines."""

    def __init__(self) -> None:
        self.lines: dict[Keys, int] = {}
        self.repeated: dict[int, Repeated] = {}
        self._count = 0

    def pairs(self, node: yaml.MappingNode, keys: Keys) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Key and value by name; what is merged in by ``<<`` gives way to what is written."""
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        self._counted(len(node.value), keys)
        for key, child in node.value:
            name, line = _text(key), key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                for each in child.value if isinstance(child, yaml.SequenceNode) else [child]:
                    merged = {**(self.pairs(each, keys) if isinstance(each, yaml.MappingNode) else {}), **merged}
            elif name in own:
                first = own[name][0].start_mark.line + 1
                self.repeated[line] = Repeated(path_of((*keys, name)) if keys else name, first, line)
            else:
                own[name] = key, child
        return {**merged, **own}

    def entry(self, mark: yaml.Node, node: yaml.Node, keys: Keys) -> Any:  # noqa: ANN401 - whatever YAML holds
        """The value of a node that is written at a mark."""
        self.lines[keys] = mark.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return {name: self.entry(*each, (*keys, name)) for name, each in self.pairs(node, keys).items()}
        if isinstance(node, yaml.SequenceNode):
            self._counted(len(node.value), keys)
            return [self.entry(child, child, (*keys, index)) for index, child in enumerate(node.value)]
        return _scalar(node)

    def _counted(self, values: int, keys: Keys) -> None:
        self._count += values
        if self._count > MOST:
            raise UnreadableError(f"it has more than {MOST:,} values, what aliases stand for included", self.lines.get(keys))
        if len(keys) > DEEPEST:
            raise UnreadableError(f"it contains itself, or is nested deeper than {DEEPEST}", self.lines.get(keys))


def _text(node: yaml.Node) -> str:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode):
        raise UnreadableError("a name is a text, and no list or mapping", line)
    text = str(node.value)
    if any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text):
        raise UnreadableError("a text has a zero or half a character in it", line)
    return text


def _scalar(node: yaml.Node) -> Any:  # noqa: ANN401
    # As Pulumi reads it: `on` is a word and 8:30 a time of day, which the older YAML of this library takes for others.
    text = _text(node)
    if getattr(node, "style", None) in {"'", '"', "|", ">"}:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _DIGITS and _NUMBER.fullmatch(text):
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    return text
