"""What drivers and the watchdog tell each other: what of a shell is written down, and who is there."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from smoke.guard import AWAY, beat, on_guard, remember_shell, remembered_shell

SHELL = {
    "PATH": "/tools:/bin",
    "HOME": "/home/ann",
    "PULUMI_BACKEND_URL": "file:///shop/.state",
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/home/ann/passphrase",
    "PULUMI_SKIP_UPDATE_CHECK": "true",
}
SECRETS = {
    "PULUMI_CONFIG_PASSPHRASE": "tulip",
    "PULUMI_ACCESS_TOKEN": "pul-1",
    "PULUMI_CONFIG": '{"shop:key": "opened"}',
    "PULUMI_API_KEY": "k",
    "DATABASE_PASSWORD": "rose",
    "AWS_SECRET_ACCESS_KEY": "s",
    "EDITOR": "vi",
}


def test_a_shell_is_remembered_without_its_secrets(tmp_path: Path) -> None:
    """What Pulumi is found by comes back as it was; what opens anything is not in the file, which only its owner may read."""
    folder = tmp_path / "journal"
    remember_shell(folder, {**SHELL, **SECRETS})
    [file] = folder.iterdir()

    assert remembered_shell(folder) == SHELL
    assert not any(name in file.read_text() for name in SECRETS if name not in "".join(SHELL))
    assert not any(value in file.read_text() for value in SECRETS.values() if len(value) > 2)
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)


def test_the_last_shell_counts(tmp_path: Path) -> None:
    """Whoever drove last is who could drive."""
    remember_shell(tmp_path, {"PATH": "/old", "HOME": "/home/ann"})
    remember_shell(tmp_path, {"PATH": "/new"})

    assert remembered_shell(tmp_path) == {"PATH": "/new"}


@pytest.mark.parametrize(("later", "there"), [(0.0, True), (AWAY, True), (AWAY + 0.1, False), (-1.0, False)])
def test_a_beat_counts_for_a_while(tmp_path: Path, later: float, *, there: bool) -> None:
    """Until then the watchdog is there; and one from before the machine was started never is."""
    beat(tmp_path, 100.0)

    assert on_guard(tmp_path, 100.0 + later) is there


@pytest.mark.parametrize("words", ["", "null", "[1]", '{"at": "soon"}', '{"at": null}', "\x00", '{"at": 1', "[" * 100_000])
def test_what_is_damaged_says_nothing(words: str, tmp_path: Path) -> None:
    """Nobody is there, and nothing is remembered."""
    for name in ("watchdog.json", "shell.json"):
        (tmp_path / name).write_text(words, encoding="utf-8")

    assert on_guard(tmp_path, 1.0) is False
    assert all(isinstance(value, str) for value in remembered_shell(tmp_path).values())


@pytest.mark.parametrize("write", [lambda folder: remember_shell(folder, SHELL), lambda folder: beat(folder, 1.0)])
def test_a_folder_that_cannot_be_written(write: Callable[[Path], None], tmp_path: Path) -> None:
    """Traffic must go back all the same: it is no error."""
    (tmp_path / "file").write_text("")
    write(tmp_path / "file" / "journal")

    assert (tmp_path / "file").read_text() == ""


def test_it_is_written_whole(tmp_path: Path) -> None:
    """Nothing but the file itself is left behind."""
    beat(tmp_path, 1.0)

    assert [each.name for each in tmp_path.iterdir()] == ["watchdog.json"]
    assert json.loads((tmp_path / "watchdog.json").read_bytes())["at"] == 1.0


def test_where_the_engine_is_is_remembered_and_its_passwords_are_not(tmp_path: Path) -> None:
    """The engine's address goes to whoever takes over; the variable of Docker's that holds passwords does not."""
    remember_shell(tmp_path, {"DOCKER_HOST": "unix:///its.sock", "DOCKER_AUTH_CONFIG": "{}", "PULUMI_HOME": "/home/it"})

    assert dict(remembered_shell(tmp_path)) == {"DOCKER_HOST": "unix:///its.sock", "PULUMI_HOME": "/home/it"}
