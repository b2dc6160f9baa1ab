"""Servers on loopback for the generator's tests."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smoke.traffic import Load, Summary, Target
from smoke.traffic.generator import Generator
from tests.smoke.traffic.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own."""
    with Server() as made:
        yield made


@pytest.fixture
def remote() -> Iterator[str]:
    """The URL of a server in a process of its own, which shares no interpreter with the generator."""
    command = [sys.executable, str(Path(__file__).with_name("server.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.kill()


def sent(url: str, rate: float, seconds: float, **rest: object) -> Summary:
    """What becomes of a load that this process sends."""
    load = Load({"it": Target(url, rate)}, seconds, **rest)  # type: ignore[arg-type]
    return asyncio.run(Generator(load).run())["it"]
