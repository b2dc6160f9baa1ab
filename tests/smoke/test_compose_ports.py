"""Published ports of a second copy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.compose.ports import Move, moved, published

NUMBERS = st.integers(1, 65_535)
ADDRESSES = st.sampled_from(["", "127.0.0.1:", "[::1]:", "${BIND:-0.0.0.0}:"])
SHORT = st.builds("{}{}:{}{}".format, ADDRESSES, NUMBERS, NUMBERS, st.sampled_from(["", "/udp"]))
PUBLISHED = NUMBERS | NUMBERS.map(str)
LONG = st.fixed_dictionaries({"published": PUBLISHED, "target": NUMBERS})


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("8080:80", "18080:80"),
        ("127.0.0.1:8080:80", "127.0.0.1:18080:80"),
        ("[::1]:8080:80/udp", "[::1]:18080:80/udp"),
        ("::1:8080:80", "::1:18080:80"),
        ("3000-3005:3000-3005", "13000-13005:3000-3005"),
        ("8080:${TARGET:-80}", "18080:${TARGET:-80}"),
        ({"target": 80, "published": 8080, "host_ip": "::1"}, {"target": 80, "published": "18080", "host_ip": "::1"}),
        ({"target": 80, "published": "8080-8081"}, {"target": 80, "published": "18080-18081"}),
    ],
)
def test_a_published_port_is_shifted(entry: object, expected: object) -> None:
    """Ten thousand is between theirs and ours, and all else stays: address, protocol, the container's port."""
    assert [each.entry for each in moved([entry], published([entry]))] == [expected]


@pytest.mark.parametrize("entry", ["80", 80, "3000-3005", "127.0.0.1::80", {"target": 80}, {"target": 80, "published": None}])
def test_a_port_that_docker_chooses_stays(entry: object) -> None:
    """Nobody fights over it."""
    assert moved([entry], set()) == [Move(entry, "", "")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("${PORT:-8080}:80", "80"),
        ("$PORT:80", "80"),
        ("127.0.0.1:${PORT:-8080}:80/udp", "127.0.0.1::80/udp"),
        ("${BIND:-${HOST:-::1}}:${PORT}:80", "${BIND:-${HOST:-::1}}::80"),
        ("60000:80", "80"),
        ("127.0.0.1:60000:80", "127.0.0.1::80"),
        ({"target": 80, "published": "${PORT}"}, {"target": 80}),
    ],
)
def test_where_no_port_can_be_told_docker_chooses_one(entry: object, expected: object) -> None:
    """A variable, and a port too high to be shifted, become a free one at the same address."""
    assert [(each.entry, each.new) for each in moved([entry], published([entry]))] == [(expected, "")]


def test_a_port_that_another_service_has_is_not_taken() -> None:
    """18080 is theirs already."""
    taken = published(["8080:80", "18000-18090:90"])

    assert [each.entry for each in moved(["8080:80"], taken)] == ["80"]


@pytest.mark.parametrize("entry", [None, True, 8.5, "", "8080:", {}, {"published": 80}, ["80"]])
def test_what_is_no_port_is_refused(entry: object) -> None:
    """With its place in the list."""
    with pytest.raises(ValueError, match="target") as refused:
        moved(["80", entry], set())

    assert refused.value.args[1] == 1


@given(st.lists(SHORT | LONG, max_size=8))
def test_both_sides_never_ask_for_one_port(ports: list[Any]) -> None:
    """Every entry stays, to the same port of the container, and none asks for a port of theirs."""
    moves = moved(ports, published(ports))

    assert len(moves) == len(ports)
    assert published(each.entry for each in moves).isdisjoint(published(ports))
    assert [_target(each.entry) for each in moves] == [_target(each) for each in ports]


def _target(entry: object) -> str:
    return str(entry["target"]) if isinstance(entry, dict) else str(entry).rpartition(":")[2]
