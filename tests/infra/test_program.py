"""What is decided before anything is declared, and what a stack then says of itself."""

import json
import os
from pathlib import Path

import pytest

from infra.config import Document, FaultsError, read
from infra.contract import Contract
from infra.program import contract, decide, kept, refuse_secrets
from infra.targets.local.home import home_of, write_whole
from smoke.plan import Plan
from tests.infra.config.project import Project, project


@pytest.fixture
def whole(tmp_path: Path) -> Project:
    """Whole settings in a folder of the test's own, with a source of their own."""
    made = project(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("1")
    made.file.write_text(made.file.read_text().replace("source: examples/trading", "source: src"))
    return made


def bring_up(whole: Project) -> Contract:
    """What the stack says of itself; and what is placed is written down as if it had been started."""
    declared = decide("staging", whole.folder, read(whole.file))
    home = home_of(whole.folder, "staging")
    for slot, services in declared.slots.items():
        for name, inputs in services.items():
            write_whole(home.program(f"{name}--{slot}"), json.dumps({"inputs": inputs}))
    write_whole(home.birth, json.dumps({"born": "now", "start": "blue"}))
    write_whole(home.fence("agent") / "fence.json", json.dumps({"holder": "blue", "token": 1}))
    return contract(declared, "now")


def test_a_stack_says_all_of_itself(whole: Project) -> None:
    """The contract survives JSON, has providers first, both slots of every service, a plan to drive, nothing of one run."""
    said = bring_up(whole)

    assert Contract.from_json(json.loads(json.dumps(said.to_json()))) == said
    assert [service.name for service in said.services] == ["api", "dashboard", "agent"]
    assert all(set(service.placements) == {"blue", "green"} for service in said.services)
    assert Plan.from_json(said.plan).steps[-1].singletons
    assert set(said.config) == {"target", "start", "slots", "services", "companions", "plan"}
    assert set(said.releases) == {"blue", "green"}


def test_deciding_changes_nothing(whole: Project) -> None:
    """To decide is to look: the folder is as it was."""
    before = whole.seen()
    decide("staging", whole.folder, read(whole.file))
    assert whole.seen() == before


def test_new_content_waits_and_is_said_to(whole: Project) -> None:
    """Source that changed stays out of the slot that is at work, and one sentence says so."""
    before = bring_up(whole)
    (whole.folder / "src" / "main.py").write_text("2")
    declared = decide("staging", whole.folder, read(whole.file))
    after = contract(declared, "now")

    assert after.releases["blue"] == before.releases["blue"]
    assert after.releases["green"] != before.releases["green"]
    assert kept(declared.asked, declared.slots) == [
        "blue has traffic and stays as it is; the new content of api, dashboard, agent goes to the other slot"
    ]


def test_what_has_traffic_is_guarded(whole: Project) -> None:
    """A variable of one service that would change where it is at work refuses the whole, with the line of the variable."""
    bring_up(whole)
    whole.change('env: {TRADING_API: "http', 'env: {LEVEL: debug, TRADING_API: "http')
    with pytest.raises(FaultsError) as caught:
        decide("staging", whole.folder, read(whole.file))

    (fault,) = caught.value.faults
    assert fault.where == "Pulumi.staging.yaml:26 crossfade:services.dashboard.env.LEVEL"
    assert fault.hint.startswith(
        "put it back, and write under crossfade:slots.green:\nservices:\n  dashboard:\n    env: {LEVEL: debug}"
    )


def test_a_source_that_cannot_be_read_is_a_fault(whole: Project) -> None:
    """A pipe among the sources is told as a fault, not as an error of the program."""
    os.mkfifo(whole.folder / "src" / "pipe")
    with pytest.raises(FaultsError, match="pipe is neither a file, a link nor a folder"):
        decide("staging", whole.folder, read(whole.file))


def test_secrets_are_refused() -> None:
    """A setting that came as a secret is refused by its key: it would lie open in the state."""
    document = Document("Pulumi.staging.yaml", {"services": {}}, {("services",): 8})
    refuse_secrets(document, [])
    with pytest.raises(FaultsError, match=r"Pulumi.staging.yaml:8 crossfade:services"):
        refuse_secrets(document, ["services"])


def test_a_start_slot_that_is_not_there(whole: Project) -> None:
    """Before a stack is there, it cannot begin with a slot that the settings have not; a slot that they have is to paste."""
    whole.change("crossfade:start: blue", "crossfade:start: green")
    text = whole.file.read_text()
    start = text.index("    green:", text.index("crossfade:slots:"))
    whole.file.write_text(text[:start] + text[text.index("  crossfade:services:") :])
    with pytest.raises(FaultsError) as refused:
        decide("staging", whole.folder, read(whole.file))
    [fault] = refused.value.faults

    assert fault.what == "start is green, and there is no such slot to begin with"
    assert (fault.cause, fault.hint) == ("the slots are blue", "start: blue")


def test_a_start_slot_that_was_removed_later(whole: Project) -> None:
    """Once a stack is there, what it began with is history: the slot may go."""
    bring_up(whole)
    home = home_of(whole.folder, "staging")
    write_whole(home.fence("agent") / "fence.json", json.dumps({"holder": "green", "token": 2}))
    text = whole.file.read_text()
    start = text.index("    blue:", text.index("crossfade:slots:"))
    whole.file.write_text(text[:start] + text[text.index("    green:", start) :])

    assert decide("staging", whole.folder, read(whole.file)).standing.start == "blue"
