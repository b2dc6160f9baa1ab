"""What holds for ``crossfade orders``: what is judged, what is printed, and with which code it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smoke.cli.orders import command
from smoke.errors import CrossfadeError, Exit, UsageError
from tests.smoke.cli.program import crossfade, documents

WELL = [(1, "blue", 100.0), (1, "blue", 101.0), (2, "green", 101.25), (2, "green", 103.0)]


def _log(folder: Path, name: str, orders: list[tuple[int, str, float]], tail: str = "") -> str:
    lines = [json.dumps({"token": token, "slot": slot, "received": at}) + "\n" for token, slot, at in orders]
    (folder / name).write_text("".join(lines) + tail, encoding="utf-8")
    return str(folder / name)


def _done(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)


def _refused(*arguments: str) -> CrossfadeError:
    with pytest.raises(CrossfadeError) as caught:
        _done(*arguments)
    assert caught.value.state == "nothing was changed"
    return caught.value


def test_one_at_a_time(tmp_path: Path) -> None:
    """Work by one slot at a time ends with 0, and each span is told with its gap, in seconds from the first order on."""
    done = _done(_log(tmp_path, "a", WELL))

    expected = [
        "token   slot  orders  first s  last s  gap s",
        "    1   blue       2    0.000   1.000",
        "    2  green       2    1.250   3.000  0.250",
        "",
        "4 orders by 2 tokens of blue, green: at no moment two at work; longest gap 0.250 s",
    ]
    assert (done.return_value, done.stdout.splitlines()) == (Exit.WANTED, expected)


def test_the_log_of_each_agent(tmp_path: Path) -> None:
    """The logs of both agents are judged together, as one log of all orders is."""
    logs = [_log(tmp_path, slot, [order for order in WELL if order[1] == slot]) for slot in ("green", "blue")]

    assert _done(*logs).stdout == _done(_log(tmp_path, "both", WELL)).stdout


def test_two_at_once(tmp_path: Path) -> None:
    """Two at work end with 1; the first times are told with file and line, and how many more there were."""
    log, late = _log(tmp_path, "a", WELL), _log(tmp_path, "b", [(1, "blue", 101.5 + each / 8) for each in range(12)])
    done = _done(log, late)
    told = done.stdout.splitlines()

    assert done.return_value == Exit.GATE
    assert told[4] == "16 orders by 2 tokens of blue, green: 12 times TWO at work"
    assert told[5] == f"  {late}:1: blue put an order by token 1, 0.250000 s after green had begun by token 2 ({log}:3)"
    assert (len(told), told[-1]) == (16, "  and 2 more")


def test_for_machines(tmp_path: Path) -> None:
    """The document has files, spans, gaps and violations, and says in one word whether all is well."""
    log = _log(tmp_path, "a", [*WELL, (1, "blue", 102.0)], tail='{"token": 3, "sl')
    done = _done(log, "--json")
    found = json.loads(done.stdout)
    what = "blue put an order by token 1, 0.750000 s after green had begun by token 2"

    assert (done.return_value, next(iter(found))) == (Exit.GATE, "format")
    assert found == {
        "format": 1,
        "well": False,
        "files": [{"file": log, "orders": 5, "torn": True}],
        "orders": 5,
        "spans": [
            {"token": 1, "slot": "blue", "orders": 3, "first": 100.0, "last": 102.0, "gap": None},
            {"token": 2, "slot": "green", "orders": 2, "first": 101.25, "last": 103.0, "gap": -0.75},
        ],
        "longest_gap": -0.75,
        "violations": 1,
        "first_violations": [{"what": what, "where": f"{log}:5", "against": f"{log}:3"}],
    }


def test_what_was_left_out(tmp_path: Path) -> None:
    """A line that was not written whole is left out and said, and so is a log without an order."""
    log, empty = _log(tmp_path, "a", WELL, tail='{"token": 3'), _log(tmp_path, "b", [])
    done = _done(log, empty)

    assert done.return_value == Exit.WANTED
    assert done.stdout.splitlines()[4:6] == [f"{log}: the last line was not written whole, and is left out", f"{empty}: no order"]


def test_one_slot_alone(tmp_path: Path) -> None:
    """Orders of one slot alone are well, and nothing is said of gaps."""
    done = _done(_log(tmp_path, "a", WELL[:2]))

    assert (done.return_value, done.stdout.splitlines()[-1]) == (
        Exit.WANTED,
        "2 orders by 1 token of blue: at no moment two at work",
    )


@pytest.mark.parametrize("tail", ["", "\n", '{"token": 1, "slot": "bl'])
def test_nothing_examined_is_never_a_pass(tmp_path: Path, tail: str) -> None:
    """A log without a whole order proves nothing: it ends with 12, undecided."""
    log = _log(tmp_path, "a", [], tail)
    error = _refused(log)

    assert (error.exit, error.what, error.where) == (Exit.UNDECIDED, "there is no order to judge", log)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, is a folder, or has a damaged line in its middle ends with 2, and says which it was."""
    damaged = _log(tmp_path, "a", WELL[:1], tail='{"token": 3\n' + json.dumps({"token": 3, "slot": "blue", "at": 1}) + "\n")
    for file, where in ((str(tmp_path / "none"), None), (str(tmp_path), None), (damaged, f"{damaged}:2")):
        error = _refused(file)

        assert isinstance(error, UsageError)
        assert error.where == where
        assert where is not None or error.what == f"{file} cannot be read"


@pytest.mark.processes
def test_the_program_itself(tmp_path: Path) -> None:
    """As a person types it: the exit code is the verdict, and with --json an error is one document too."""
    log = _log(tmp_path, "a", WELL)
    well, empty = (
        crossfade("orders", log, folder=tmp_path),
        crossfade("orders", _log(tmp_path, "b", []), "--json", folder=tmp_path),
    )
    nothing = crossfade("orders", folder=tmp_path)

    assert (well.returncode, well.stderr) == (Exit.WANTED, "")
    assert (empty.returncode, documents(empty.stdout)[0]["exit"]) == (Exit.UNDECIDED, Exit.UNDECIDED)
    assert (nothing.returncode, nothing.stdout) == (Exit.USAGE, "")
