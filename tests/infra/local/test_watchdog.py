"""The watchdog as a program of the stack: started by the same words from wherever it is declared, with nothing of the shell."""

import json
import sys
from pathlib import Path

import pytest

from infra.targets.local.home import Home
from infra.targets.local.watchdog import NAME, watchdog_spec
from tests.infra.local.place import Place, wait_for

HOME = Home(Path("/srv/shop/.crossfade/staging"))
SHOP = Path("/srv/shop")
STATE = "file:///srv/shop/.state"


def test_it_watches_one_stack_of_one_project() -> None:
    """Its words name both, and the interpreter is the one that declares; no service could have its name."""
    spec = watchdog_spec(HOME, SHOP, "staging", {})

    assert spec["program"]["argv"] == [
        *(sys.executable, "-P", "-m", "smoke.watchdog"),
        *("--project", "/srv/shop", "--stack", "staging"),
    ]
    assert (spec["name"], spec["program"]["folder"], "port" in spec) == (NAME, "/srv/shop", False)
    assert not NAME[0].isalpha()


def test_nothing_of_the_shell_is_in_it() -> None:
    """Another shell must not restart it, and no secret may go into the state."""
    shell = {"PULUMI_BACKEND_URL": STATE, "PULUMI_CONFIG_PASSPHRASE": "tulip", "PATH": "/home/ann/bin", "HOME": "/home/ann"}
    spec = watchdog_spec(HOME, SHOP, "staging", shell)

    assert spec == watchdog_spec(HOME, SHOP, "staging", {"PULUMI_BACKEND_URL": STATE})
    assert not any(word in json.dumps(spec) for word in ("tulip", "/home/ann"))


@pytest.mark.parametrize(
    "url", [STATE, f"{STATE}/", f"{STATE}?create_dir=true", "file://.state", "file://./.state", "file:///srv/shop/app/../.state"]
)
def test_the_state_is_spelled_the_same(url: str) -> None:
    """However the backend is written, also from the project's folder: the journal lies beside the state."""
    assert (
        watchdog_spec(HOME, SHOP, "staging", {"PULUMI_BACKEND_URL": url})["program"]["environment"]["PULUMI_BACKEND_URL"] == STATE
    )


@pytest.mark.parametrize("url", ["", "s3://bucket", "https://me:tulip@app.pulumi.com"])
def test_a_state_that_is_in_no_folder(url: str) -> None:
    """Its address is not written down: it may hold a password."""
    assert "PULUMI_BACKEND_URL" not in watchdog_spec(HOME, SHOP, "staging", {"PULUMI_BACKEND_URL": url})["program"]["environment"]


@pytest.mark.processes
def test_it_runs_under_the_supervisor(stack: Place) -> None:
    """It starts in the project's folder, says that it is there beside the state, and ends with the stack."""
    (stack.project / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
    spec = watchdog_spec(stack.home, stack.project, "staging", {"PULUMI_BACKEND_URL": "file://.state"})
    stack.make("program", spec)
    beat = stack.project / ".state" / ".crossfade" / "shop" / "staging" / "watchdog.json"
    wait_for(beat.exists)
    pid = json.loads(beat.read_bytes())["pid"]
    well = stack.well("program", spec)
    stack.unmake("program", spec)

    assert (well, stack.well("program", spec)) == (True, False)
    assert not Path(f"/proc/{pid}").exists()
