"""What is made of a bucket's objects and answers, whoever wrote them: pure, nobody is asked."""

import json
import subprocess
import sys
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from smoke.aws import refusal
from smoke.journals import LEASE
from smoke.journals.cluster_claim import Claim
from smoke.journals.cluster_place import encoded
from smoke.journals.owner import me
from smoke.journals.s3_lease import claim_of, said
from smoke.journals.s3_place import Where, policy
from smoke.journals.s3_records import Entry, entry_of, named, number_of
from smoke.refusal import Refused, Unreached

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(), inner, max_size=2),
    max_leaves=4,
)
CLAIM = Claim("e", 7, me(), 1000.5, 1015.5, 115.0, 15.0, "word", ("0001-a",), "e")
FIELDS = sorted(json.loads(said(CLAIM, 100.0, 1000.5)))


def test_a_lease_says_what_it_was_made_to_say() -> None:
    """What is written into a lease is read from it; one that has just ended runs for a whole length as others see it."""
    assert claim_of("e", said(CLAIM, 100.0, 1000.5)) == CLAIM
    assert claim_of("e", said(CLAIM, 115.0, 1015.5)).duration == LEASE


@given(some.dictionaries(some.sampled_from(FIELDS), JSON, min_size=1, max_size=2))
@example({"until": float("inf")})
@example({"until": float("nan")})
@example({"token": True})
@example({"token": 2**70})
@example({"owner": {**json.loads(said(CLAIM, 100.0, 0.0))["owner"], "pid": -1}})
def test_a_lease_of_other_kinds_is_read(fields: dict[str, Any]) -> None:
    """Whatever a field of the lease holds, it is somebody's or free, and what is read is of its kind."""
    claim = claim_of("e", json.dumps({**json.loads(said(CLAIM, 100.0, 1000.5)), **fields}))

    assert type(claim.token) is int
    assert 0 <= claim.until < 1 << 41
    assert 0 <= claim.duration < 1 << 41
    assert claim.rollouts is None or all(type(each) is str for each in claim.rollouts)


@given(some.text())
@example("[" * 100_000)
@example('{"token": ' + "9" * 5000 + "}")
def test_any_text_is_somebodys_lease(text: str) -> None:
    """A text that is no lease is somebody's, who is on no machine that anybody knows."""
    claim = claim_of("e", text)

    assert (claim.owner and claim.owner.boot, claim.rollouts, claim.duration) == ("", None, LEASE)


@given(some.dictionaries(some.text(), JSON, max_size=3))
def test_an_entry_says_what_it_was_made_to_say(record: dict[str, Any]) -> None:
    """Whatever a record holds, its entry brings it back; and so does one that has none."""
    for entry in (Entry(8, "7 word", 6, record), Entry(8, "7 word", 7)):
        found = entry_of(entry.text)
        assert found is not None
        assert found.text == entry.text
        assert found.token == 7


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"number": 1, "writer": "7 word"},
        {"number": 1, "writer": "7 word", "follows": 1},
        {"number": 1, "writer": "7 word", "follows": -1},
        {"number": "1", "writer": "7 word", "follows": 0},
        {"number": 1, "writer": 7, "follows": 0},
        {"number": 1, "writer": "7 word", "follows": 0, "record": []},
    ],
)
def test_another_document_is_no_entry(fields: dict[str, Any]) -> None:
    """A document whose checksum holds and that lacks something, or has something of another kind, is no entry."""
    assert entry_of(encoded(fields)) is None


@pytest.mark.parametrize(
    "name", ["", "1.json", "00000001", "00000001.json.bak", "x00000001.json", "00000001.json\n", "\u0661" * 8 + ".json"]
)
def test_another_name_is_no_number(name: str) -> None:
    """A name that is none of ours has no number; ours sort by theirs."""
    assert number_of(name) == 0
    assert [number_of(each) for each in sorted(map(named, (1, 2, 10, 99_999_999)))] == [1, 2, 10, 99_999_999]


@pytest.mark.parametrize(
    ("code", "status", "passes"),
    [
        ("SlowDown", 503, True),
        ("Throttling", 400, True),
        ("RequestTimeout", 400, True),
        ("Anything", 500, True),
        ("429", 429, True),
        ("NotImplemented", 501, False),
        ("AccessDenied", 403, False),
        ("ListenerNotFound", 400, False),
    ],
)
def test_an_answer_that_is_no_success(code: str, status: int, *, passes: bool) -> None:
    """What passes by itself is told from what does not, by code and status, whichever service it is."""
    answer = {"Error": {"Code": code, "Message": "so"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    made = refusal(answer)

    assert isinstance(made, Unreached) == passes
    assert str(made) == f"{code}: so"


def test_what_a_service_asks_for_is_heard() -> None:
    """A service that says after how many seconds it wants to be asked again is heard; one that says nothing is no trouble."""
    headers = {"HTTPStatusCode": 503, "HTTPHeaders": {"retry-after": "7"}}
    busy, empty = refusal({"ResponseMetadata": headers}), refusal({})

    assert isinstance(busy, Unreached)
    assert busy.after == 7.0
    assert isinstance(empty, Refused)
    assert empty.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ({}, "arn:aws:s3:::b"),
        ({"region": "eu-central-1"}, "arn:aws:s3:::b"),
        ({"region": "cn-north-1"}, "arn:aws-cn:s3:::b"),
        ({"region": "us-gov-west-1"}, "arn:aws-us-gov:s3:::b"),
    ],
)
def test_a_policy_is_for_one_stack(region: dict[str, str], arn: str) -> None:
    """A policy allows objects of one stack to be read and written, and their names to be listed, and nothing else."""
    objects, lists = policy({"bucket": "b", "prefix": "/a/", "stack": "staging", **region})["Statement"]

    assert objects == {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/a/staging/*"}
    assert (lists["Action"], lists["Resource"]) == (["s3:ListBucket"], arn)
    assert lists["Condition"] == {"StringLike": {"s3:prefix": "a/staging/*"}}
    assert Where("b", "/", "staging").key("lease.json") == "staging/lease.json"


@pytest.mark.processes
def test_without_boto3_it_is_said() -> None:
    """Where boto3 is not there, the journals are loaded all the same, and whoever asks is told what to install."""
    program = (
        "import sys; sys.modules['boto3'] = None; from smoke.journals import S3Journal; from smoke.aws import Reach, Service\n"
        "from smoke.journals.s3_place import Where; S3Journal(Service('s3', Reach()), Where('bucket', 'a', 'b')).rollouts()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "it is asked by boto3, which is not here: uv sync --extra aws" in done.stderr


@pytest.mark.processes
def test_boto3_is_loaded_by_who_asks_alone() -> None:
    """Whoever loads the journals, and makes one in a bucket, has not loaded boto3 yet."""
    program = (
        "import sys; from infra.contract import Backend; from smoke.clock import SystemClock\n"
        "from smoke.journals import elsewhere\n"
        "elsewhere(Backend('s3', {'bucket': 'bucket', 'prefix': 'a', 'stack': 'b'}), SystemClock())\n"
        "sys.exit(len({'boto3', 'botocore', 'concurrent.futures.thread'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
