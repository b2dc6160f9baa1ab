"""What people and machines are told of a rollout: lines, a table, JSON, a report."""

import io
import json

from rich.console import Console
from simulation import Simulation

from smoke.display import _table, json_lines, plain
from smoke.reports.document import document
from smoke.reports.markdown import markdown
from smoke.rollout import Event, describe, from_record


def _events(simulation: Simulation) -> list[Event]:
    return [from_record(record) for record in simulation.journal.records(simulation.opened.rollout)]


def test_lines_tell_every_event(simulation: Simulation) -> None:
    """In a pipe each event is a line of its own, and the last one says that the candidate is live."""
    simulation.run()
    out = io.StringIO()
    listen = plain(out, clock=lambda: 0.0)
    for tick in simulation.ticks:
        listen(tick)
    lines = out.getvalue().splitlines()

    assert "green is itself and healthy" in lines[1]
    assert sum("weights are" in line for line in lines) == 3
    assert "agent handed over" in out.getvalue()
    assert lines[-1].endswith("promoted: green is live")


def test_json_lines_are_the_journal(simulation: Simulation) -> None:
    """Each JSON line begins with its format, and is the event that the journal has."""
    simulation.run()
    out = io.StringIO()
    listen = json_lines(out)
    for tick in simulation.ticks:
        listen(tick)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    recorded = [record["event"] for record in simulation.journal.records("0001-abc")]

    assert all(next(iter(line.items())) == ("format", 1) for line in lines)
    assert [line["event"] for line in lines] == [event for event in recorded if event not in {"opened", "looked"}]


def test_the_table_fits_its_terminal(simulation: Simulation) -> None:
    """At every tick the live table can be drawn in 80 columns, and names each service and slot."""
    simulation.sides["green"].errors = 0.5
    simulation.run()
    console = Console(file=io.StringIO(), width=80)
    for tick in simulation.ticks:
        console.print(_table(tick))
    drawn = console.file.getvalue()  # type: ignore[attr-defined] - a StringIO

    assert max(map(len, drawn.splitlines())) <= 80
    assert all(word in drawn for word in ("api", "agent", "blue", "green", "at work", "warm"))


def test_the_report_tells_the_numbers(simulation: Simulation) -> None:
    """The report of a rollback names the reason with its numbers, every phase, and what was seen at each step."""
    simulation.sides["green"].errors = 0.3
    end = simulation.run()
    told = markdown(_events(simulation))

    assert told.startswith("# Rollout 0001-abc: rolled back\n")
    assert all(because in told for because in end.because)
    assert "| 5 % | api | green |" in told
    assert "errors in" in told
    assert "| 5 % | api | errors | fail |" in told
    assert "- `api` is counted by `scripted {}`" in told


def test_machines_get_the_numbers_and_not_the_counts(simulation: Simulation) -> None:
    """The document of a rollout has what each gate decided on, and what was asked for it; increments are in the journal."""
    simulation.sides["green"].errors = 0.3
    seen = describe(simulation.run())

    [failed] = [each for each in seen["seen"]["numbers"] if each["verdict"] == "fail"]
    assert (failed["service"], failed["gate"], failed["threshold"]) == ("api", "errors", 100.0)
    assert failed["evidence"] > failed["threshold"]
    assert failed["low"] > failed["limit"] == 2.0
    assert failed["n"] > 0 < failed["n_live"]
    assert seen["queries"] == {"api": "scripted {}"}
    assert "rows" not in seen["seen"]


def test_the_report_as_json_holds_every_event(simulation: Simulation) -> None:
    """The JSON report begins with its format, survives JSON, and holds every record of the journal in order."""
    simulation.run()
    told = document(_events(simulation))
    read = json.loads(json.dumps(told))

    assert next(iter(told.items())) == ("format", 1)
    assert [each["event"] for each in read["events"]] == [record["event"] for record in simulation.journal.records("0001-abc")]
    assert (read["phase"], read["live"]) == ("promoted", "green")
