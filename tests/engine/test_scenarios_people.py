"""Several persons and one rollout that stands at half: superseded, aborted and begun anew, approved, frozen."""

import http.client
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from math import sqrt

import pytest
from scenes import BACK, PATIENT, unserved, users
from workshop import Workshop, brought_up, said, until

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]

TO_HALF = ["opened", "proved", "shifted", "passed", "shifted", "held"]
"""What happens from the beginning until it stands at 50 %."""
Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """A rollout stands at 50 % until two others than whoever began it agree to the last step."""
    plan = {**PATIENT, "steps": [20, 50, {"share": 100, "approvals": 2}], "own_approval": False}
    with brought_up(plan) as made, made.person("ann"):
        yield made


@pytest.fixture(scope="module")
def drivers() -> Iterator["list[subprocess.Popen[bytes]]"]:
    """Whoever drove or drives, the newest last."""
    begun: list[subprocess.Popen[bytes]] = []
    yield begun
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def begin(project: Workshop, drivers: "list[subprocess.Popen[bytes]]") -> Begin:
    """Begins a rollout in a terminal of its own; returns once it stands at 50 %."""

    def start(*words: str) -> "subprocess.Popen[bytes]":
        count, told = _rollouts(project), project.folder / f"told-{len(drivers)}"
        with told.open("wb") as out:
            drivers.append(driver := project.begin(*words, told=out))
        until(lambda: driver.poll() or (_rollouts(project) > count and _stands(project)), "it stands at 50 %", limit=120.0)
        assert driver.poll() is None, told.read_text(encoding="utf-8")
        return driver

    return start


@pytest.fixture
def driver(project: Workshop, drivers: "list[subprocess.Popen[bytes]]", begin: Begin) -> "subprocess.Popen[bytes]":
    """The one who drives what stands at 50 %: what the test before left there, or a release of this test's own."""
    if drivers and drivers[-1].poll() is None and _stands(project):
        return drivers[-1]
    _other_release(project)
    project.up()
    return begin("promote")


def _rollouts(project: Workshop) -> int:
    return len(list(project.journal.glob("*.jsonl")))


def _stands(project: Workshop) -> bool:
    rollout = project.status()["rollout"]
    return rollout is not None and (rollout["phase"], rollout["share"]) == ("held", 50)


def _other_release(project: Workshop) -> None:
    """Another release is written into the settings of the slot that is not live."""
    live = "blue" if _rollouts(project) == 0 else project.status()["live"]
    project.slot("green" if live == "blue" else "blue", RELEASE=str(_rollouts(project)))


def test_half_is_half(project: Workshop, driver: "subprocess.Popen[bytes]") -> None:
    """At 50 % a thousand requests are split as chance has it, within five of its standard deviations."""
    seen: Counter[str] = Counter()
    with closing(http.client.HTTPConnection("127.0.0.1", project.settings["services"]["api"]["port"], timeout=10)) as front:
        for _ in range(1000):
            front.request("GET", "/prices")
            answer = front.getresponse()
            seen[str(answer.headers["x-crossfade-version"]).partition("-")[0]] += len(answer.read()) > 0

    assert _stands(project)
    assert driver.poll() is None
    assert (set(seen), seen.total()) == ({"py39", "py312"}, 1000)
    assert abs(seen["py312"] - 500) < 5 * sqrt(1000 * 0.5 * 0.5)


def test_superseded_at_half_and_paused(project: Workshop, begin: Begin, driver: "subprocess.Popen[bytes]") -> None:
    """Each time all traffic is back on live before the next release is deployed and begins at step 1; no request is lost."""
    with users(project) as load:
        other = project.crossfade("promote", expected=13)
        same = project.crossfade("promote", "--supersede", expected=1)
        _other_release(project)
        second = begin("promote", "--supersede")
        codes = [driver.wait(60)]
        told = project.events(1), project.events()
        ended = project.records(1)[-1]["at"]
        moved = next(each["at"] for each in project.records() if each["event"] == "shifted")
        project.crossfade("pause", "--why", "lunch")
        _other_release(project)
        third = begin("promote", "--supersede")
        codes.append(second.wait(60))

    assert "ann@" in other.stderr, said(other)
    assert "which is the release that rolls" in same.stderr
    assert (codes, third.poll()) == ([8, 8], None)
    assert told == ([*TO_HALF, *BACK], TO_HALF)
    assert ended < moved
    assert (project.events(1), project.events()) == ([*TO_HALF, "held", *BACK], TO_HALF)
    assert "superseded by" in str(project.records(1)), "the report says by what"
    assert unserved(load) == {}


def test_aborted_at_half_it_begins_again_at_step_one(project: Workshop, begin: Begin, driver: "subprocess.Popen[bytes]") -> None:
    """Aborted, its release is refused until somebody says why it is tried again, and then it takes every step from the first."""
    with users(project) as load:
        project.crossfade("abort", "--why", "seen enough")
        gone = project.crossfade("promote", expected=1)
        aborted = driver.wait(60), project.events(), project.weights()
        project.up()
        refused = project.crossfade("promote", expected=1)
        again = begin("promote", "--again", "it was not its fault")
        anew, weights = project.events(), project.weights()

    assert aborted == (8, [*TO_HALF, *BACK], {"blue": 100, "green": 0})
    assert "slot green is not placed" in gone.stderr
    assert "was rolled back and has not changed" in refused.stderr
    assert "seen enough" in refused.stderr
    assert again.poll() is None
    assert (anew, weights) == (TO_HALF, {"blue": 50, "green": 50})
    assert project.records()[0]["why"] == "it was not its fault"
    assert unserved(load) == {}


def test_two_others_must_agree(project: Workshop, driver: "subprocess.Popen[bytes]") -> None:
    """Whoever began it may not, the same person counts once, and with the second other it goes on to the end by itself."""
    with users(project) as load:
        own = project.crossfade("approve", expected=5)
        with project.person("bob"):
            once = [project.crossfade("approve") for _ in range(2)]
        between = project.weights(), driver.poll()
        with project.person("eve"):
            project.crossfade("approve", "--why", "the numbers are good")
        assert driver.wait(60) == 0
    agreed = [(each["by"].partition("@")[0], each["step"]) for each in project.records() if each["event"] == "approved"]

    assert "may not approve it" in own.stderr
    assert all("1 of 2 approvals" in each.stderr for each in once)
    assert between == ({"blue": 50, "green": 50}, None)
    assert agreed == [("bob", 2), ("eve", 2)]
    assert project.events() == [
        *(*TO_HALF, "approved", "approved"),
        *("passed", "shifted", "passed", "shifted", "finished", "settled"),
    ]
    assert project.weights() == {"blue": 0, "green": 100}
    assert unserved(load) == {}


def test_in_a_freeze_nothing_begins_without_a_reason(project: Workshop) -> None:
    """In a freeze a promotion is refused and moves nothing; with a reason, which the journal keeps, it goes; back goes always."""
    live = project.status()["live"]
    project.settings["plan"]["freezes"] = [{"from": "2020-01-01", "until": "2900-01-01", "why": "holidays"}]
    _other_release(project)
    project.up()
    count = _rollouts(project)
    refused = project.crossfade("promote", expected=5)
    unmoved = project.weights()[live], _rollouts(project)
    driver = project.begin("promote", "--because", "users wait for it")
    try:
        until(lambda: _rollouts(project) > count and "shifted" in project.events(), "it has traffic")
        project.crossfade("abort")
        assert driver.wait(60) == 8
    finally:
        driver.kill()
        driver.wait()

    assert "frozen until" in refused.stderr
    assert "holidays" in refused.stderr
    assert unmoved == (100, count)
    assert project.records()[0]["override"] == "users wait for it"
    assert (project.events()[-3:], project.weights()[live]) == (BACK, 100)
