"""What people ask, as a mailbox carries it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.rollout import Request


@given(some.builds(Request, at=some.floats(0, 1e10), step=some.none() | some.integers(0, 9)))
def test_what_is_asked_is_read(request_: Request) -> None:
    """Whatever is asked is read back as it was asked."""
    assert Request.of(request_.to_record()) == request_


@pytest.mark.parametrize("posted", [{}, {"verb": "drive"}, {"verb": "drive", "by": "x"}, {"verb": 1, "by": "x", "at": 1.0}])
def test_what_is_none_is_nobodys(posted: dict[str, object]) -> None:
    """What lacks a verb, a name or a time is no request."""
    assert Request.of(posted) is None
