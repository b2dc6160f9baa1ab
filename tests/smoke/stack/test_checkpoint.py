"""What holds for the stack's own state file: whatever is in it, it is read, or refused in words."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from smoke.errors import CrossfadeError, DeployError
from smoke.stack import PulumiStack
from smoke.stack.checkpoint import outputs, pending
from smoke.stack.project import Project


def state(folder: Path, content: bytes) -> Path:
    """The state file of a stack ``staging`` of a project ``shop``, with that in it."""
    file = folder / ".pulumi" / "stacks" / "shop" / "staging.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


def checkpoint(**latest: Any) -> bytes:  # noqa: ANN401 - whatever is in a file
    """A state file with that in it."""
    return json.dumps({"version": 3, "checkpoint": {"stack": "organization/shop/staging", "latest": latest}}).encode()


def test_what_was_pending(tmp_path: Path) -> None:
    """Kinds of what was under way, in order."""
    operations = [{"resource": {"urn": "urn:a"}, "type": "creating"}, {"resource": {"urn": "urn:b"}, "type": "deleting"}]
    file = state(tmp_path, checkpoint(resources=[], pending_operations=operations))

    assert pending(file) == ("creating", "deleting")


@pytest.mark.parametrize("content", [None, checkpoint(), checkpoint(resources=None, pending_operations=None)])
def test_a_stack_that_was_never_brought_up(tmp_path: Path, content: bytes | None) -> None:
    """It has no outputs, and nothing pending."""
    file = tmp_path / "none" if content is None else state(tmp_path, content)

    assert (dict(outputs(file)), pending(file)) == ({}, ())


def test_the_outputs_are_those_of_the_stack(tmp_path: Path) -> None:
    """Not those of what is in it."""
    resources = [{"type": "shop:Till", "outputs": {"a": 1}}, {"type": "pulumi:pulumi:Stack", "outputs": {"b": 2}}]

    assert outputs(state(tmp_path, checkpoint(resources=resources))) == {"b": 2}


@pytest.mark.parametrize("content", [b"", b"\xff", b"null", b"[]", b"{}", b'{"checkpoint": 3}', b"[" * 200_000, b"NaN"])
def test_no_state(tmp_path: Path, content: bytes) -> None:
    """A file that is none is refused, and named."""
    file = state(tmp_path, content)
    for read in (outputs, pending):
        with pytest.raises(DeployError) as raised:
            read(file)

        assert raised.value.where == str(file)


values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
roots = some.fixed_dictionaries(
    {},
    optional={
        "type": values | some.just("pulumi:pulumi:Stack"),
        "outputs": values | some.fixed_dictionaries({"crossfade": values}),
    },
)
latest = some.fixed_dictionaries(
    {}, optional={"resources": values | some.lists(values | roots, max_size=3), "pending_operations": values}
)
documents = values | some.fixed_dictionaries({"checkpoint": values | some.fixed_dictionaries({"latest": values | latest})})


@given(some.binary(max_size=99) | documents.map(lambda each: json.dumps(each).encode()))
@example(b'{"checkpoint": {"latest": {"resources": 7}}}')
@example(b'{"checkpoint": {"latest": {"resources": [{"type": "pulumi:pulumi:Stack", "outputs": 7}, 7]}}}')
def test_anything(content: bytes) -> None:
    """Whatever is in the file, a contract comes of it, or an error in words."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        file = state(folder, content)
        for read in (lambda: pending(file), PulumiStack(Project("shop", folder, folder), "staging").release):
            with suppress(CrossfadeError):
                read()
