"""What holds for ``crossfade workflows``: it writes what is not there, shows what differs, and says whether all is as wanted."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from smoke.errors import Exit
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import Shop

pytestmark = pytest.mark.processes
FILES = ["crossfade-deploy.yml", "crossfade-monthly.yml", "crossfade-tests.yml"]
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_what_is_not_there_is_written_and_stands(shop: Shop) -> None:
    """The first time all is written, into a folder that is made; the second time it is as wanted, and nothing is touched."""
    out = shop.folder / ".github" / "workflows"
    done = shop.crossfade("workflows", str(out))
    assert (done.returncode, sorted(each.name for each in out.iterdir())) == (Exit.WANTED, FILES), done.stderr
    assert "no gate of the settings asks audit" in done.stderr
    before = {each: each.stat().st_mtime_ns for each in out.iterdir()}
    again = shop.crossfade("workflows", str(out))
    assert (again.returncode, {each: each.stat().st_mtime_ns for each in out.iterdir()}) == (Exit.WANTED, before)
    [entry] = yaml.safe_load((out / FILES[2]).read_text())["jobs"]["tests"]["strategy"]["matrix"]["include"]
    assert entry == {"services": "api", "python": VERSION, "source": "app", "lock": "app.lock"}


def test_what_differs_is_shown_and_stays(shop: Shop) -> None:
    """A file that somebody edited is not written over: its difference is shown, with exit code 1; with ``--force`` it is."""
    out = shop.folder / "out"
    shop.crossfade("workflows", str(out))
    wanted = (out / FILES[0]).read_text()
    (out / FILES[0]).write_text(wanted.replace("cancel-in-progress: false", "cancel-in-progress: true"))
    done = shop.crossfade("workflows", str(out))
    assert done.returncode == Exit.GATE
    assert {"-  cancel-in-progress: true", "+  cancel-in-progress: false"} <= set(done.stdout.splitlines())
    assert (out / FILES[0]).read_text() != wanted
    assert shop.crossfade("workflows", "--force", str(out)).returncode == Exit.WANTED
    assert (out / FILES[0]).read_text() == wanted


def test_a_hash_in_the_place_of_a_version_is_no_difference(shop: Shop) -> None:
    """An action that is pinned by a commit is as wanted; another action, pinned however well, is not."""
    out = shop.folder / "out"
    shop.crossfade("workflows", str(out))
    wanted = (out / FILES[0]).read_text()
    pinned = wanted.replace("actions/checkout@v6", f"actions/checkout@{'0a' * 20} # v6.0.1")
    (out / FILES[0]).write_text(pinned)
    assert shop.crossfade("workflows", "--check", str(out)).returncode == Exit.WANTED
    assert (out / FILES[0]).read_text() == pinned != wanted
    (out / FILES[0]).write_text(wanted.replace("actions/checkout@v6", f"another/checkout@{'0a' * 20}"))
    assert shop.crossfade("workflows", "--check", str(out)).returncode == Exit.GATE


def test_settings_that_change_are_seen(shop: Shop) -> None:
    """What was as wanted is not any more once the settings want something else."""
    out = shop.folder / "out"
    shop.crossfade("workflows", str(out))
    file = shop.folder / "Pulumi.staging.yaml"
    settings: Any = json.loads(file.read_text())
    settings["config"]["crossfade:checks"] = {"known": {"phase": "prepare", "command": "crossfade gate audit 1 python app.lock"}}
    file.write_text(json.dumps(settings))
    (document,) = documents(shop.crossfade("workflows", "--check", "--json", str(out)).stdout)
    assert document["well"] is False
    assert {Path(each["file"]).name: each["state"] for each in document["files"]} == {
        "crossfade-tests.yml": "differs",
        "crossfade-deploy.yml": "as wanted",
        "crossfade-monthly.yml": "differs",
    }
    assert document["missing"] == ["delta", "wheels"]


def test_a_look_writes_nothing(shop: Shop) -> None:
    """With ``--check`` a file that is not there is no pass, and stays away."""
    out = shop.folder / "out"
    done = shop.crossfade("workflows", "--check", str(out))
    assert (done.returncode, out.exists()) == (Exit.GATE, False)
    assert [line.split()[0] for line in done.stdout.splitlines()] == 3 * ["missing"]
    assert shop.crossfade("workflows", "--check", "--force", str(out)).returncode == Exit.USAGE


@pytest.mark.parametrize("tests", ["echo ${{ github.token }}", "pytest\nrm -r .", " "])
def test_what_the_code_host_would_fill_in_is_refused(tests: str, shop: Shop) -> None:
    """A command with an expression of the code host in it, or of more than one line, is no command of tests."""
    done = shop.crossfade("workflows", "--tests", tests, str(shop.folder / "out"))
    assert (done.returncode, (shop.folder / "out").exists()) == (Exit.USAGE, False)


def test_a_folder_that_is_none(shop: Shop) -> None:
    """Where nothing can be written it is said where, and with exit code 2."""
    (shop.folder / "out").touch()
    done = shop.crossfade("workflows", str(shop.folder / "out"))
    assert (done.returncode, "cannot be read or written" in done.stderr) == (Exit.USAGE, True)
