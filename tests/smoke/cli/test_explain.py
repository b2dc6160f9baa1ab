"""What holds for ``crossfade explain``."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as some

from smoke.cli.explain import MEANINGS, command
from smoke.errors import CrossfadeError, Exit, GateClosed
from tests.smoke.cli.program import crossfade, documents


@pytest.mark.parametrize("code", list(Exit), ids=lambda code: code.name)
def test_knows_every_exit_code(code: Exit) -> None:
    """Every exit code has a sentence on what it means, and something to run or read next."""
    said = CliRunner().invoke(command, [str(int(code))], standalone_mode=False)
    first, second = said.stdout.splitlines()
    assert first == f"{int(code)}: {MEANINGS[code][0]}"
    assert second == f"next: {MEANINGS[code][1]}"
    assert (said.return_value, first[-1], bool(MEANINGS[code][1])) == (Exit.WANTED, ".", True)


def test_explains_nothing_else() -> None:
    """Meanings are of exit codes that there are, no two the same."""
    assert set(MEANINGS) == set(Exit)
    assert len({meaning for meaning, _ in MEANINGS.values()}) == len(MEANINGS)


def test_every_error_can_be_explained() -> None:
    """Whatever error a command ends with, its exit code is one that can be explained."""
    kinds = [CrossfadeError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert {kind.exit for kind in kinds} <= set(MEANINGS)


@given(some.integers().filter(lambda code: code not in set(Exit)))
def test_a_code_that_there_is_not(code: int) -> None:
    """Any other number is refused, with the list of codes."""
    with pytest.raises(GateClosed) as caught:
        command.callback(code, as_json=False)  # type: ignore[misc] - click gives every command one
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("one of: 0, 1, 2")


def test_is_a_command() -> None:
    """It takes the code as its argument, and JSON as an option."""
    assert {parameter.name for parameter in command.params} == {"code", "as_json"}
    assert isinstance(command, click.Command)


@pytest.mark.processes
def test_explains_for_machines(tmp_path: Path) -> None:
    """One document with the code, what it means and what comes next; anywhere, without a project."""
    done = crossfade("explain", "10", "--json", folder=tmp_path)
    meaning, remedy = MEANINGS[Exit.ROLLED_BACK]
    assert documents(done.stdout) == [{"format": 1, "code": 10, "meaning": meaning, "next": remedy}]


@pytest.mark.processes
def test_an_unknown_code_is_no(tmp_path: Path) -> None:
    """The program ends with exit code 1 for a code that there is not."""
    assert crossfade("explain", "77", folder=tmp_path).returncode == Exit.GATE
