"""A project with a real Pulumi under it: one for the tests of a file, since an `up` costs seconds."""

from collections.abc import Iterator

import pytest
from workshop import Workshop, brought_up


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """The API and the agent of staging, brought up: blue on 3.9 is live, green on 3.12 stands by."""
    with brought_up() as made:
        yield made
