"""Whether anything would be compiled: by a real uv and an index of files on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from wheelhouse import offer, served

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.pinned import Pin
from smoke.gates.wheels import Found, Kind, judged, said
from smoke.process import Ended

PIN = Pin("a", "1.0")


@pytest.fixture(name="index")
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An index that uv asks, and asks alone; its packages are put there by the test."""
    with served(tmp_path, monkeypatch) as folder:
        yield folder


def asked(folder: Path, text: str, version: str = "3.12") -> Answer:
    """What the gate says of a lock."""
    lock = folder / "a.lock"
    lock.write_text(text, encoding="utf-8")
    return gate("wheels")([version, str(lock)])


@pytest.mark.processes
def test_every_package_without_a_wheel_is_named(index: Path, tmp_path: Path) -> None:
    """A source alone, and wheels of another Python or another platform, are all named at once."""
    tags = {"pure": "py3-none-any", "source": None, "older": "cp39-cp39-manylinux_2_17_x86_64", "other": "py3-none-win32"}
    for name, tag in tags.items():
        offer(index, name, tag)
    found = asked(tmp_path, "".join(f"{name}==1.0\n" for name in tags))
    assert (found.outcome, found.n, found.value) == (Outcome.FAIL, 4, 3), found.text()
    assert "3 of 4 packages have no wheel for Python 3.12: older 1.0, other 1.0, source 1.0" in found.detail


@pytest.mark.processes
def test_a_marker_is_heeded(index: Path, tmp_path: Path) -> None:
    """What is not wanted on that Python is not asked for, and is no package that was examined."""
    offer(index, "pure", "py3-none-any")
    offer(index, "source", None)
    beside = 'source==1.0 ; python_version < "3.10"\n'
    found = asked(tmp_path, f"pure==1.0\n{beside}")
    assert (found.outcome, found.n) == (Outcome.PASS, 1), found.text()
    assert asked(tmp_path, beside).outcome is Outcome.UNMEASURED


def test_what_no_index_has_is_left_open(tmp_path: Path) -> None:
    """A package of a repository is not looked for under its name at an index, where it would be another."""
    lock = tmp_path / "pylock.toml"
    package = 'name = "a"\nversion = "1"\nvcs = { type = "git", url = "x" }\n'
    lock.write_text(f"lock-version = '1.0'\n[[packages]]\n{package}", encoding="utf-8")
    assert gate("wheels")(["3.12", str(lock)]).outcome is Outcome.UNMEASURED


@pytest.mark.processes
def test_an_index_that_cannot_be_asked_is_no_pass(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lacks a package leaves it open; where nobody answers, and offline, nothing was measured."""
    offer(index, "pure", "py3-none-any")
    assert asked(tmp_path, "pure==1.0\ngone==1.0\n").outcome is Outcome.UNDECIDED
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert asked(tmp_path, "pure==1.0\n").outcome is Outcome.UNMEASURED
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9")
    assert asked(tmp_path, "pure==1.0\n").outcome is Outcome.UNMEASURED


def test_one_that_lacks_a_wheel_fails_whatever_else_is_open() -> None:
    """A failure that is known is told, beside what is not known; an empty lock was not examined."""
    found = judged([Found(PIN, Kind.LACKS), Found(Pin("b", "1"), Kind.UNKNOWN, "why")], "3.12")
    assert (found.outcome, "of 1 it cannot be said" in found.detail) == (Outcome.FAIL, True)
    assert judged([], "3.12").outcome is Outcome.UNMEASURED


@pytest.mark.processes
def test_the_index_of_the_lock_is_asked(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that names an index of its own is asked about there."""
    offer(index, "pure", "py3-none-any")
    own = os.environ["UV_DEFAULT_INDEX"]
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    assert asked(tmp_path, f"--index-url {own}\npure==1.0\n").outcome is Outcome.PASS
    assert asked(tmp_path, "--index-url http://127.0.0.1:9\npure==1.0\n").outcome is Outcome.UNMEASURED


def test_another_version_in_its_place_says_nothing() -> None:
    """Where settings of uv put another version in the place of the one that is pinned, that one was not examined."""
    assert said(PIN, Ended(0, "a==1.0\n", "")).kind is Kind.WHEEL
    assert said(PIN, Ended(0, "a==2.0\n", "")).kind is Kind.UNKNOWN
    assert said(PIN, Ended(0, "", "")).kind is Kind.ELSEWHERE


def test_a_uv_that_does_not_end_says_nothing() -> None:
    """One that was killed, or failed for another reason, leaves the package open."""
    for ended in (Ended(None, "", ""), Ended(2, "", "error: bad certificate"), Ended(1, "", "there is no version of a==1.0")):
        assert said(PIN, ended).kind is Kind.UNKNOWN


@pytest.mark.parametrize("words", ["3.12", "2.7 a", "3 a", "3.12 a b", "3.12 uv.lock", "3.12 /nowhere/at.lock"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """A version that is none and a lock that is not there are usage errors with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("wheels")(words.split())
    assert caught.value.hint
