"""A project with a real Pulumi under it: one for the tests of a file, since an `up` costs seconds."""

from collections.abc import Iterator

import pytest
from workshop import Workshop, pulumi_folder, workshop


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """The trading system of staging, brought up: blue on 3.9 is live, green on 3.12 stands by."""
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    with workshop() as made:
        made.up()
        yield made
