"""Whatever is wrong with the candidate: rolled back, users safe, and nothing lost but what the candidate itself failed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from workshop import Workshop, brought_up

from infra.contract import Contract
from smoke.meters import meter
from smoke.model import Counts
from smoke.traffic import Target, traffic

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]

RATE = 100.0


@dataclass(frozen=True)
class Fault:
    """What is switched on in green, and what the rollout must say about it."""

    env: Mapping[str, str]
    because: str
    served: bool = True
    """Whether the candidate may have been given a request before it showed."""
    numbers: tuple[str, ...] = field(default=())
    """What else the reason must have in it."""


FAULTS: Mapping[str, Fault] = {
    "errors": Fault({"FAULT_ERRORS": "0.2"}, "errors in", numbers=("requests of green", "E = ")),
    "latency": Fault({"FAULT_LATENCY": "8"}, "requests of green took longer than", numbers=("ms, against", "E = ")),
    # Failed probes, a restart or failed requests: whichever is seen first.
    "crash": Fault({"FAULT_CRASH_AFTER": "12"}, "green"),
    "never ready": Fault({"FAULT_NEVER_READY": "1"}, "status 503, 200 is wanted", served=False),
    "wrong version": Fault({"FAULT_WRONG_VERSION": "1"}, "py27-000000000000 answered", served=False),
    "memory": Fault({"FAULT_MEMORY_MB_PER_S": "40"}, "MB of memory", numbers=("a ratio of 2 is allowed",)),
    "script crash": Fault({"FAULT_SCRIPT_CRASH": "1"}, "NameError", served=False),
    "silent feed": Fault({"FAULT_SILENT_FEED": "1"}, "silent", served=False),
}


PLAN: Mapping[str, Any] = {
    "steps": [20, 50, 100],
    "bake": "3s",
    "last": "4s",
    "requests": 50,
    "limit": "40s",
    "at_limit": "back",
    "prove": "8s",
    # What else runs on the machine must not be taken for the candidate's fault.
    "gates": {"latency_ratio": 2, "errors": 0.05, "error_margin": 0.05},
}


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """The trading system, blue on 3.9 live; each test puts another broken release into green."""
    with brought_up(PLAN, _with_a_pager) as made:
        yield made


def _with_a_pager(project: Workshop) -> None:
    project.settings["notify"] = {"pager": {"command": ["sh", "-c", "cat >> told.jsonl"]}}
    project.save()


@contextmanager
def users(project: Workshop) -> Iterator[None]:
    """Somebody uses the API and the dashboard."""
    targets = {"api": Target(project.front("api", "/prices"), RATE), "dashboard": Target(project.front("dashboard"), 40.0)}
    with traffic(targets, limit=300.0):
        yield


def _counts(project: Workshop) -> dict[str, Counts]:
    """What the proxy counted for the API, by slot."""
    service = Contract.from_json(project.contract()).service("api")
    assert service.meter is not None
    return dict(meter(service.meter).read().slots)


def _since(before: Mapping[str, Counts], after: Mapping[str, Counts], slot: str) -> tuple[int, int]:
    old, new = before.get(slot, Counts()), after.get(slot, Counts())
    return new.requests - old.requests, new.errors - old.errors


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_candidate_is_rolled_back(project: Workshop, tmp_path: Path, name: str) -> None:
    """Exit 10 with a reason that names the numbers; all is as it was; nothing was lost but by green's own failures."""
    fault = FAULTS[name]
    project.slot("green", runtime="py312", **fault.env)
    text = project.file.read_bytes()
    project.up()
    before = _counts(project)
    with traffic({"api": Target(project.front("api", "/prices"), RATE)}, limit=150.0, record=tmp_path / "requests") as load:
        project.crossfade("promote", expected=10)
    after, seen = _counts(project), load.summary()["api"]
    report = project.report()
    reason = "\n".join(report["because"])

    assert report["phase"] == "rolled back"
    assert fault.because in reason
    assert all(number in reason for number in fault.numbers)
    assert any(letter.isdigit() for letter in reason)
    assert project.weights() == {"blue": 100, "green": 0}
    assert project.status()["live"] == "blue"
    # The stack is reverted: a release that was never settled is gone, and what the user wrote is untouched.
    assert "green" not in project.contract()["releases"]
    assert project.file.read_bytes() == text
    # Nothing was lost but by the candidate: the live slot failed nothing, and users saw no more failures than green counted.
    (given, failed), (_, failed_live) = _since(before, after, "green"), _since(before, after, "blue")
    assert failed_live == 0
    # At most: the pages of the dashboard ask the API too, and what they were answered is not in the record.
    assert sum(seen.lost.values()) + sum(count for status, count in seen.statuses.items() if status >= 500) <= failed
    assert fault.served or given == 0


def test_people_were_told(project: Workshop) -> None:
    """Why the last one went back, and then that it had: once each, by whoever drove it."""
    told = [json.loads(line) for line in (project.folder / "told.jsonl").read_text(encoding="utf-8").splitlines()]
    last = [each for each in told if each["rollout"] == project.report()["rollout"]]

    assert [each["phase"] for each in last] == ["aborting", "rolled back"]
    assert last[0]["text"].startswith("FAILED: ")


def test_the_weights_are_back_in_the_tick_of_the_verdict(project: Workshop) -> None:
    """In the journal the verdict is followed at once by all traffic on live: no look, no other event comes between."""
    events = [event for event in project.report()["events"] if event["event"] != "looked"]
    kinds = [event["event"] for event in events]
    at = kinds.index("failed")

    assert kinds[at : at + 3] == ["failed", "cleared", "reverted"]


def test_the_failed_release_is_refused_until_it_changes(project: Workshop) -> None:
    """The next up puts it back at weight 0, promote refuses it, and takes it again when told why, or once it changed."""
    project.slot("green", runtime="py312", FAULT_ERRORS="0.25")
    project.up()
    with users(project):
        project.crossfade("promote", expected=10)
        project.up()
        refused = project.crossfade("promote", expected=1)
        again = project.crossfade("promote", "--again", "to see it fail once more", expected=10)
        weights = project.weights()
        project.slot("green", runtime="py312")
        project.up()
        project.crossfade("promote")

    assert "was rolled back and has not changed" in refused.stderr
    assert "state: " in refused.stderr
    assert "rolled back" in again.stderr
    assert weights == {"blue": 100, "green": 0}
    assert project.weights() == {"blue": 0, "green": 100}


def test_after_a_promotion_a_failure_restores_the_settled_slot(project: Workshop) -> None:
    """Blue, now idle, was settled once: after a failed release it holds again exactly what it held, and is warm."""
    settled = project.contract()["releases"]["blue"]
    project.slot("blue", runtime="py312", FAULT_ERRORS="0.3")
    project.up()
    with users(project):
        project.crossfade("promote", expected=10)
    found = json.loads(project.crossfade("smoke", "--json").stdout)

    assert project.contract()["releases"]["blue"] == settled
    assert (found["slot"], found["well"]) == ("blue", True)
    assert project.weights() == {"blue": 0, "green": 100}
