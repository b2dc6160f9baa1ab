"""Figures over many runs, and the text that they become."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from canary.__main__ import SECTIONS, page
from canary.heats import OURS, PLAIN, RULES, SPLITS, jobs, label, run
from canary.race import Outcome
from canary.report import better, curves, lines, row
from canary.tables import Line, Share, aborts, cost, delay, false_aborts, merged, number, quantile, table

OUTCOME = Outcome(np.array([[1.0, 2.0, 30.0, np.inf]]), np.array([[10.0, 20.0, 300.0, 999.0]]), np.array([[1.0, 2.0, 3.0, 4.0]]))


def test_wilson() -> None:
    """The interval is Wilson's: 0 of 4000 is at most 0.096 %, and 10 of 100 is between 5.5 and 17.4 %."""
    assert Share(0, 4000).interval == pytest.approx((0.0, 3.8414588 / 4003.8414588), abs=1e-9)
    assert Share(10, 100).interval == pytest.approx((0.0552291, 0.1743657), abs=1e-6)
    assert Share(100, 100).interval[1] == 1.0


def test_within() -> None:
    """A share is within alpha as long as it is not two standard errors above it."""
    assert Share(52, 4000).within(0.01)
    assert not Share(53, 4000).within(0.01)


def test_quantiles_count_runs_without_an_abort() -> None:
    """What never came is later than everything else, and a merged outcome has the runs of all."""
    assert [quantile(OUTCOME, share) for share in (0.25, 0.5, 0.75, 0.9)] == [1.0, 2.0, 30.0, np.inf]
    assert aborts(OUTCOME) == Share(3, 4)
    assert aborts(merged([OUTCOME, OUTCOME])) == Share(6, 8)


def test_cells() -> None:
    """Numbers have two digits, a delay says in how many runs there was one, a cost is in requests."""
    assert [number(value) for value in (0.0, 0.25, 0.0749, 7.46, 9.96, 12.3, 1234.0, np.inf)] == [
        *("0", "0.25", "0.075", "7.5", "10", "12", "1234", "never"),
    ]
    assert delay(OUTCOME) == "2 (75 %)"
    assert delay(OUTCOME, after=1.0) == "1 (75 %)"
    assert delay(Outcome(*(np.array([[3.0] * 9 + [8.0]]) for _ in range(3)))) == "3/3"
    assert delay(Outcome(*(np.array([[np.inf] * 10]) for _ in range(3)))) == "(0 %)"
    assert false_aborts(Outcome(*(np.array([[np.inf] * 4000]) for _ in range(3)))) == "0 (0 to 0.096)"
    assert cost(OUTCOME) == "160, 2.5 bad"


def test_a_line_says_by_how_much_it_is_missed() -> None:
    """What is found at most as large as the limit is held; the excess is in percent of the limit."""
    assert Line("delay", 7.5, 7.5, "s").row()[-1] == "held"
    assert Line("delay", 9.0, 7.5, "s").row() == ("delay", "9 s", "7.5 s", "missed by 20 %")
    assert Line("delay", np.inf, 7.5, "s").row()[-1] == "missed"


def test_a_table_is_markdown() -> None:
    """Head, alignment, rows, an empty line."""
    assert list(table(("a", "b"), [("1", "2")])) == ["| a | b |", "| --- | ---: |", "| 1 | 2 |", ""]


def test_the_same_points_draw_the_same_picture(tmp_path: Path) -> None:
    """Byte for byte, whenever it is drawn, and it has every contestant's name in it."""
    pytest.importorskip("matplotlib", reason="the bench group is not installed: uv sync --group bench")
    from canary.picture import draw  # noqa: PLC0415

    curves = {"ours": [(0.0, 2.0), (0.01, 1.0)], "blind": [(0.5, np.inf)], "other": [(0.2, 9.0)]}
    for name in ("one.svg", "two.svg"):
        draw(curves, 0.8, 1e-4, tmp_path / name, "a title")
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn == (tmp_path / "two.svg").read_text()
    assert "a title" in drawn
    assert "ours" in drawn
    assert "blind" not in drawn


def test_every_heat_has_its_own_seed_and_known_contestants() -> None:
    """No two heats draw the same, and parts of one sample are run alike."""
    every = jobs()
    assert len({job.heat.seed for job in every}) == len(every)
    assert {job.rules for job in every} == set(RULES)
    samples: dict[tuple[str, str, str], set[object]] = {}
    for job in every:
        samples.setdefault((job.table, job.row, job.rules), set()).add(replace(job.heat, seed=0))
    assert all(len(heats) == 1 for heats in samples.values())
    nulls = [job for job in every if job.table == "null" and job.rules == "both" and job.row == label(*SPLITS[0])]
    assert sum(job.heat.runs for job in nulls) >= 4000


def test_the_page_has_every_table() -> None:
    """From a short run of every heat comes a page with all sections, all lines, and no number that is none."""
    every = list({(job.table, job.row, job.rules): job for job in jobs()}.values())
    results: dict[tuple[str, str], dict[str, Outcome]] = {}
    for job in every:
        short = replace(job, heat=replace(job.heat, runs=3, seconds=10.0, horizon=20.0))
        results.setdefault((job.table, job.row), {}).update(run(short))
    text = "\n".join(page(results, every))
    assert all(f"## {title}\n" in text for title, _ in SECTIONS)
    assert "nan" not in text
    assert len({line.name for line in lines(results)}) == len(list(lines(results)))
    assert list(curves(results))[: len(OURS)] == list(OURS)


def test_better_on_both_axes() -> None:
    """Named is a peer that aborts no more often where nothing is wrong, and sooner where something is: both."""

    def outcome(*seconds: float) -> Outcome:
        return Outcome(*(np.array([seconds]) for _ in range(3)))

    never, soon, late = outcome(np.inf, np.inf), outcome(1.0, 1.0), outcome(9.0, 9.0)
    results = {}
    for split in SPLITS:
        results["null", label(*split)] = {PLAIN: never, "better": never, "hasty": soon, "slow": never}
        for rate in (0.005, 0.01, 0.05, 0.5, 1.0):
            results["errors", row(split, rate)] = {PLAIN: outcome(5.0, 5.0), "better": soon, "hasty": soon, "slow": late}
    found = better(results)
    assert len(found) == 5 * len(SPLITS)
    assert all(each.startswith("better: ") for each in found)
