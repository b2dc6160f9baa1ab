"""What a lock pins: a file of requirements as pip and uv write it, ``uv.lock`` or ``pylock.toml``. Nothing is guessed."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smoke.errors import UsageError

_LARGEST = 64 * 2**20
"""Bytes of a lock."""
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^]]*\])?\s*==\s*(?P<version>[\w.!+-]+)\s*(?:;\s*(?P<marker>.+))?")
_OPTIONS = ("--hash", "--index-url", "--extra-index-url", "--find-links", "--no-binary", "--only-binary", "--trusted-host", "-i ")
"""What may stand on a line of its own and pins nothing."""
EXPORT = "uv export --frozen --no-emit-project --output-file requirements.lock"
"""What writes one."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One package at one version."""

    name: str
    """As indexes have it: small letters and ``-``."""
    version: str
    marker: str = ""
    """Where it is wanted; empty: everywhere."""
    indexed: bool = True
    """An index has it. False: a folder, a repository or a file at an address of its own."""

    @property
    def requirement(self) -> str:
        """As a file of requirements has it."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")


def pins(file: Path) -> Sequence[Pin]:
    """Every package that a lock pins.

    Raises:
        UsageError: it cannot be read, or has a line that pins nothing and is no option.
    """
    try:
        if file.stat().st_size > _LARGEST:
            raise UsageError(f"{file} is too large for a lock", where=str(file), hint=f"{EXPORT} writes one")
        text = file.read_text(encoding="utf-8")
        found = _of_toml(tomllib.loads(text)) if file.suffix == ".toml" or file.name == "uv.lock" else _of_lines(text)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{file} cannot be read as a lock", where=str(file), cause=str(error), hint=f"{EXPORT} writes one"
        ) from error
    return sorted(set(found), key=lambda each: (each.name, each.version, each.marker))


def options(file: Path) -> Sequence[str]:
    """Lines of a file of requirements that pin nothing and say where and how packages are looked for; none of another form.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    lines = () if file.suffix == ".toml" else _lines(file.read_text(encoding="utf-8"))
    return [each for each in lines if each.startswith(_OPTIONS)]


def _lines(text: str) -> Sequence[str]:
    """Without comments and hashes, and none that is empty."""
    bare = [re.sub(r"(^|\s)#.*$", "", line) for line in re.sub(r"\\\r?\n", " ", text).splitlines()]
    return [words for line in bare if (words := re.sub(r"\s--hash[= ]\S+", "", line).strip())]


def _of_lines(text: str) -> Sequence[Pin]:
    found = []
    for words in _lines(text):
        if words.startswith(_OPTIONS):
            continue
        pinned = _PIN.fullmatch(words)
        if pinned is None:
            raise ValueError(f"{words} pins no version")
        found.append(_pin(pinned["name"], pinned["version"], (pinned["marker"] or "").strip()))
    return found


def _of_toml(document: Mapping[str, Any]) -> Sequence[Pin]:
    """``[[packages]]`` of pylock.toml, and ``[[package]]`` of uv.lock without the project itself."""
    if "lock-version" not in document and "version" not in document:
        raise ValueError("it says no version of its form")
    every = document.get("packages", document.get("package", []))
    return [_entry(each) for each in every if not {"virtual", "editable"} & {*_source(each)}]


def _source(each: Mapping[str, Any]) -> Mapping[str, Any]:
    source = each.get("source", {})
    return source if isinstance(source, dict) else {}


def _entry(each: Mapping[str, Any]) -> Pin:
    if not isinstance(each.get("version"), str):
        raise ValueError(f"{each['name']} has no version")  # noqa: TRY004 - of a file, as all else that is wrong with it
    # A fork of uv.lock is wanted where any of its markers holds.
    forks = each.get("resolution-markers", [])
    marker = each.get("marker") or " or ".join(f"({one})" for one in forks)
    apart = {"vcs", "directory", "archive"} & {*each} or {"git", "directory", "path", "url"} & {*_source(each)}
    return _pin(each["name"], each["version"], marker, indexed=not apart)


def _pin(name: str, version: str, marker: str, *, indexed: bool = True) -> Pin:
    return Pin(normal(name), version, marker, indexed)


def normal(name: str) -> str:
    """A package's name as indexes have it: https://packaging.python.org/en/latest/specifications/name-normalization/."""
    return re.sub(r"[-_.]+", "-", name).lower()
