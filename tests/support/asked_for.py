"""Tests that run only where somebody asked for them, by their marker or by their folder."""

from collections.abc import Sequence
from pathlib import Path

import pytest


def needs(request: pytest.FixtureRequest, marker: str, reason: str) -> None:
    """Skip whatever wants this fixture, for that reason, where nobody asked for the marker."""
    if marker not in request.config.option.markexpr:
        pytest.skip(reason)


def only_where_asked_for(config: pytest.Config, items: Sequence[pytest.Item], folder: Path, reason: str) -> None:
    """Mark what is in a folder by its name, and skip it, for that reason, where nobody asked for it."""
    marker = folder.name
    asked = marker in config.option.markexpr or any(f"tests/{marker}" in each for each in config.invocation_params.args)
    for each in items:
        if each.path.is_relative_to(folder):
            each.add_marker(marker)
            each.add_marker(pytest.mark.processes)  # it is never among what only computes
            if not asked:
                each.add_marker(pytest.mark.skip(reason=reason))
