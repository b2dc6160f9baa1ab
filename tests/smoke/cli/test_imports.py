"""What the commands that people wait for may not load: every library below costs more than the command itself."""

from pathlib import Path

import pytest

from infra.contract import Backend
from tests.smoke.cli.program import bring_up, crossfade

pytestmark = pytest.mark.processes
HEAVY = (
    "boto3",
    "botocore",
    "httpx",
    "httpx2",
    "lightkube",
    "psutil",
    "pulumi",
    "pydantic",
    "rich",
    "supervisor",
    "websockets",
    "yaml",
)


def loaded(*arguments: str, folder: Path) -> set[str]:
    """Every module that a command loaded, as the interpreter itself says it."""
    # Not ``-X importtime``: it is silent on what was imported by name, as commands are.
    said = crossfade(*arguments, folder=folder, python=["-v"]).stderr
    found = {line.split("'")[1] for line in said.splitlines() if line.startswith("import '")}
    assert "smoke.cli.main" in found
    return found


def heavy(modules: set[str]) -> set[str]:
    """Those of them that belong to a heavy library."""
    return {module for module in modules if module.partition(".")[0] in HEAVY}


def test_help_loads_no_command(tmp_path: Path) -> None:
    """Help loads the list of commands, and neither a command nor a heavy library."""
    found = loaded("--help", folder=tmp_path)
    assert {each for each in found if each.startswith("smoke")} == {
        "smoke",
        "smoke.cli",
        "smoke.cli.main",
        "smoke.errors",
        "smoke.redaction",
    }
    assert heavy(found) == set()


def test_status_loads_no_heavy_library(tmp_path: Path) -> None:
    """Status reads state, journal and data plane of a stack with a proxy, and loads no heavy library for it."""
    bring_up(tmp_path, Backend("envoy", {"service": "api", "file": str(tmp_path / "api.json"), "admin": "/nowhere/envoy.sock"}))
    assert heavy(loaded("status", "--stack", "staging", folder=tmp_path)) == set()


def test_explain_loads_nothing_of_a_stack(tmp_path: Path) -> None:
    """Explain works where everything else is broken: it loads no backend and not the wiring."""
    found = loaded("explain", "11", folder=tmp_path)
    assert {each for each in found if each.startswith(("smoke.", "infra"))} == {
        "smoke.cli",
        "smoke.cli.explain",
        "smoke.cli.main",
        "smoke.errors",
        "smoke.redaction",
    }


def test_doctor_loads_no_heavy_library(tmp_path: Path) -> None:
    """A doctor needs none of the libraries whose absence it may be asked about."""
    assert heavy(loaded("doctor", folder=tmp_path)) == set()
