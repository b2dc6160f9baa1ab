"""What holds for ``crossfade incident`` and ``report``: which rollout, in which form; and that a driver writes it by itself."""

from dataclasses import replace
from pathlib import Path

import pytest
from recorded import Page, aborted, failed, promoted
from simulation import OPENED

from infra.contract import Backend, fingerprint
from smoke.errors import Exit
from smoke.journals import FileJournal
from smoke.rollout import Event, Finished, Phase, Proved, Settled, Shifted, to_record
from tests.smoke.cli.program import bring_up, crossfade, documents
from tests.smoke.cli.shop import SLOW, Shop, ended

pytestmark = pytest.mark.processes


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """A stack with three rollouts: one that went back, one that somebody aborted, and one that was promoted since."""
    journal = bring_up(tmp_path, Backend("memory", {}))
    _write(journal, "0001-abc", failed())
    _write(journal, "0002-abc", aborted("ann@there", "enough"))
    _write(journal, "0003-abc", promoted())
    return tmp_path


def _write(journal: Path, name: str, events: list[Event]) -> None:
    with FileJournal(journal).open(name) as writer:
        for event in (replace(OPENED, rollout=name), *events[1:]):
            writer.append(to_record(event))


def test_the_last_that_went_back(project: Path) -> None:
    """By default it is the last one that went back with traffic, whatever came after it; in Markdown."""
    done = crossfade("incident", "--stack", "staging", folder=project)

    assert done.returncode == Exit.WANTED
    assert done.stdout.startswith("# Incident 0002-abc: rolled back\n")
    assert "aborted by ann@there: enough" in done.stdout


def test_one_by_its_name(project: Path) -> None:
    """As a document it has the numbers; as a page it needs nothing else."""
    said = crossfade("incident", "0001-abc", "--stack", "staging", "--json", folder=project)
    page = Page.of(crossfade("incident", "0001-abc", "--stack", "staging", "--html", folder=project).stdout)
    [told] = documents(said.stdout)

    assert (told["format"], told["rollout"], told["trigger"], told["weights"]) == (
        1,
        "0001-abc",
        "verdict",
        {"blue": 50, "green": 50},
    )
    assert told["detection"]["since_traffic"] > 0
    assert page.faults == []
    assert page.text.startswith("Incident 0001-abc: rolled back")


def test_none_went_back(tmp_path: Path) -> None:
    """Where no rollout did, and where the one that is named did not, that is an error with the exit code of ``report``."""
    _write(bring_up(tmp_path, Backend("memory", {})), "0001-abc", promoted())
    last = crossfade("incident", "--stack", "staging", folder=tmp_path)
    named = crossfade("incident", "0001-abc", "--stack", "staging", folder=tmp_path)
    unknown = crossfade("incident", "0009-abc", "--stack", "staging", folder=tmp_path)

    assert [each.returncode for each in (last, named, unknown)] == [Exit.GATE] * 3
    assert "error: no rollout went back with traffic\n" in last.stderr
    assert "error: rollout 0001-abc did not go back with traffic\n" in named.stderr
    assert "error: there is no rollout 0009-abc\n" in unknown.stderr


def test_the_report_as_a_page(project: Path) -> None:
    """It is the page of the last rollout; two forms at once are refused."""
    page = Page.of(crossfade("report", "--stack", "staging", "--html", folder=project).stdout)
    both = crossfade("report", "--stack", "staging", "--html", "--json", folder=project)

    assert page.faults == []
    assert page.text.startswith("Rollout 0003-abc: promoted")
    assert both.returncode == Exit.USAGE


def _kept(shop: Shop) -> dict[str, int]:
    """The reports that were written by themselves, and who may read them."""
    return {each.name: each.stat().st_mode & 0o777 for each in shop.journal.glob("*.incident.*")}


def test_whoever_drives_writes_it(shop: Shop) -> None:
    """A rollout that is aborted with traffic has its report beside its journal, and the command prints the same."""
    shop.declare(SLOW)
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    shop.crossfade("abort", "--why", "enough", user="ann")
    _, said = ended(driver)
    printed = shop.crossfade("incident").stdout

    assert _kept(shop) == {"0001-g.incident.html": 0o600, "0001-g.incident.md": 0o600}
    assert (shop.journal / "0001-g.incident.md").read_text(encoding="utf-8") == printed
    assert f"incident report: {shop.journal / '0001-g.incident.md'} and " in said
    assert "enough" in printed


def test_a_promotion_leaves_none(shop: Shop) -> None:
    """A rollout that was promoted leaves no incident."""
    assert shop.crossfade("promote").returncode == Exit.WANTED
    assert _kept(shop) == {}


def test_a_revert_leaves_one(shop: Shop) -> None:
    """Whoever goes back after a promotion has the reason in a report too."""
    before = {"api": {"runtime": "py39"}}
    shop.declare(SLOW, releases={"blue": fingerprint(before), "green": "g"})
    opened = replace(OPENED, plan=SLOW, singletons=(), inputs={"blue": before})
    shop.write(opened, Proved(2.0), Shifted(3.0), Finished(4.0), Settled(5.0))
    assert shop.crossfade("revert", "--why", "orders are lost").returncode == Exit.WANTED
    [file] = shop.journal.glob("*.incident.md")

    assert "went back to what was live before: orders are lost" in file.read_text(encoding="utf-8")


def test_where_it_cannot_be_written(shop: Shop) -> None:
    """The rollout ends as it should, and a sentence says how to have the report all the same."""
    shop.declare(SLOW)
    (shop.journal / "0001-g.incident.md").mkdir(parents=True)
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    aborting = shop.crossfade("abort", user="ann")
    code, said = ended(driver)

    assert (aborting.returncode, code, shop.told().phase) == (Exit.WANTED, Exit.HELD, Phase.ROLLED_BACK)
    assert "the incident report could not be written (" in said
    assert "; crossfade incident 0001-g prints it\n" in said
