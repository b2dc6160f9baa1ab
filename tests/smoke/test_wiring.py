"""What holds where the parts of one stack are put together."""

import json
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from simulation import OPENED

from infra.contract import Backend, Metric
from smoke.errors import JournalError, MeterError
from smoke.journals import FileJournal
from smoke.rollout import Cleared, Event, Failed, Finished, Proved, Reverted, Settled, Shifted, to_record
from smoke.rollout.opening import History
from smoke.stack.project import Project, find_project
from smoke.wiring import Site
from tests.smoke.cli.program import bring_up
from tests.smoke.routers.envoy_harness import wait_for

ENDS: dict[str, tuple[Event, ...]] = {
    "promoted": (Proved(2), Shifted(3), Finished(4), Settled(5)),
    "rolled back": (Failed(2, ("worse",)), Cleared(3), Reverted(4, "it")),
    "running": (Proved(2),),
    "dead": (),
}
ROLLOUTS = some.lists(
    some.tuples(some.sampled_from("bgx"), some.sampled_from(sorted(ENDS)), some.sampled_from(["earlier", "once", "once"])),
    max_size=7,
)


def test_a_rollout_of_another_version_is_told_by_its_file(tmp_path: Path) -> None:
    """A record that this version does not know is no fault of ours: the error names the file, and what to do with it."""
    site = Site(Project("shop", tmp_path, tmp_path / "state"), "staging")
    folder = site.project.journal("staging")
    with FileJournal(folder).open("0001-abc") as writer:
        writer.append({"event": "teleported", "at": 1.0})

    with pytest.raises(JournalError, match="rollout 0001-abc cannot be read") as caught:
        site.events("0001-abc")
    assert caught.value.where == str(folder / "0001-abc.jsonl")
    assert "another version of Crossfade wrote it" in str(caught.value.cause)
    assert caught.value.hint


def _site(folder: Path, rollouts: list[tuple[str, str, str]]) -> tuple[Site, History]:
    """A stack with these rollouts in its journal; and their history, every one of them read."""
    (folder / ".state").mkdir(parents=True)
    journal = bring_up(folder, Backend("memory", {}))
    names = []
    for number, (release, end, born) in enumerate(sorted(rollouts, key=lambda each: each[2]), start=1):
        opened = replace(OPENED, rollout=f"{number:04d}-{release}", release=release, born=born)
        events = () if end == "dead" else (opened, *ENDS[end])
        with FileJournal(journal).open(opened.rollout) as writer:
            for event in events:
                writer.append(to_record(event))
        names += [opened.rollout]
    site = Site(find_project(folder), "staging")
    told = [site.rollout(name) for name in names]
    return site, History.of([each for each in told if each], "once", len(told))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(rollouts=ROLLOUTS)
def test_a_history_leaves_out_only_what_says_nothing(
    tmp_path_factory: pytest.TempPathFactory, rollouts: list[tuple[str, str, str]]
) -> None:
    """Whatever rollouts there were: the last one, the live slot, what is refused and the next number are as if all were read."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("PULUMI_BACKEND_URL", raising=False)
        site, whole = _site(tmp_path_factory.mktemp("site") / "shop", rollouts)
        found = site.history(["x"])

    assert (found.last, found.running, found.settled) == (whole.last, whole.running, whole.settled)
    assert [found.refused(release) for release in "bgx"] == [whole.refused(release) for release in "bgx"]
    assert (found.live(site.contract), found.count) == (whole.live(site.contract), whole.count)


def test_what_was_before_the_last_promotion_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand old rollouts cost nothing: one that cannot be read stops nobody, unless its release is in question."""
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    site, _ = _site(tmp_path / "shop", [("x", "rolled back", "once"), ("g", "promoted", "once")])
    (site.project.journal("staging") / "0001-x.jsonl").write_bytes(b"00000000 {}\n00000000 {}\n")

    assert site.history().live(site.contract) == OPENED.candidate
    with pytest.raises(JournalError):
        site.history(["x"])


def _with_metrics(folder: Path, *metrics: Metric) -> Site:
    """A stack whose one service has these metrics."""
    bring_up(folder, Backend("memory", {}))
    [state] = (folder / ".state").rglob("staging.json")
    document: Any = json.loads(state.read_text(encoding="utf-8"))
    [root] = document["checkpoint"]["latest"]["resources"]
    root["outputs"]["crossfade"]["services"][0]["metrics"] = [asdict(each) for each in metrics]
    state.write_text(json.dumps(document), encoding="utf-8")
    return Site(find_project(folder), "staging")


def _answered(site: Site, name: str) -> bool:
    try:
        return bool(site.meters[name].read().slots)
    except MeterError:
        return False


def test_metrics_are_meters_beside_the_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each metric is read under its service's name and its own, in a thread of its own that ends with the drive."""
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    scripted = Backend("scripted", {"samples": [{"blue": {"requests": 3, "errors": 1}}]})
    site = _with_metrics(tmp_path, *(Metric(name, scripted, 0.01, None, 0.01) for name in ("rejects", "queue-age")))
    before = threading.active_count()
    assert list(site.meters) == ["api", "api/rejects", "api/queue-age"]
    with site.metering():
        wait_for(lambda: _answered(site, "api/rejects") and _answered(site, "api/queue-age"))
        assert threading.active_count() == before + 2
    assert threading.active_count() == before
