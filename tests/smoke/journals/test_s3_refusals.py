"""What is said where a bucket's service refuses, is busy, or is not there."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from infra.contract import Backend
from smoke.aws import Reach, Service
from smoke.clock import FakeClock
from smoke.errors import CrossfadeError, Exit, JournalError, UsageError
from smoke.journals import S3Journal, elsewhere
from smoke.journals.cluster_place import PATIENCE, READING
from tests.smoke.journals.s3_harness import ROLLOUT, Eventful, Yard, die
from tests.smoke.journals.s3_server import records

pytestmark = pytest.mark.aws


def ways(yard: Yard) -> dict[str, Callable[[], object]]:
    """All that may be asked of a bucket, by what is said where it is not done."""
    clock = FakeClock()
    journal, mailbox = yard.journal(clock), yard.mailbox(clock=clock)
    return {
        "the journal cannot be read": journal.rollouts,
        "the journal cannot be opened": journal.open(ROLLOUT).__enter__,
        "the lease cannot be read": journal.holder,
        "the request cannot be written": lambda: mailbox.post(ROLLOUT, {"verb": "abort"}),
        "the requests cannot be read": lambda: mailbox.requests(ROLLOUT),
    }


def refused(act: Callable[[], object]) -> JournalError:
    """What is said."""
    with pytest.raises(JournalError) as caught:
        act()
    return caught.value


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown"),
        (HTTPStatus.BAD_REQUEST, "RequestTimeout"),
        (HTTPStatus.CONFLICT, "ConditionalRequestConflict"),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
        (HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests"),
    ],
)
def test_a_busy_service_is_asked_again(bucket: Yard, status: HTTPStatus, code: str) -> None:
    """What passes by itself is waited for, with longer and longer pauses, and all is there once."""
    clock = FakeClock()
    with bucket.journal(clock).open(ROLLOUT) as writer:
        bucket.front.refuse(status, code, times=6)
        writer.append({"n": 1})
        writer.append({"n": 2})

    assert bucket.front.times == 0
    assert clock.now() == pytest.approx(0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 2.0)
    assert bucket.numbers() == [1, 2]


def test_patience_ends(bucket: Yard) -> None:
    """A service that stays busy is waited for as long as a driver has patience; who only looks is told sooner."""
    clock = FakeClock()
    with bucket.journal(clock).open(ROLLOUT) as writer:
        bucket.front.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown")
        error = refused(lambda: writer.append({"n": 1}))
        assert PATIENCE - 2.0 <= clock.now() <= PATIENCE
        before = clock.now()
        refused(lambda: bucket.journal(clock).rollouts())
        assert clock.now() - before <= READING
        bucket.front.calm()
        writer.append({"n": 2})

    assert (error.what, error.exit) == ("the journal cannot be written", Exit.DEPLOYMENT)
    assert error.cause == "the bucket cannot be asked: SlowDown: so it is said"
    assert error.where == f"s3://{bucket.bucket}/{bucket.where.key('rollouts', ROLLOUT, '00000002.json')}"
    assert str(error.hint).endswith("# it must answer")
    assert bucket.numbers() == [2]


def test_what_is_not_allowed_is_named(bucket: Yard) -> None:
    """Where a policy allows too little each error names the permission that is missing, the bucket, and all that are needed."""
    bucket.front.refuse(HTTPStatus.FORBIDDEN, "AccessDenied")
    for what, act in ways(bucket).items():
        error = refused(act)
        lists = "GetObject" if "lease" in what or "opened" in what else "ListBucket"
        assert error.what == what
        assert error.cause == f"s3:{lists} is not allowed: AccessDenied: so it is said"
        assert str(error.where).startswith(f"s3://{bucket.bucket}/")
        arn = f"arn:aws:s3:::{bucket.bucket}"
        objects = f"{arn}/{bucket.where.key('*')}"
        assert error.hint == f"a policy that allows s3:GetObject and s3:PutObject on {objects}, and s3:ListBucket on {arn}"


def test_who_may_only_read_is_told(bucket: Yard) -> None:
    """Who may read and not write is told that the permission to write is missing, and what he read stays right."""
    with bucket.journal().open(ROLLOUT) as writer:
        writer.append({"n": 1})
        bucket.front.refuse(HTTPStatus.FORBIDDEN, "AccessDenied", meant=records)
        error = refused(lambda: writer.append({"n": 2}))
        assert bucket.numbers() == [1]

    assert str(error.cause).startswith("s3:PutObject is not allowed: ")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (HTTPStatus.BAD_REQUEST, "ExpiredToken"),
        (HTTPStatus.BAD_REQUEST, "InvalidToken"),
        (HTTPStatus.FORBIDDEN, "InvalidAccessKeyId"),
        (HTTPStatus.FORBIDDEN, "SignatureDoesNotMatch"),
    ],
)
def test_credentials_that_are_no_good_are_said(bucket: Yard, status: HTTPStatus, code: str) -> None:
    """Credentials that expired or are wrong are said as such, at once, with what to run; renewed they are used."""
    service = Opening(bucket)
    clock = FakeClock()
    with bucket.journal(clock, service).open(ROLLOUT) as writer:
        bucket.front.refuse(status, code, times=1)
        error = refused(lambda: writer.append({"n": 1}))
        assert service.openings == 1
        writer.append({"n": 2})

    assert service.openings == 2
    assert clock.now() == 0.0
    assert error.cause == f"{code}: so it is said"
    assert "aws sts get-caller-identity" in str(error.hint)
    assert bucket.numbers() == [2]


class Opening(Eventful):
    """A way that says how often a client was made."""

    def __init__(self, yard: Yard) -> None:
        super().__init__(yard, 0, die)
        self.openings = 0

    def opened(self) -> Any:  # noqa: ANN401 - boto3's own
        """One more."""
        self.openings += 1
        return super().opened()


def test_no_credentials_at_all(bucket: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where boto3 finds no credentials it is said so, and nobody is asked."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    before = bucket.front.asked
    error = refused(S3Journal(Service("s3", Reach("us-east-1", bucket.ground.endpoint)), bucket.where, FakeClock()).holder)

    assert bucket.front.asked == before
    assert error.cause == "Unable to locate credentials"
    assert "sign in" in str(error.hint)


def test_a_profile_that_is_not_there(bucket: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that the configuration does not have is said by its name."""
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    error = refused(S3Journal(Service("s3", Reach()), bucket.where, FakeClock()).holder)

    assert "(nowhere)" in str(error.cause)
    assert "sign in" in str(error.hint)


def test_a_bucket_that_is_not_there(bucket: Yard) -> None:
    """A bucket that was deleted while a rollout went on is said as such, whatever is asked, and the hint makes one."""
    with bucket.journal(FakeClock()).open(ROLLOUT) as writer:
        writer.append({"n": 1})
        bucket.delete()
        error = refused(lambda: writer.append({"n": 2}))
        errors = [refused(act) for act in ways(bucket).values()]

    for each in [error, *errors]:
        assert str(each.cause).startswith("NoSuchBucket: ")
        assert str(each.hint).startswith(f"aws s3 mb s3://{bucket.bucket} --region us-east-1 --endpoint-url ")


@pytest.mark.parametrize(
    ("endpoint", "cause"),
    [
        ("http://127.0.0.1:1", 'Could not connect to the endpoint URL: "http://127.0.0.1:1/'),
        ("nonsense", "Invalid endpoint: nonsense"),
    ],
)
def test_a_service_that_is_not_there(bucket: Yard, endpoint: str, cause: str) -> None:
    """An address at which nobody answers is waited for and then said; one that is none is said at once."""
    clock = FakeClock()
    error = refused(S3Journal(Service("s3", Reach("us-east-1", endpoint)), bucket.where, clock).holder)

    assert str(error.cause).startswith(f"the bucket cannot be asked: {cause}")
    assert (clock.now() > 0) == (endpoint != "nonsense")


@pytest.mark.parametrize("name", ["not a name", "a"])
def test_a_name_that_no_bucket_has(bucket: Yard, name: str) -> None:
    """A bucket's name that is none is said at once."""
    clock = FakeClock()
    journal, _ = elsewhere(Backend("s3", {**bucket.settings, "bucket": name}), clock)
    error = refused(journal.rollouts)

    assert clock.now() == 0.0
    assert str(error.where).startswith(f"s3://{name}/")


def test_conditions_that_are_not_implemented(bucket: Yard) -> None:
    """A service that says itself that it does not know conditions is not asked again."""
    clock = FakeClock()
    bucket.front.refuse(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", meant=lambda ask: "HTTP_IF_NONE_MATCH" in ask)
    error = refused(bucket.journal(clock).open(ROLLOUT).__enter__)

    assert clock.now() == 0.0
    assert error.cause == "NotImplemented: so it is said"


def test_a_contract_names_it(bucket: Yard) -> None:
    """What a contract says is enough to drive, to ask and to look; what it lacks or says wrongly is refused by its name."""
    journal, mailbox = elsewhere(Backend("s3", bucket.settings), FakeClock())
    with journal.open(ROLLOUT) as writer:
        writer.append({"n": 1})
        mailbox.post(ROLLOUT, {"verb": "abort"})
    with pytest.raises(UsageError, match="journal s3: bucket, port, region is missing, unknown or of the wrong kind") as wrong:
        elsewhere(Backend("s3", {"prefix": "a", "stack": "b", "region": "", "port": 1}), FakeClock())

    assert bucket.numbers() == [1]
    assert bucket.mailbox().requests(ROLLOUT) == [{"verb": "abort"}]
    assert isinstance(wrong.value, CrossfadeError)
