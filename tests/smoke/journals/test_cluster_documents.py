"""What is made of a cluster's documents, whoever changed them: pure, no cluster is asked."""

import json
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from smoke.cluster import Cluster, Reach
from smoke.journals.cluster_claim import Claim, claim_of
from smoke.journals.cluster_place import Place, decoded, encoded
from smoke.journals.cluster_segments import LARGEST, Head, number_of
from smoke.journals.owner import Owner, me
from tests.smoke.journals.clocks import UnsteadyClock

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(), inner, max_size=2),
    max_leaves=4,
)


def lease(owner: Owner | None, **spec: object) -> dict[str, Any]:
    """The document of a lease that was just taken."""
    claim = Claim("1", 7, owner, 1000.5, 0.0, 115.0, 0.0, "word", ("0001-a",), "")
    metadata = {"resourceVersion": "1", "annotations": {"crossfade/writer": claim.writer()}}
    return {"metadata": metadata, "spec": {**claim.spec(100.0, 1000.5), **spec}}


@given(some.dictionaries(some.text(), JSON, max_size=3))
def test_a_record_is_one_line(record: dict[str, Any]) -> None:
    """Whatever a record holds, it is one line from which it comes back."""
    line = encoded(record)

    assert "\n" not in line
    assert line.isascii()
    assert json.dumps(decoded(line)) == json.dumps(record)


@given(some.text())
@example("00000000 {}")
@example("00000000 \ud800")
@example("9d2a1b3c " + "[" * 100_000)
def test_any_other_line_is_none(line: str) -> None:
    """A line whose checksum does not hold says nothing."""
    assert decoded(line) is None


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "{", "[" * 100_000])
def test_a_hostile_line_is_none(text: str) -> None:
    """A line whose checksum holds and that is no JSON object says nothing."""
    assert decoded(f"{zlib.crc32(text.encode()):08x} {text}") is None


def test_a_lease_says_what_it_was_made_to_say() -> None:
    """What is written into a lease is read from it; its duration is in whole seconds, and never too short."""
    claim = claim_of(lease(me()))

    assert (claim.token, claim.owner, claim.since, claim.until, claim.until_wall) == (7, me(), 1000.5, 115.0, 1015.5)
    assert (claim.duration, claim.taking, claim.rollouts) == (15.0, "word", ("0001-a",))
    assert lease(me())["spec"]["renewTime"] == "1970-01-01T00:16:40.500000+00:00"
    assert claim_of(lease(None)).holder is None


@pytest.mark.parametrize(
    ("identity", "owner"),
    [
        ("ann@b:12:c-d", Owner("ann", "b", 12, "", "", 0)),
        ("a@b@c:12:", Owner("a@b", "c", 12, "", "", 0)),
        ("somebody", Owner("somebody", "", 0, "", "", 0)),
        ("a@b:0:c", Owner("a@b:0:c", "", 0, "", "", 0)),
    ],
)
def test_whoever_took_it_with_other_tools_is_named(identity: str, owner: Owner) -> None:
    """An owner whom the annotation does not mean is named as far as it is known, and is on no machine that we know."""
    assert claim_of(lease(me(), holderIdentity=identity)).owner == owner


@given(
    some.text()
    | JSON.map(json.dumps)
    | some.dictionaries(some.sampled_from(["owner", "until", "taking", "rollouts"]), JSON).map(json.dumps)
)
@example('{"until": ' + "9" * 5000 + "}")
@example('{"until": 1e999, "owner": {"user": 1}}')
def test_any_annotation_is_somebody_s(text: str) -> None:
    """Whatever the annotation holds, the lease is its owner's, by numbers that can be reckoned with."""
    document = lease(me())
    document["metadata"]["annotations"]["crossfade/writer"] = text
    claim = claim_of(document)

    assert claim.owner is not None
    assert 0 <= claim.until < 1 << 40
    assert claim.rollouts is None or all(isinstance(each, str) for each in claim.rollouts)


def test_a_lease_without_anything_is_nobody_s() -> None:
    """A lease that has no field at all can be taken."""
    claim = claim_of({"metadata": {"resourceVersion": "1"}})

    assert (claim.owner, claim.token, claim.rollouts) == (None, 0, None)
    assert datetime.fromtimestamp(claim.since, UTC).year == 1970


@pytest.mark.parametrize(
    ("name", "number"),
    [("a-1", 1), ("a-12", 12), ("a-0", 0), ("a-01", 0), ("a-x", 0), ("b-1", 0), ("a-1-copy", 0), ("1", 0), ("a-²", 0), ("a-", 0)],
)
def test_only_our_names_have_numbers(name: str, number: int) -> None:
    """The number of a ConfigMap is the end of its name; a name that is none of ours has none."""
    assert number_of({"metadata": {"name": name}}, "a-") == number


def test_a_configmap_is_full_before_it_is_large() -> None:
    """The next ConfigMap is begun before a line would make this one too large; the first line of one always fits."""
    assert not Head(1, "1", 3, LARGEST - 10).full("x" * 10)
    assert Head(1, "1", 3, LARGEST - 10).full("x" * 11)
    assert not Head(1).full("x" * 2 * LARGEST)
    assert Head(1, "1", 3, 5).following == Head(2)


def test_what_people_paste_has_the_context() -> None:
    """Names and commands lead to the cluster that was asked."""
    place = Place(Cluster(Reach("west", "shop")), "prod", UnsteadyClock())

    assert place.named("0001-a", 3) == "crossfade-prod-0001-a-3"
    assert place.kubectl("get", "configmaps") == "kubectl --context west -n shop get configmaps"
