"""A stack's folder for each test, and one with its supervisor running."""

from collections.abc import Iterator

import pytest

from tests.infra.local.place import Place


@pytest.fixture
def place() -> Iterator[Place]:
    """The folder of a stack that is not there yet."""
    place = Place()
    try:
        yield place
    finally:
        place.close()


@pytest.fixture
def stack(place: Place) -> Place:
    """A stack with nothing but its supervisor."""
    place.make("folder")
    return place
