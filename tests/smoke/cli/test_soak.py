"""``crossfade soak``: what it looked at is kept, it may be ended at any time, and says what was seen so far."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from machine import wait_for

from infra.contract import Backend
from smoke.errors import Exit
from smoke.journals import FileJournal
from tests.smoke.cli.program import PROGRAM, bring_up, shell
from tests.smoke.cli.test_check import CHECKS, Project

pytestmark = pytest.mark.processes


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Project:
    bring_up(tmp_path, Backend("memory", {}))
    made = Project(tmp_path)
    made.settle(CHECKS)
    return made


def test_nothing_was_seen_yet(project: Project) -> None:
    """That is no pass, and nobody looks with ``--show``."""
    done = project.run("soak", "--show", "--json")
    assert done.returncode == Exit.UNDECIDED, done.stderr
    document = json.loads(done.stdout)
    assert (document["n"], document["value"], document["limit"]) == (0, 0.0, 48.0)


def test_who_ends_it_loses_nothing(project: Project) -> None:
    """Looks are kept one by one; Ctrl-C says what was seen, and whoever goes on has all of it. Without users no time counts."""
    journal = FileJournal(project.folder / ".state" / ".crossfade" / "shop" / "staging" / "soak")
    words = ["soak", "--every", "0.1", "--stack", "staging"]
    for looks in (3, 6):
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *words],
            cwd=project.folder,
            env=shell(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            wait_for(
                lambda looks=looks: "b" in journal.rollouts() and len(journal.records("b")) >= looks, "looks are kept", limit=60
            )
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == Exit.UNDECIDED, err.decode()
        assert "0.0 of 48 h, well and under load: nothing counts without requests of users" in out.decode()


@pytest.mark.parametrize("memory", ["api", "api=x", "api=0", "feed=400"])
def test_a_limit_that_is_none_is_refused(project: Project, memory: str) -> None:
    """A service that there is not, and no number of megabytes; the services are named."""
    done = project.run("soak", "--show", "--memory", memory)
    assert (done.returncode, "the services are api" in done.stderr) == (Exit.USAGE, True)


def test_days_are_watched_without_users_too(project: Project) -> None:
    """A moment of a day passes where every probe is well, and the day has its report; nobody else may read it."""
    project.deploy()
    done = project.run("watch", "--days", "0.00001", "--every", "0.3")
    assert done.returncode == Exit.WANTED, done.stderr + done.stdout
    folder = project.folder / ".state" / ".crossfade" / "shop" / "staging" / "daily"
    (report,) = folder.glob("*.md")
    assert report.stat().st_mode & 0o077 == 0
    text = report.read_text(encoding="utf-8")
    assert text.startswith("# staging on ")
    assert "0 restarts" in text
