"""A digest is the content of a folder, and nothing else."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from infra.content import IGNORED, file_digest, files_of, tree_digest

names = some.text("abcé \n-", min_size=1, max_size=6).filter(lambda name: name not in IGNORED)
trees = some.dictionaries(
    some.tuples(names, names) | some.tuples(names), some.tuples(some.binary(max_size=20), some.booleans()), min_size=1, max_size=6
)
Tree = dict[tuple[str, ...], tuple[bytes, bool]]
unhurried = settings(max_examples=50, deadline=None)


def digest_of(tree: Tree, *, backwards: bool = False) -> str:
    """Digest of a folder with these files: content, and whether they may be executed."""
    folder = Path(tempfile.mkdtemp(prefix="content-"))
    try:
        for parts, (content, executable) in sorted(tree.items(), reverse=backwards):
            file = folder.joinpath(*parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o755 if executable else 0o644)
        return tree_digest(folder)
    finally:
        shutil.rmtree(folder)


def possible(tree: Tree) -> bool:
    """Whether no file is a folder as well."""
    return not {parts[:1] for parts in tree if len(parts) > 1} & {parts for parts in tree if len(parts) == 1}


@unhurried
@given(trees)
def test_where_and_when_it_was_made_does_not_count(tree: Tree) -> None:
    """The same files in another folder, made in another order, have the same digest."""
    assume(possible(tree))
    assert digest_of(tree) == digest_of(tree, backwards=True)


@unhurried
@given(trees, trees)
def test_other_files_have_another_digest(one: Tree, other: Tree) -> None:
    """Two folders have the same digest when they hold the same names, contents and permissions to execute, and only then."""
    assume(possible(one) and possible(other))
    assert (digest_of(one) == digest_of(other)) == (one == other)


@unhurried
@given(trees, some.data())
def test_a_small_change_is_another_digest(tree: Tree, data: some.DataObject) -> None:
    """One byte more, a permission or a name that differs: each is another digest."""
    assume(possible(tree))
    name = data.draw(some.sampled_from(sorted(tree)))
    content, executable = tree[name]
    rest = {parts: each for parts, each in tree.items() if parts != name}
    renamed = (*name[:-1], name[-1] + "z")

    assert digest_of({**tree, name: (content + b"\0", executable)}) != digest_of(tree)
    assert digest_of({**tree, name: (content, not executable)}) != digest_of(tree)
    assert digest_of({**rest, renamed: (content, executable)}) != digest_of(tree)


@pytest.mark.parametrize("name", sorted(IGNORED))
@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_what_is_ignored_does_not_count(name: str, kind: str, tmp_path: Path) -> None:
    """What running or looking at a program leaves behind is no part of it, whether folder, link or file, at any depth."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "main.py").write_text("1")
    before, left = tree_digest(tmp_path), tmp_path / "inner" / name
    if kind == "folder":
        left.mkdir()
        (left / "x").write_text("left behind")
    elif kind == "link":
        left.symlink_to(tmp_path)
    else:
        left.write_text("gitdir: elsewhere")

    assert tree_digest(tmp_path) == before
    assert [file.name for file in files_of(tmp_path)] == ["main.py"]


def test_empty_folders_and_times_do_not_count(tmp_path: Path) -> None:
    """A folder without files, and when a file was written, are no content."""
    (tmp_path / "main.py").write_text("1")
    before = tree_digest(tmp_path)
    (tmp_path / "empty").mkdir()
    os.utime(tmp_path / "main.py", (0, 0))
    assert tree_digest(tmp_path) == before


def test_a_link_is_where_it_leads(tmp_path: Path) -> None:
    """A link counts by the path it holds, is never followed, and is not the file that holds the same text."""
    link = tmp_path / "link"
    digests = set()
    for goal in ("here", "there", "."):
        link.symlink_to(goal)
        digests.add(tree_digest(tmp_path))
        link.unlink()
    link.write_text("here")

    assert len({*digests, tree_digest(tmp_path)}) == 4


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """A file whose name is no UTF-8 has a digest as any other."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_text("1")
    assert tree_digest(tmp_path).startswith("sha256:")


def test_what_is_no_content_is_refused(tmp_path: Path) -> None:
    """A pipe among the files is an error that names it: it would be lost, or hang whoever reads it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe is neither a file, a link nor a folder"):
        tree_digest(tmp_path)


@given(some.binary(max_size=50), some.binary(max_size=50))
def test_a_file_is_its_bytes(one: bytes, other: bytes) -> None:
    """Two files have the same digest when they have the same bytes, and only then."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "a"), Path(folder, "b")
        first.write_bytes(one)
        second.write_bytes(other)
        assert (file_digest(first) == file_digest(second)) == (one == other)
