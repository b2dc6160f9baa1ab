"""Fixtures for the tests of the stand-in; a test file has them by ``pytest_plugins``."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from standin import Declared, Engine, engine_at, install, missing


@pytest.fixture(scope="session")
def engine_host(request: pytest.FixtureRequest) -> str:
    """The address of an engine: the one that CROSSFADE_TEST_ENGINE names, else the tests' own."""
    if (reason := missing()) is not None:
        pytest.skip(reason)
    named = os.environ.get("CROSSFADE_TEST_ENGINE")
    return named or str(request.getfixturevalue("docker_host").docker_host)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder of Pulumi with the stand-in in it."""
    made = tmp_path_factory.mktemp("pulumi")
    install(made)
    return made


@pytest.fixture(scope="session")
def engine_with_image(engine_host: str) -> Iterator[Engine]:
    """The engine, with the image that all tests share."""
    with engine_at(engine_host) as engine:
        yield engine


@pytest.fixture
def engine(engine_with_image: Engine) -> Iterator[Engine]:
    """The engine, with nothing of an earlier test."""
    yield engine_with_image
    engine_with_image.clear()


@pytest.fixture
def stack(tmp_path: Path, home: Path, engine: Engine) -> Declared:
    """A stack with nothing in it yet."""
    return Declared(tmp_path, home, engine)
