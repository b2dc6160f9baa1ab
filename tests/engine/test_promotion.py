"""The main job: from 3.9 to 3.12 under traffic, and back, without a lost request."""

import itertools
import json
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workshop import Workshop, brought_up, said

from smoke.traffic import Target, traffic

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]

RATE = 100.0
"""Requests a second; the suite runs beside others, and the highest rate is for `bench/` to find."""


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """The whole trading system of staging, brought up: blue on 3.9 is live, green on 3.12 stands by."""
    with brought_up(prepare=Workshop.save) as made:
        yield made


def test_from_nothing_blue_serves_alone(project: Workshop) -> None:
    """After the first up blue has all traffic on 3.9, green stands by on 3.12, and the agent of blue is at work."""
    status = project.status()
    health = json.loads(project.ask("api", "/health/")[2])

    assert status["weights"] == {"api": {"blue": 100, "green": 0}, "dashboard": {"blue": 100, "green": 0}}
    assert (health["slot"], health["runtime"]) == ("blue", "py39")
    assert "at work: blue" in project.crossfade("status").stdout


def test_smoke_asks_the_idle_slot(project: Workshop) -> None:
    """Every probe of green is well before it has any traffic, and each shows green's own version."""
    found = json.loads(project.crossfade("smoke", "--json").stdout)
    services = {each["service"] for each in found["readings"]}

    assert (found["slot"], found["well"]) == ("green", True)
    assert services == {"api", "dashboard", "agent"}
    assert all(each["version"].startswith("py312-") for each in found["readings"])


def test_plan_says_what_would_happen(project: Workshop) -> None:
    """The plan names the steps, the hand-over, the least time, and that going back removes a slot that was never settled."""
    lines = project.crossfade("plan").stdout

    assert all(f"{share} %: " in lines for share in (20, 50, 100))
    assert "hand over agent" in lines
    assert "slot green is removed" in lines


def test_promotes_and_goes_back_without_losing_a_request(project: Workshop, tmp_path: Path) -> None:
    """From 3.9 to 3.12, back by revert, and on again, all under load: every request is answered, and well."""
    targets = {
        "api": Target(project.front("api", "/prices"), RATE),
        "dashboard": Target(project.front("dashboard", "/_stcore/health"), 20.0),
    }
    with traffic(targets, limit=300.0, record=tmp_path / "requests") as load:
        project.crossfade("promote")
        first = project.status()
        project.crossfade("revert", "--why", "to see the way back")
        second = project.status()
        project.crossfade("promote", "--to", "green")
    summaries = load.summary()

    assert (first["live"], second["live"], project.status()["live"]) == ("green", "blue", "green")
    for name, summary in summaries.items():
        assert summary.lost == {}, (name, summary)
        assert set(summary.statuses) == {200}, (name, summary)
    versions = {version.partition("-")[0] for version in summaries["api"].versions}
    assert versions == {"py39", "py312"}


def test_the_new_side_is_soaked(project: Workshop) -> None:
    """Some seconds, well and under load, pass; what was seen is kept, and shown again without a look."""
    with traffic({"api": Target(project.front("api", "/prices"), RATE)}, limit=60.0):
        said = project.crossfade("soak", "--hours", "0.003", "--every", "2")
    assert "0 restarts" in said.stdout
    shown = json.loads(project.crossfade("soak", "--hours", "0.003", "--every", "2", "--show", "--json").stdout)
    assert shown["value"] >= 0.003
    assert "green/api: too short to say whether memory grows" in said.stdout


def test_the_new_side_serves_and_the_old_stays_warm(project: Workshop) -> None:
    """After a promotion API, dashboard and agent are on 3.12, and blue is still well, without traffic."""
    status = project.status()

    assert status["weights"] == {"api": {"blue": 0, "green": 100}, "dashboard": {"blue": 0, "green": 100}}
    assert json.loads(project.ask("api", "/health/")[2])["runtime"] == "py312"
    assert "at work: green" in project.crossfade("status").stdout
    project.crossfade("smoke", "--slot", "blue")


def test_both_slots_can_be_had_again(project: Workshop, tmp_path: Path) -> None:
    """A backup has state, sources and journal; all four environments can be made from it, and Pulumi takes its state back."""
    file = tmp_path / "one.tar.gz"
    said = json.loads(project.crossfade("backup", str(file), "--json").stdout)
    assert "4 environments and images were had again" in said["detail"]
    assert project.crossfade("backup", "--verify", str(file), "--json").returncode == 0
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path, filter="data")
    assert [*tmp_path.glob("journal/0001-*")]
    assert [*tmp_path.glob("sources/*/trading/api.py")]
    before = project.status()
    project.pulumi("stack", "import", "--file", str(tmp_path / "state.json"))
    assert project.status() == before


def test_nothing_to_promote_is_well(project: Workshop) -> None:
    """A second promote finds nothing to do, moves nothing, and ends with 0."""
    done = project.crossfade("promote")

    assert "nothing to promote" in done.stderr, said(done)


def test_orders_never_come_from_two_agents(project: Workshop) -> None:
    """Over all hand-overs, no token of the fence was used by two slots, and each token's orders lie apart in time."""
    port = project.settings["companions"]["exchange"]["port"]
    spans: dict[int, tuple[str, float, float]] = {}
    for order in _orders(port):
        slot, first, last = spans.get(order["token"], (order["slot"], order["received"], order["received"]))
        assert slot == order["slot"], f"two slots ordered by token {order['token']}"
        spans[order["token"]] = (slot, min(first, order["received"]), max(last, order["received"]))
    ordered = [spans[token] for token in sorted(spans)]

    assert len(ordered) == 4
    assert [slot for slot, _, _ in ordered] == ["blue", "green", "blue", "green"]
    assert all(before[2] < after[1] for before, after in itertools.pairwise(ordered))


def test_the_report_tells_it_all(project: Workshop) -> None:
    """The report of a promotion has each step with its numbers, as Markdown and as JSON."""
    text = project.crossfade("report").stdout
    events = [event["event"] for event in project.report()["events"] if event["event"] not in {"looked", "drifted"}]

    assert "# Rollout" in text
    assert "promoted" in text
    assert "| 20 % | api | green |" in text
    assert events[:2] == ["opened", "proved"]
    assert events[-2:] == ["finished", "settled"]


def _orders(port: int) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/orders", timeout=10) as answer:
        return list(json.loads(answer.read())["orders"])
