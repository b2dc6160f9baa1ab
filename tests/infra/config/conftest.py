"""A project that is whole, to be broken."""

from pathlib import Path

import pytest

from tests.infra.config.project import Project, project


@pytest.fixture
def whole(tmp_path: Path) -> Project:
    """Whole settings in a folder of the test's own."""
    return project(tmp_path)
