"""What holds for every hand-over in the table."""

import pytest

from infra.contract import Backend
from smoke.clock import FakeClock
from smoke.errors import HandoverError, UsageError
from smoke.handovers import HANDOVERS, handover
from smoke.seams import Handover

WRONG: list[tuple[str, object]] = [
    ("colour", "red"),
    ("name", 1),
    ("folder", 1),
    ("folder", ""),
    ("heartbeats", ["blue"]),
    ("heartbeats", {}),
    ("heartbeats", {"blue": 1}),
    ("timeout", "15"),
    ("timeout", True),
    ("timeout", 0),
    ("timeout", float("inf")),
    ("containers", ["blue"]),
    ("containers", {}),
    ("containers", {"blue": 1}),
    ("daemon", ""),
    ("context", 1),
    ("namespace", ""),
    ("stack", 1),
    ("service", None),
    ("deployments", ["blue"]),
    ("deployments", {}),
    ("deployments", {"blue": 1}),
]
WHOLE: dict[str, dict[str, object]] = {
    "file": {"folder": "/nowhere/agent", "heartbeats": {"blue": "/nowhere/blue", "green": "/nowhere/green"}, "timeout": 1.0},
    "memory": {},
    "scale": {
        "namespace": "shop",
        "stack": "staging",
        "service": "agent",
        "deployments": {"blue": "agent-blue", "green": "agent-green"},
        "timeout": 1.0,
    },
}


def test_the_holder_is_the_one_that_was_given_the_work(any_handover: Handover) -> None:
    """After a hold the holder is that slot; after its release nobody is."""
    any_handover.hold("blue")
    assert any_handover.holder() == "blue"
    any_handover.release("blue")
    assert any_handover.holder() is None


def test_each_call_may_be_repeated(any_handover: Handover) -> None:
    """To hold twice is to hold, and to release twice is to release."""
    for _ in range(2):
        any_handover.hold("blue")
        assert any_handover.holder() == "blue"
    for _ in range(2):
        any_handover.release("blue")
        assert any_handover.holder() is None


def test_the_work_goes_over_and_back(any_handover: Handover) -> None:
    """After the release of one slot the other may be given the work, and the other way round."""
    for old, new in (("blue", "green"), ("green", "blue")):
        any_handover.release(old)
        any_handover.hold(new)
        assert any_handover.holder() == new


def test_one_is_not_given_the_work_while_the_other_works(any_handover: Handover) -> None:
    """A hold of one slot raises while the other works, and changes nothing."""
    with pytest.raises(HandoverError, match="blue still works"):
        any_handover.hold("green")
    assert any_handover.holder() == "blue"
    any_handover.hold("blue")


def test_the_release_of_one_leaves_the_other_alone(any_handover: Handover) -> None:
    """A release of the slot that does not work returns, and the other goes on working."""
    any_handover.hold("blue")
    any_handover.release("green")
    assert any_handover.holder() == "blue"


def test_an_unknown_slot_is_refused(any_handover: Handover) -> None:
    """A slot that there is not can neither be given the work nor relieved of it, and nothing changes."""
    for call in (any_handover.hold, any_handover.release):
        with pytest.raises(HandoverError, match="no slot red in blue, green"):
            call("red")
    assert any_handover.holder() == "blue"


def test_an_unknown_handover_names_the_known_ones() -> None:
    """A backend that is not in the table is a usage error that lists the table."""
    with pytest.raises(UsageError, match="file, memory, scale"):
        handover(Backend("lease", {}), FakeClock())


@pytest.mark.parametrize(("key", "value"), WRONG, ids=str)
@pytest.mark.parametrize("kind", HANDOVERS)
def test_a_wrong_setting_is_named(kind: str, key: str, value: object) -> None:
    """A setting that is unknown or of the wrong kind is a usage error that names it, never passed over."""
    with pytest.raises(UsageError, match=key):
        handover(Backend(kind, {**WHOLE[kind], key: value}), FakeClock())


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, whole in WHOLE.items() for key in whole])
def test_a_missing_setting_is_named(kind: str, key: str) -> None:
    """A setting that a hand-over cannot do without is a usage error that names it."""
    with pytest.raises(UsageError, match=key):
        handover(Backend(kind, {name: value for name, value in WHOLE[kind].items() if name != key}), FakeClock())
