"""A compose file as plain values, with the line that each of them is on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from smoke.errors import UsageError

Keys = tuple[str | int, ...]
"""The way to a value: ``("services", "api", "ports", 0)``."""

LARGEST: Final = 1_000_000
"""Characters of a compose file."""
_SHAPES: Mapping[str, tuple[type, ...]] = {
    "build": (str, dict),
    "container_name": (str,),
    "healthcheck": (dict,),
    "image": (str,),
    "network_mode": (str,),
    "ports": (list,),
    "volumes": (list,),
}
"""What of a service is looked into, and what it may be; nothing is always allowed."""
_NAMES: Mapping[type, str] = {str: "a text", dict: "a mapping", list: "a list"}


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """The values of a compose file. Every service, volume and network is a mapping."""

    name: str
    """What a person calls the file."""
    values: Mapping[str, Any]
    root: yaml.Node

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """Services by name."""
        services: Mapping[str, Mapping[str, Any]] = self.values["services"]
        return services

    def resources(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """``volumes`` or ``networks`` by name; those without settings have empty ones."""
        return {name: each or {} for name, each in (self.values.get(kind) or {}).items()}

    def where(self, *keys: str | int) -> str:
        """``file:line key``; a key that is not in the file is said to be where it would be."""
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")
        return f"{self.name}:{_line(self.root, keys)} {path}".rstrip()


def read(text: str, name: str) -> ComposeFile:
    """Read the text of a compose file.

    Raises:
        UsageError: it is no YAML, or not of a compose file's shape; says the line.
    """
    if len(text) > LARGEST:
        raise UsageError(f"{name} has more than {LARGEST:,} characters: that is no compose file")
    root, values = load(text, name)
    file = ComposeFile(name, values, root)
    _check(file)
    return file


def load(text: str, name: str) -> tuple[yaml.Node, dict[str, Any]]:
    """A YAML text that is a mapping, as nodes and as values.

    Raises:
        UsageError: it is none; says the line.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        values = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise _broken(error, name) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        cause = "it is nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise UsageError(f"{name} is no YAML", where=name, cause=cause) from error
    if not isinstance(root, yaml.Node) or not isinstance(values, dict):
        raise UsageError(f"{name} is no mapping", where=f"{name}:1")
    return root, values


def _check(file: ComposeFile) -> None:
    services = file.values.get("services")
    if not isinstance(services, dict) or not services:
        hint = "put them under `services:`; those of an `include:` are not read: give that file"
        raise UsageError(f"{file.name} has no services", file.where("services"), "the key `services` holds none", hint)
    for name, service in services.items():
        if not isinstance(name, str):
            raise UsageError(f"the name of a service is a text, and not {name!r}", file.where("services", name))
        _mapping(file, service, "services", name)
        for key, shapes in _SHAPES.items():
            if service.get(key) is not None and not isinstance(service[key], shapes):
                wanted = " or ".join(_NAMES[each] for each in shapes)
                raise UsageError(f"`{key}` is {wanted}", file.where("services", name, key))
    for kind in ("volumes", "networks"):
        if file.values.get(kind) is not None:
            _mapping(file, file.values[kind], kind)
            for name, each in file.values[kind].items():
                _mapping(file, each or {}, kind, name)


def _mapping(file: ComposeFile, value: object, *keys: str) -> None:
    if not isinstance(value, dict):
        raise UsageError(f"`{keys[-1]}` is a mapping", file.where(*keys))


def _broken(error: yaml.MarkedYAMLError, name: str) -> UsageError:
    mark = error.problem_mark or error.context_mark
    cause = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    return UsageError(f"{name} is no YAML", where=name if mark is None else f"{name}:{mark.line + 1}", cause=cause)


def _line(node: yaml.Node, keys: Keys) -> int:
    """The line of the last of these keys that is there."""
    line = node.start_mark.line + 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = next(((mark, child) for mark, child in node.value if mark.value == str(key)), None)
        else:
            inside = isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value)
            found = (node.value[key], node.value[key]) if inside else None
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
    return line


class _Loader(yaml.SafeLoader):
    """Plain values, as Compose reads them: 22:22 is a port and no time of day, `on` is a word, a date is a text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - the library's own name


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF")
_resolve("int", r"(?:[-+]?(?:0o?[0-7]*|[1-9][0-9]*)|0x[0-9a-fA-F]+)\Z", "-+0123456789")
_resolve("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z", "-+.0123456789")
_resolve("merge", r"<<\Z", "<")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])


def _replaced(loader: yaml.SafeLoader, node: yaml.Node) -> Any:  # noqa: ANN401 - whatever YAML holds
    """What ``!override`` stands before: in the first file it says nothing."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value


_Loader.add_constructor("!override", _replaced)
_Loader.add_constructor("!reset", lambda _loader, _node: None)
