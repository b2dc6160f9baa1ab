"""What holds for the numbers that a command prints, beyond the suite for all."""

import json
import sys
from pathlib import Path

import psutil
import pytest

from infra.contract import Backend, Json
from smoke.errors import MeterError, UsageError
from smoke.meters import meter
from smoke.model import Counts
from tests.smoke.routers.envoy_harness import wait_for

pytestmark = pytest.mark.processes


def backend(place: Path, *words: str, **others: Json) -> Backend:
    """A command for slot ``blue`` in a folder; ``others`` are settings in the place of what there is."""
    return Backend("command", {"slots": ["blue"], "timeout": 20.0, "run": [*words], "folder": str(place), **others})


def refused(folder: Path, script: str, **others: Json) -> str:
    """What is said of a line of shell that does not give numbers."""
    with pytest.raises(MeterError) as caught:
        meter(backend(folder, "sh", "-c", script, **others)).read()
    return caught.value.what


def test_each_slot_is_asked_in_the_folder(tmp_path: Path) -> None:
    """The command runs in its folder once for each slot, whose name stands wherever ``{slot}`` stood; other braces stay."""
    script = "import json, sys, os; print(json.dumps({'bad': len(sys.argv[1]), 'all': 100, 'at': os.getcwd(), 'args': sys.argv}))"
    (tmp_path / "asked.py").write_text(script + "; open('asked', 'a').write(' '.join(sys.argv[1:]) + chr(10))")
    mine = meter(backend(tmp_path, sys.executable, "asked.py", "{slot}", "--{slot}={x}", slots=["blue", "green"]))
    assert mine.read().slots == {"blue": Counts(100, 4), "green": Counts(100, 5)}
    assert (tmp_path / "asked").read_text() == "blue --blue={x}\ngreen --green={x}\n"


def test_no_shell_takes_a_hand(tmp_path: Path) -> None:
    """What a shell would make something else of reaches the command as it is."""
    (tmp_path / "said.py").write_text("import sys; print(sys.argv[1])")
    figures = {"bad": 1, "all": 2, "$HOME": "`ls` > x; *"}
    assert meter(backend(tmp_path, sys.executable, "said.py", json.dumps(figures))).read().slots == {"blue": Counts(2, 1)}
    assert [each.name for each in tmp_path.iterdir()] == ["said.py"]


def test_a_program_of_the_folder_with_a_limit(tmp_path: Path) -> None:
    """A program beside the project is found by its relative path; its one value is an observation."""
    (tmp_path / "age").write_text('#!/bin/sh\necho "{\\"value\\": 5.5}"\n')
    (tmp_path / "age").chmod(0o755)
    mine = meter(backend(tmp_path, "./age", "{slot}", above=5))
    assert [mine.read().slots["blue"] for _ in range(2)] == [Counts(1, 1), Counts(2, 2)]


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("", "''"),
        ("[3, 120]", "'[3, 120]'"),
        ("120", "'120'"),
        ('{"bad": 3, "all": 120', """'{"bad": 3, "all": 120'"""),
        ('{"bad": 1, "all": 2}\n{"bad": 1, "all": 2}', """'{"bad": 1, "all": 2}\\n{"bad": 1, "all": 2}'"""),
    ],
)
def test_what_is_not_one_object_is_refused(tmp_path: Path, printed: str, told: str) -> None:
    """Whatever is not one JSON object is told as it was printed, with the last line of the errors."""
    (tmp_path / "printed").write_text(printed)
    said = refused(tmp_path, "cat printed; echo first >&2; echo no connection >&2")
    assert said == f"blue: it printed {told}, and not one JSON object: no connection"


def test_numbers_of_json_that_are_none(tmp_path: Path) -> None:
    """What Python's JSON takes for a number and is none is refused."""
    assert refused(tmp_path, """echo '{"bad": NaN, "all": 3}'""") == "blue: bad is nan, and no number"
    assert refused(tmp_path, """echo '{"bad": 0, "all": 1e999}'""") == "blue: all is inf, and no number"


def test_another_status_is_refused_whatever_it_printed(tmp_path: Path) -> None:
    """A command that ends badly gives no numbers, and the last line of its errors is told."""
    script = """echo '{"bad": 0, "all": 9}'; echo first >&2; echo no database >&2; exit 3"""
    assert refused(tmp_path, script) == "blue: sh ended with exit status 3: no database"
    assert refused(tmp_path, "exit 3") == "blue: sh ended with exit status 3: without a word"


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (40, "signal 40")])
def test_a_killed_command_is_refused(tmp_path: Path, number: int, name: str) -> None:
    """A command that was killed gives no numbers, also where it had printed some."""
    assert (
        refused(tmp_path, f"""echo '{{"bad": 0, "all": 9}}'; kill -{number} $$""")
        == f"blue: sh was killed by {name}: without a word"
    )


def test_one_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    """At its limit a command is killed, together with what it started, and the last line of its errors is told."""
    said = refused(tmp_path, "echo waits for a lock >&2; sleep 600 & echo $! > child; wait", timeout=1.5)
    assert said == "blue: sh did not end within 1.5 s, and was killed: waits for a lock"
    wait_for(lambda: _gone(int((tmp_path / "child").read_text())))


def test_what_it_left_behind_is_killed(tmp_path: Path) -> None:
    """What a command left running ends with it, and keeps nobody waiting though it holds the output."""
    mine = meter(backend(tmp_path, "sh", "-c", """sleep 600 & echo $! > child; echo '{"bad": 0, "all": 9}'"""))
    assert mine.read().slots == {"blue": Counts(9, 0)}
    wait_for(lambda: _gone(int((tmp_path / "child").read_text())))


def test_no_such_command_is_named(tmp_path: Path) -> None:
    """A command that is not there, or whose folder is not, is named with why."""
    with pytest.raises(MeterError, match=f"blue: no-such-command cannot be started in {tmp_path}") as caught:
        meter(backend(tmp_path, "no-such-command")).read()
    assert "No such file" in str(caught.value.cause)


@pytest.mark.parametrize(
    "wrong",
    [
        {"run": "ls"},
        {"run": []},
        {"folder": ""},
        {"slots": []},
        {"slots": "blue"},
        {"timeout": 0},
        {"above": True},
        {"above": "5"},
    ],
    ids=str,
)
def test_settings_are_checked(tmp_path: Path, wrong: dict[str, Json]) -> None:
    """A setting of the wrong kind is a usage error that names it and what there is."""
    with pytest.raises(
        UsageError, match=f"meter command: {next(iter(wrong))} is missing, unknown or of the wrong kind"
    ) as caught:
        meter(backend(tmp_path, "ls", **wrong))
    assert caught.value.hint == "it has: slots, timeout (seconds), above (a number), run (a list of words), folder"


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
