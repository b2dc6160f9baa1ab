"""A server on loopback for gates that ask one, and two interpreters for those that compare."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smoke.traffic.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own."""
    with Server() as made:
        yield made


@pytest.fixture
def programs(tmp_path: Path) -> tuple[str, str]:
    """An old and a new interpreter, which a program can tell apart by its environment."""
    made = []
    for name in ("old", "new"):
        file = tmp_path / name
        file.write_text(f'#!/bin/sh\nWHICH={name} exec {sys.executable} "$@"\n', encoding="utf-8")
        file.chmod(0o755)
        made.append(str(file))
    return made[0], made[1]
