"""What the tests of the commands share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smoke.cli.shop import Shop, open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A stack that is up, whose data plane is made up; whatever a test starts there has ended after it."""
    opened = open_shop(tmp_path)
    yield opened
    opened.end()
