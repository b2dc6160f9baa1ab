"""What a killed Pulumi leaves of the files beside its state: torn ones go, whole ones and others' stay."""

from pathlib import Path

import pytest

from smoke.stack.sidecars import mend

WHOLE = '{"user.content_type":"application/json","md5":"aGVsbG8="}\n'
OURS = (
    "stacks/shop/staging.json.attrs",
    "stacks/shop/staging.json.bak.attrs",
    "stacks/shop/staging.json.gz.attrs",
    "locks/organization/shop/staging/1.json.attrs",
    "history/shop/staging/staging-1.history.json.attrs",
    "backups/shop/staging/staging.1.json.attrs",
)
OTHERS = ("stacks/shop/other.json.attrs", "stacks/shop2/staging.json.attrs", "locks/organization/shop/other/1.json.attrs")


def written(root: Path, names: tuple[str, ...], text: str) -> list[Path]:
    """Files with that in them."""
    files = [root / ".pulumi" / name for name in names]
    for each in files:
        each.parent.mkdir(parents=True, exist_ok=True)
        each.write_text(text, encoding="utf-8")
    return files


@pytest.mark.parametrize("text", ["", "{", WHOLE[:20], "\0"])
def test_torn_ones_of_the_stack_go(tmp_path: Path, text: str) -> None:
    """Each file beside the stack's own that is no whole document is removed; other stacks may be being written."""
    ours, others = written(tmp_path, OURS, text), written(tmp_path, OTHERS, text)
    mend(tmp_path / ".pulumi" / "stacks" / "shop" / "staging.json")
    assert [each.exists() for each in ours] == len(ours) * [False]
    assert [each.exists() for each in others] == len(others) * [True]


def test_whole_ones_stay(tmp_path: Path) -> None:
    """What can be read is left, and so is the state itself, whatever is in it."""
    ours = [*written(tmp_path, OURS, WHOLE), *written(tmp_path, ("stacks/shop/staging.json",), "")]
    mend(ours[-1])
    assert [each.exists() for each in ours] == len(ours) * [True]


def test_a_state_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    """Before the first deployment there is nothing to mend."""
    mend(tmp_path / ".pulumi" / "stacks" / "shop" / "staging.json")
