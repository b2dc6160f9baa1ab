"""Two owners: what Pulumi does at any moment of a rollout moves no traffic, and what has traffic it does not touch."""

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from workshop import PLAN, Workshop, brought_up, said, until

pytestmark = [pytest.mark.engine, pytest.mark.processes]

SLOW = {**PLAN, "bake": "25s", "last": "25s", "steps": [10, 50, 100], "limit": "2m"}


@pytest.fixture(scope="module")
def slow() -> Iterator[Workshop]:
    """A project whose steps take long enough for Pulumi to be run at each of them."""
    with brought_up(SLOW) as made:
        yield made


def _file(project: Workshop) -> str:
    return (project.home / "routes" / "api.json").read_text(encoding="utf-8")


def _untouched(done: str) -> None:
    """Every resource is as it was, and no weight is spoken of."""
    assert "unchanged" in done, done
    assert not any(f"{sign} " in line for line in done.splitlines() for sign in ("~ crossfade", "+ crossfade", "- crossfade"))


UP = ("up", "--yes", "--skip-preview", "--suppress-outputs")
REFRESH = ("refresh", "--yes", "--skip-preview", "--suppress-outputs")
PREVIEW = ("preview", "--suppress-outputs")


@pytest.mark.parametrize("verb", [UP, REFRESH, PREVIEW], ids=lambda verb: verb[0])
def test_without_a_rollout_nothing_moves(project: Workshop, verb: tuple[str, ...]) -> None:
    """Preview, refresh and up of what is there change no resource and no weight."""
    before, weights = _file(project), project.weights()
    done = project.pulumi(*verb)

    _untouched(done.stdout)
    assert (_file(project), project.weights()) == (before, weights)


def test_at_no_step_does_pulumi_move_traffic(slow: Workshop) -> None:
    """While a rollout stands at 10, 50 and 100 %, each of up, preview and refresh leaves every weight as the rollout set it."""
    with slow.begun("promote") as driver:
        for share in (10, 50, 100):
            until(lambda share=share: slow.weights()["green"] == share, f"{share} % on green", limit=90)
            route = _file(slow)
            for verb in (UP, REFRESH, PREVIEW):
                _untouched(slow.pulumi(*verb).stdout)
            assert _file(slow) == route, "the route was written while Pulumi ran"
        assert driver.wait(120) == 0

    assert slow.weights() == {"blue": 0, "green": 100}
    assert not [event for event in slow.report()["events"] if event["event"] == "drifted"]


def test_the_live_slot_is_refused_with_the_key_to_edit(project: Workshop) -> None:
    """An up that would change the slot that has traffic fails before anything changes, and says which key to edit instead."""
    pids = {process.pid for process in project.processes()}
    project.settings["slots"]["blue"]["env"] = {"LOG_LEVEL": "debug"}
    project.save()
    done = project.up(check=False)
    del project.settings["slots"]["blue"]["env"]
    project.save()

    assert done.returncode != 0
    assert "slot blue has traffic" in done.stdout, said(done)
    assert f"{project.file.name}:" in done.stdout
    assert "crossfade:slots.blue.env" in done.stdout
    assert "write under crossfade:slots.green" in done.stdout
    assert "Traceback" not in done.stdout
    assert {process.pid for process in project.processes()} == pids


def test_the_live_slot_may_be_changed_by_saying_so(project: Workshop) -> None:
    """The word that the refusal names lets that one change through; Pulumi keeps the word, and it allows nothing else."""
    project.settings["slots"]["blue"]["env"] = {"LOG_LEVEL": "debug"}
    project.save()
    word = re.findall(r"crossfade:allow-live=(\S+)", project.up(check=False).stdout)[0]
    project.up("--config", f"crossfade:allow-live={word}")
    inputs = {each["name"]: each["placements"]["blue"]["inputs"] for each in project.contract()["services"]}
    text = project.file.read_text(encoding="utf-8")
    project.file.write_text(text.replace("LOG_LEVEL: debug", "LOG_LEVEL: error"), encoding="utf-8")
    again = project.up(check=False)

    assert inputs["api"]["env"]["LOG_LEVEL"] == "debug"
    assert json.loads(project.ask("api", "/health/")[2])["slot"] == "blue"
    assert word in text
    assert again.returncode != 0
    assert "slot blue has traffic" in again.stdout


def test_new_content_goes_to_the_idle_slot(project: Workshop) -> None:
    """A changed line of source goes to the slot without traffic, and the live one runs on as it was."""
    before = {each["name"]: each["placements"]["blue"]["artefact"] for each in project.contract()["services"]}
    project.save()
    source = project.folder / "examples"
    origin = source.resolve()
    source.unlink()
    shutil.copytree(origin, source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    file = source / "trading" / "trading" / "market.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n# another release\n", encoding="utf-8")
    done = project.up()
    after = {each["name"]: each["placements"] for each in project.contract()["services"]}

    assert "blue has traffic and stays as it is" in done.stdout + done.stderr
    assert {name: each["blue"]["artefact"] for name, each in after.items()} == before
    assert all(each["green"]["artefact"] != before[name] for name, each in after.items())
