"""A machine that has whatever a test gives it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smoke.doctor import Said

WHOLE = Said(0, json.dumps({"format": 1, "well": True, "faults": []}))
"""What is said of settings without a fault."""


def _programs() -> dict[str, Said]:
    return {
        "/env/bin/python": WHOLE,
        "/env/bin/uv": Said(0, "uv 0.9.7 (x86_64)\n"),
        "/env/bin/envoy": Said(0, "\n/env-3.4/bin/envoy  version: 9e55/1.40.0/Clean/RELEASE/BoringSSL\n\n"),
        "/tools/pulumi": Said(0, "v3.259.0\n"),
        "/tools/pulumi-language-python": Said(0, ""),
        "/tools/pulumi-resource-pulumi-python": Said(0, ""),
        "/tools/go": Said(0, "go version go1.26.8 linux/amd64\n"),
    }


@dataclass
class World:
    """A machine that has whatever a test gives it: everything that is wanted, to begin with."""

    environ: dict[str, str] = field(
        default_factory=lambda: {"PULUMI_BACKEND_URL": "file:///shop/.state", "PULUMI_CONFIG_PASSPHRASE": "tulip"}
    )
    python: Path = Path("/env/bin/python")
    version: str = "3.11.0"
    system: str = "Linux"
    path: tuple[str, ...] = ("/tools",)
    programs: dict[str, Said] = field(default_factory=_programs)
    packages: dict[str, str] = field(default_factory=lambda: {"supervisor": "4.3.0"})
    sizes: dict[str, int] = field(default_factory=dict)
    limit: int = 1024
    bytes_free: int = 1 << 30
    read_only: bool = False
    asked: list[Sequence[str]] = field(default_factory=list)

    def which(self, program: str, folder: Path | None = None) -> Path | None:
        """Among the programs that it has."""
        places = self.path if folder is None else (str(folder),)
        return next((Path(each) / program for each in places if f"{each}/{program}" in self.programs), None)

    def run(self, command: Sequence[str]) -> Said:
        """The scripted answer: of the program with its first word, where there is one; else of the program."""
        self.asked.append(command)
        return self.programs.get(" ".join(command[:2])) or self.programs[command[0]]

    def package(self, name: str) -> str | None:
        """Among the packages that it has."""
        return self.packages.get(name)

    def writable(self, folder: Path) -> bool:
        """As scripted."""
        del folder
        return not self.read_only

    def size(self, file: Path) -> int | None:
        """As scripted."""
        return self.sizes.get(str(file))

    def free(self, folder: Path) -> int:
        """As scripted."""
        del folder
        return self.bytes_free

    def open_files(self) -> int:
        """As scripted."""
        return self.limit
