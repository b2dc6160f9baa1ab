"""What changed among the libraries: told apart by kind, and majors counted."""

from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.gates.delta import compared
from smoke.gates.pinned import Pin, pins


def change(before: str, after: str, allowed: int = 0) -> tuple[Outcome, tuple[str, ...]]:
    """What is said of one package that goes from one version to another."""
    found = compared([Pin("a", before)], [Pin("a", after)], allowed)
    return found.outcome, found.lines


@pytest.mark.parametrize(
    ("before", "after", "outcome", "line"),
    [
        ("1.2", "1.10", Outcome.PASS, ("upgraded: a 1.2 -> 1.10",)),
        ("1.10", "1.9", Outcome.PASS, ("downgraded: a 1.10 -> 1.9",)),
        ("1.9", "2.0", Outcome.FAIL, ("upgraded: a 1.9 -> 2.0 (major)",)),
        ("2.0", "1.9", Outcome.FAIL, ("downgraded: a 2.0 -> 1.9 (major)",)),
        ("0.28.1", "0.165.0", Outcome.FAIL, ("upgraded: a 0.28.1 -> 0.165.0 (major)",)),
        ("0.28.1", "0.28.9", Outcome.PASS, ("upgraded: a 0.28.1 -> 0.28.9",)),
        ("0", "0.0.1", Outcome.PASS, ("upgraded: a 0 -> 0.0.1",)),
        ("1.0", "1!1.0", Outcome.FAIL, ("upgraded: a 1.0 -> 1!1.0 (major)",)),
        ("1.0", "1.0.post1", Outcome.PASS, ("upgraded: a 1.0 -> 1.0.post1",)),
        ("1.0", "1.0.0", Outcome.PASS, ()),
        ("1.0", "1.0", Outcome.PASS, ()),
    ],
)
def test_a_change_is_told_by_its_kind(before: str, after: str, outcome: Outcome, line: tuple[str, ...]) -> None:
    """Versions are ordered as numbers; below 1.0 the second number is the major one."""
    assert change(before, after) == (outcome, line)


def test_as_many_majors_as_allowed_pass() -> None:
    """One that is allowed passes; what is added or removed is listed, and is no major."""
    assert change("1.0", "2.0", 1)[0] is Outcome.PASS
    found = compared([Pin("a", "1.0"), Pin("b", "1.0")], [Pin("a", "1.0"), Pin("c", "3.0")])
    assert (found.outcome, found.lines, found.n) == (Outcome.PASS, ("removed: b 1.0", "added: c 3.0"), 3)


def test_a_fork_is_compared_whole() -> None:
    """A package with a version for each marker has changed its major where any of them has."""
    found = compared([Pin("a", "1.0")], [Pin("a", "1.0"), Pin("a", "2.0", "python_version >= '3.12'")])
    assert (found.outcome, found.lines) == (Outcome.FAIL, ("upgraded: a 1.0 -> 1.0 | 2.0 (major)",))


@pytest.mark.parametrize("version", ["1.0rc1", "1.0.dev3", "2024a", ""])
def test_what_is_no_release_is_refused(version: str) -> None:
    """A version whose order is not known here is named, never guessed."""
    with pytest.raises(UsageError, match="cannot be compared"):
        change("1.0", version)


def test_nothing_read_is_not_measured(tmp_path: Path) -> None:
    """A lock without packages, on either side, is no comparison."""
    empty, full = tmp_path / "empty.lock", tmp_path / "full.lock"
    empty.write_text("# nothing\n", encoding="utf-8")
    full.write_text("a==1\n", encoding="utf-8")
    for words in ([empty, full], [full, empty]):
        assert gate("delta")([str(each) for each in words]).outcome is Outcome.UNMEASURED
    same = tmp_path / "same.lock"
    same.write_text("a==1\n", encoding="utf-8")
    assert gate("delta")([str(full), str(same)]).outcome is Outcome.PASS


def test_locks_are_read_as_they_are_written(tmp_path: Path) -> None:
    """Hashes, extras, markers, comments and options are read over; a TOML lock has the same pins without its own project."""
    lines, toml, ours = tmp_path / "a.lock", tmp_path / "pylock.toml", tmp_path / "uv.lock"
    pinned = 'A_b[c]==1.0 ; python_version < "3.12" \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n'
    text = f"--index-url x\n{pinned}    # via z\nd==2  # e\n"
    lines.write_text(text, encoding="utf-8")
    wanted = [Pin("a-b", "1.0", 'python_version < "3.12"'), Pin("d", "2")]
    marked = 'name = "a-b"\nversion = "1.0"\n'
    plain = '[[{0}]]\nname = "d"\nversion = "2"\n'
    toml.write_text(
        f"lock-version = '1.0'\n[[packages]]\n{marked}marker = 'python_version < \"3.12\"'\n{plain.format('packages')}",
        encoding="utf-8",
    )
    own = '[[package]]\nname = "own"\nversion = "0"\nsource = { virtual = "." }\n'
    ours.write_text(f"version = 1\n{own}{plain.format('package')}", encoding="utf-8")
    assert list(pins(lines)) == wanted
    assert list(pins(toml)) == wanted
    assert list(pins(ours)) == wanted[1:]


@pytest.mark.parametrize("text", ["a>=1", "a", "-e .", "a==1.*", "a @ file:///b", "-r other.txt", "<html>"])
def test_what_pins_nothing_is_refused(tmp_path: Path, text: str) -> None:
    """A line that leaves a version open is named, and so is a file that is not there."""
    file = tmp_path / "a.lock"
    file.write_text(f"b==1\n{text}\n", encoding="utf-8")
    for each in (file, tmp_path / "gone.lock"):
        with pytest.raises(UsageError, match=each.name):
            pins(each)


@pytest.mark.parametrize("words", ["a", "a b -1", "a b x", "a b 1 2"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Too few words, too many, and a number that is none are usage errors with a line to type."""
    with pytest.raises(UsageError) as caught:
        gate("delta")(words.split())
    assert "crossfade gate delta" in str(caught.value.hint)
