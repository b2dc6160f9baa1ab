"""The chain: whatever is changed, taken out, put in or moved is seen."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smoke.evidence import Broken, Evidence, Outcome, chained, linked
from smoke.evidence.chain import FIRST

Chain = list[Mapping[str, Any]]


def chain(count: int) -> Chain:
    """So many links."""
    found: Chain = []
    for number in range(count):
        evidence = Evidence(f"gate{number}", Outcome.PASS, "seen", float(number), "ann@desk", "r1", n=number + 1)
        found.append(linked(evidence, found[-1]["hash"] if found else FIRST))
    return found


def test_a_whole_chain_is_read_in_order() -> None:
    """Links give what was written, oldest first; no link gives nothing."""
    assert [each.gate for each in chained(chain(3))] == ["gate0", "gate1", "gate2"]
    assert chained([]) == ()


def _taken_out(links: Chain) -> Chain:
    return [links[0], *links[2:]]


def _moved(links: Chain) -> Chain:
    return [links[1], links[0], *links[2:]]


def _put_in(links: Chain) -> Chain:
    return [links[0], links[0], *links[1:]]


def _changed(links: Chain) -> Chain:
    return [links[0], {**links[1], "outcome": "fail"}, *links[2:]]


def _changed_and_signed(links: Chain) -> Chain:
    other = replace(chained(links)[1], detail="better")
    return [links[0], linked(other, links[0]["hash"]), *links[2:]]


@pytest.mark.parametrize("change", [_taken_out, _moved, _put_in, _changed, _changed_and_signed])
def test_a_change_is_seen(change: Callable[[Chain], Chain]) -> None:
    """Also one that has a hash of its own: then the next link does not follow."""
    with pytest.raises(Broken):
        chained(change(chain(4)))


@given(link=some.integers(0, 3), key=some.sampled_from(["gate", "detail", "at", "by", "release", "n", "before", "hash", "files"]))
def test_any_field_is_under_the_hash(link: int, key: str) -> None:
    """No field of any link can be another without being seen."""
    links = chain(4)
    links[link] = {**links[link], key: "other"}
    with pytest.raises(Broken):
        chained(links)


def test_a_record_of_another_version_is_told() -> None:
    """What is whole and makes no sense here was written by another version, and is not passed over."""
    body = {**linked(Evidence("a", Outcome.PASS, "seen", 1.0, "ann", "r1"), FIRST)}
    with pytest.raises(Broken, match="evidence 1"):
        chained([{key: value for key, value in body.items() if key != "gate"}])
