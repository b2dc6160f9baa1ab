"""What holds for ``crossfade images`` as a program, where there are no images; where there are some, tests/docker has it."""

import pytest

from smoke.errors import Exit
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import Shop

pytestmark = pytest.mark.processes


def test_a_stack_of_processes(shop: Shop) -> None:
    """It has no images: that is said, with what asks there in their place."""
    done = shop.crossfade("images", "--json")

    [document] = documents(done.stdout)
    assert done.returncode == Exit.USAGE, done.stderr
    assert document["error"]["what"] == "stack staging has no images in slot green"
    assert document["error"]["hint"] == "crossfade smoke asks what runs there"


def test_a_slot_that_is_not_placed(shop: Shop) -> None:
    """A slot that is not there is refused by its name."""
    done = shop.crossfade("images", "--slot", "purple")

    assert done.returncode == Exit.GATE
    assert "error: slot purple is not placed" in done.stderr
