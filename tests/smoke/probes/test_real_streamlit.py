"""What holds for the streamlit probe asked of the real Streamlit, on both runtimes: the trading dashboard, and a small site."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from trading_harness import Process, Runtime, System, free_port, runtime, until

from infra.contract import Json
from smoke.model import Answer, Reading
from smoke.probes import probe
from tests.smoke.probes.cases import backend
from tests.smoke.probes.peers import OTHER, VERSION, ended, placed

pytestmark = pytest.mark.processes

SITE = Path(__file__).with_name("site")


@pytest.fixture(scope="module", params=["py39", "py312"])
def own(request: pytest.FixtureRequest) -> Runtime:
    """The runtime under test: every test that asks for it runs on both."""
    return runtime(request.param)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """Starts processes and ends them after the test."""
    started = System(tmp_path)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def site(own: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A small site of its own, which shows no version on its first page."""
    folder = tmp_path_factory.mktemp("site")
    for file in SITE.rglob("*.py"):
        copy = folder / file.relative_to(SITE)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
    (folder / "pages" / "broken.py").write_text("this is = no script\n")
    port, log = free_port(), folder / "log"
    options = {"server.headless": "true", "server.port": str(port), "server.address": "127.0.0.1"}
    options |= {"server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
    command = [own.dashboard, "-m", "streamlit", "run", "app.py", *(f"--{name}={value}" for name, value in options.items())]
    with log.open("wb") as out:
        started = subprocess.Popen(command, cwd=folder, env={**os.environ, "CROSSFADE_VERSION": VERSION}, stdout=out, stderr=out)
    process = Process(started, port, log)
    until(process.listens, "the site listens")
    yield process
    process.kill()


def read(process: Process, version: str, path: str = "/", **settings: Json) -> Reading:
    """One look at a page."""
    asked = probe(backend("streamlit", **{"path": path, "script": 30.0, "timeout": 30.0, **settings}))
    return ended(asked, placed(service="dashboard", version=version, address=f"127.0.0.1:{process.port}"))


def test_a_dashboard_is_well(system: System, own: Runtime) -> None:
    """The dashboard whose script runs to its end is OK, as the version it shows, and its process is known."""
    api = system.serve("api", own.app)
    dashboard = system.serve("dashboard", own.dashboard, TRADING_API=api.url(""))
    reading, again = read(dashboard, own.version), read(dashboard, own.version)
    assert (reading.answer, reading.version) == (Answer.OK, own.version), reading.detail
    assert str(reading.instance).startswith(f"{dashboard.popen.pid}@")
    assert reading.instance == again.instance
    assert reading.numbers["elements"] > 0
    assert reading.numbers["rss_mb"] > 10


def test_a_script_that_crashes_fails(system: System, own: Runtime) -> None:
    """A dashboard whose script raises fails with the exception, while its health answer still says ok."""
    dashboard = system.serve("dashboard", own.dashboard, FAULT_SCRIPT_CRASH="1")
    reading = read(dashboard, own.version)
    assert dashboard.ask("/_stcore/health").body == b"ok"
    assert (reading.answer, reading.version, reading.impostor) == (Answer.FAILED, own.version, False)
    assert reading.detail.startswith("the script raised NameError: name 'crash_on_order' is not defined")


def test_a_wrong_version_is_an_impostor(system: System, own: Runtime) -> None:
    """A dashboard that shows another version is an impostor, though its script runs to its end."""
    dashboard = system.serve("dashboard", own.dashboard, FAULT_WRONG_VERSION="1")
    reading = read(dashboard, own.version)
    assert (reading.answer, reading.impostor, reading.version) == (Answer.FAILED, True, "py27-000000000000")


def test_a_page_without_a_version_is_known_by_its_process(site: Process) -> None:
    """Where the page shows no version, the system says as which version its process was placed."""
    assert (read(site, VERSION).answer, read(site, VERSION).version) == (Answer.OK, VERSION)
    assert read(site, OTHER).impostor


@pytest.mark.parametrize("act", ["stops", "anew"])
def test_a_script_may_end_as_it_likes(site: Process, act: str) -> None:
    """A script that stops itself, or begins anew, is well."""
    reading = read(site, VERSION, f"/?act={act}")
    assert reading.answer is Answer.OK, reading.detail


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/?act=raises", "the script raised KeyError: 'missing'"),
        ("/?act=shows", "the script raised ValueError: shown on purpose"),
        ("/broken", "SyntaxError: invalid syntax"),
        ("/nowhere", "there is no such page"),
    ],
)
def test_a_page_that_is_wrong_fails(site: Process, path: str, why: str) -> None:
    """Each way in which a page can be wrong fails in words of its own."""
    reading = read(site, VERSION, path)
    assert (reading.answer, reading.version) == (Answer.FAILED, VERSION)
    assert why in reading.detail


def test_another_page_is_asked_for_by_its_address(site: Process) -> None:
    """A page beside the first is run as users reach it."""
    reading = read(site, VERSION, "/shown")
    assert (reading.answer, reading.version) == (Answer.OK, VERSION), reading.detail


def test_a_script_that_hangs_fails(site: Process) -> None:
    """A script that does not end within its time fails, while the health answer still says ok."""
    reading = read(site, VERSION, "/?act=endless", script=1.0)
    assert site.ask("/_stcore/health").body == b"ok"
    assert reading.answer is Answer.FAILED
    assert reading.detail == "the script of /?act=endless did not end within 1.0 s"
