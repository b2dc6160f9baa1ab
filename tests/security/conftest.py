"""A stack for each test."""

from collections.abc import Iterator

import pytest

from tests.infra.local.place import Place
from tests.security.stack import Stack


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A stack that is not there yet."""
    place = Place()
    try:
        yield Stack(place)
    finally:
        place.close()
