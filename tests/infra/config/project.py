"""A project of the test's own: settings on free ports, what the check says of them, and a person who pastes."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import psutil
import yaml
from machine import free_ports

from infra.targets.local.machine import runtimes

ROOT = Path(__file__).parents[3]
REAL = {"api": 8080, "dashboard": 8501, "exchange": 9000}
"""Ports in the settings of this repository, and of the tests."""
SETTINGS = Path(__file__).with_name("staging.yaml")


@dataclass(frozen=True, slots=True)
class Said:
    """What the check answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with settings that can be broken."""

    folder: Path
    ports: Mapping[str, int] = field(default_factory=dict)
    """Free ports by program, and ``spare``; each is the next of the one before."""

    @property
    def file(self) -> Path:
        """The settings."""
        return self.folder / "Pulumi.staging.yaml"

    def change(self, old: str, new: str) -> None:
        """Put a text in the place of another, which is there."""
        text = self.file.read_text()
        assert old in text, old
        self.file.write_text(text.replace(old, new, 1))

    def told(self, text: str) -> str:
        """Fill in what differs from machine to machine."""
        found = runtimes()
        me = {"me": psutil.Process().name(), "pid": os.getpid()}
        here = {"folder": str(self.folder), "found": ", ".join(found), "newest": found[-1]}
        return Template(text).substitute({**me, **here, **self.ports})

    def check(self, *options: str, stack: str = "staging") -> Said:
        """Run the check as a person does."""
        command = [sys.executable, "-m", "infra.check", "--stack", stack, "--project", str(self.folder), *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return Said(done.returncode, done.stdout, done.stderr)

    def seen(self) -> Mapping[str, tuple[int, bytes]]:
        """Every file in the folder with the time it was changed and its content."""
        files = sorted(each for each in self.folder.rglob("*") if each.is_file() and not each.is_symlink())
        return {str(each): (each.stat().st_mtime_ns, each.read_bytes()) for each in files}

    def paste(self, where: str, lines: str) -> None:
        """Put lines where a fault says: in the place of the setting they begin with, else of the one it names, else beside."""
        keys: list[str | int] = []
        for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", where.split(" ", 1)[1].removeprefix("crossfade:")):
            keys.append(name or int(index))
        first = lines.partition(":")[0] if not lines.startswith("crossfade:") else lines.split(":")[1]
        if first in keys:
            keys = keys[: len(keys) - keys[::-1].index(first)]
        text = self.file.read_text()
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        place = _node(root, ["config", f"crossfade:{keys[0]}", *keys[1:]])
        if place is not None:
            start, end = place
            kept = text[start:end]
            end = start + len(kept.rstrip())
        else:
            beside = _node(root, ["config", f"crossfade:{keys[0]}", *keys[1:-1]][: max(1, len(keys))], inside=True)
            assert beside is not None
            start = end = beside[0]
        column = start - (text.rfind("\n", 0, start) + 1)
        pasted = lines.replace("\n", "\n" + " " * column)
        pasted += "" if place is not None else "\n" + " " * column
        self.file.write_text(text[:start] + pasted + text[end:])


def project(folder: Path, settings: Path = SETTINGS) -> Project:
    """The example with these settings in a folder, on free ports."""
    (folder / "examples").symlink_to(ROOT / "examples")
    text = settings.read_text()
    ports = dict(zip((*REAL, "spare"), free_ports(len(REAL) + 1), strict=True))
    for name, real in REAL.items():
        text = text.replace(f"port: {real}", f"port: {ports[name]}")
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    made = Project(folder, ports)
    made.file.write_text(text)
    return made


def _node(root: yaml.Node, keys: list[str | int], *, inside: bool = False) -> tuple[int, int] | None:
    """Where an entry is in the text, or where its mapping begins; None where it is not."""
    found: tuple[int, int] | None = None
    node = root
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pair = next(((name, child) for name, child in node.value if name.value == key), None)
            if pair is None:
                return None
            node, found = pair[1], (pair[0].start_mark.index, pair[1].end_mark.index)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
            found = node.start_mark.index, node.end_mark.index
    return (node.start_mark.index, node.end_mark.index) if inside else found
