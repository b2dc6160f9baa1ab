"""A person says stop: whatever the driver does meanwhile, users are safe, and everybody ends with a code that says so."""

import signal
import subprocess
from collections.abc import Iterator

import pytest
from workshop import PLAN, Workshop, brought_up, until

pytestmark = [pytest.mark.engine, pytest.mark.processes]


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """Steps that last longer than any test of this file."""
    with brought_up({**PLAN, "bake": "60s", "limit": "2m"}) as made:
        yield made


@pytest.fixture
def driver(project: Workshop, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[bytes]"]:
    """Somebody promotes a release of this test's own, and is in the middle of the first step."""
    project.slot("green", runtime="py312", RELEASE=request.node.name)
    project.up()
    with project.begun("promote") as process:
        until(lambda: project.weights()["green"] == 20, "20 % on green", limit=40)
        yield process


def test_abort_from_another_terminal(project: Workshop, driver: "subprocess.Popen[bytes]") -> None:
    """The driver turns round and ends with 8, abort says so and ends with 0, and a second abort does no harm."""
    first = project.crossfade("abort", "--why", "seen enough")
    second = project.crossfade("abort")

    assert "all traffic is on blue; the stack goes back" in first.stderr
    assert "nothing to abort" in second.stderr
    assert driver.wait(60) == 8
    assert project.weights() == {"blue": 100, "green": 0}
    assert "seen enough" in str(project.report()["because"])


def test_abort_does_not_wait_for_a_driver_that_hangs(project: Workshop, driver: "subprocess.Popen[bytes]") -> None:
    """With the driver stopped in the middle of a step all traffic goes back all the same; once it wakes, all ends well."""
    driver.send_signal(signal.SIGSTOP)
    abort = project.begin("abort")
    try:
        until(lambda: project.weights()["green"] == 0, "no traffic on green", limit=20)
        phase = project.status()["rollout"]["phase"]
        driver.send_signal(signal.SIGCONT)
        codes = abort.wait(60), driver.wait(60)
    finally:
        abort.kill()
        abort.wait()

    assert phase == "baking"
    assert codes == (0, 8)
    assert project.status()["rollout"]["phase"] == "rolled back"
    assert project.weights() == {"blue": 100, "green": 0}


def test_abort_drives_back_itself_where_nobody_drives(project: Workshop, driver: "subprocess.Popen[bytes]") -> None:
    """With the driver dead, abort takes traffic and stack back on its own."""
    driver.kill()
    driver.wait()
    project.crossfade("abort")

    assert project.status()["rollout"]["phase"] == "rolled back"
    assert project.weights() == {"blue": 100, "green": 0}
    assert "green" not in project.contract()["releases"]


def test_ctrl_c_goes_back_in_order(project: Workshop, driver: "subprocess.Popen[bytes]") -> None:
    """One Ctrl-C of the driver's own terminal is an abort: all back, the stack too, exit code 8."""
    driver.send_signal(signal.SIGINT)

    assert driver.wait(60) == 8
    assert project.status()["rollout"]["phase"] == "rolled back"
    assert project.weights() == {"blue": 100, "green": 0}


def test_pause_and_resume_from_another_terminal(project: Workshop, driver: "subprocess.Popen[bytes]") -> None:
    """Paused, nothing moves and the journal says who asked and why; resumed, the step is watched anew; twice does no harm."""
    paused = [project.crossfade("pause", "--why", "lunch") for _ in range(2)]
    held, weights = project.status()["rollout"], project.weights()
    resumed = [project.crossfade("resume") for _ in range(2)]
    baking = project.status()["rollout"]
    project.crossfade("abort")

    assert all("held at 20 %" in each.stderr for each in paused)
    assert (held["phase"], weights["green"]) == ("held", 20)
    assert "lunch" in str(held["because"])
    assert "baking at 20 %" in resumed[0].stderr
    assert "nothing to resume" in resumed[1].stderr
    assert baking["phase"] == "baking"
    assert driver.wait(60) == 8
    assert "no rollout is running" in project.crossfade("pause", expected=1).stderr
