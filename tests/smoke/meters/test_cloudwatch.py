"""What holds for the counts of a load balancer, at a service that answers as CloudWatch does."""

import re
import time
from collections.abc import Iterator

import pytest

from infra.contract import Backend, Json
from smoke.clock import FakeClock
from smoke.errors import MeterError, UsageError
from smoke.meters import meter
from smoke.meters.cloudwatch import CloudWatch, policy
from smoke.model import Counts
from tests.smoke.meters.cloudwatch_harness import (
    ALL,
    BAD,
    BALANCER,
    LAG,
    REFUSED,
    Place,
    Pretended,
    Watched,
    past,
    settings,
    told,
)
from tests.smoke.routers.alb_actions import TARGETS
from tests.smoke.routers.alb_harness import signed_in

pytestmark = pytest.mark.aws


@pytest.fixture
def watched(counts_of_balancers: Place) -> Watched:
    """A load balancer of the test's own."""
    return counts_of_balancers.watched()


@pytest.fixture
def server() -> Iterator[Pretended]:
    """A service that says whatever a test wants."""
    with signed_in(), Pretended() as made:
        yield made


def requests(made: CloudWatch) -> tuple[int, int]:
    """Of both slots."""
    slots = made.read().slots
    return slots["blue"].requests, slots["green"].requests


def refused(made: CloudWatch) -> MeterError:
    """What is said where it cannot be read."""
    with pytest.raises(MeterError) as caught:
        made.read()
    return caught.value


def test_a_minute_counts_once_it_is_older_than_the_lag(watched: Watched) -> None:
    """Until then it is in no sample, and then it is, with what came for it late; a sample says until when it holds."""
    made = watched.meter()
    began = made.read()
    watched.put("blue", ALL, 5)
    watched.clock.sleep(60 + LAG - 1)
    watched.put("blue", ALL, 2, ago=60 + LAG - 2)
    assert made.read().slots["blue"].requests == 0
    watched.clock.sleep(1)
    sample = made.read()
    assert sample.slots["blue"].requests == 7
    assert watched.clock.now() - sample.at == pytest.approx(LAG, abs=1e-3)
    assert sample.at - began.at == pytest.approx(180)


def test_no_number_is_zero_only_after_the_lag(watched: Watched) -> None:
    """A slot that has none yet holds up both: neither has a count for a minute that may still be told."""
    made = watched.meter()
    made.read()
    watched.put("blue", ALL)
    watched.clock.sleep(60)
    assert requests(made) == (0, 0)
    watched.put("green", ALL, ago=30)
    watched.clock.sleep(LAG)
    assert requests(made) == (1, 1)


def test_every_minute_counts_once(watched: Watched) -> None:
    """However long nobody looked, and however often somebody did, the sum is of every minute, and each is in it once."""
    made = watched.meter()
    made.read()
    for _ in range(7):
        watched.put("blue", ALL, 3)
        watched.clock.sleep(60)
    watched.clock.sleep(LAG)
    assert [requests(made) for _ in range(3)] == [(21, 0)] * 3
    watched.put("green", ALL, 4)
    watched.clock.sleep(LAG + 60)
    assert requests(made) == (21, 4)


def test_bad_are_answers_of_5xx_and_connections_that_were_refused(watched: Watched) -> None:
    """Both are bad requests, and never more than there were: a request may be tried on two targets."""
    made = watched.meter()
    made.read()
    watched.put("blue", ALL, 10)
    watched.put("blue", BAD, 2)
    watched.put("blue", REFUSED, 1)
    watched.put("green", ALL, 3)
    watched.put("green", REFUSED, 5)
    watched.clock.sleep(LAG + 60)
    assert made.read().slots == {"blue": Counts(10, 3), "green": Counts(3, 3)}


def test_others_are_not_counted(watched: Watched) -> None:
    """The same target group behind another load balancer is another count."""
    made = watched.meter()
    made.read()
    watched.put("blue", ALL, 10, of="app/another/50dc6c495c0c9188")
    watched.clock.sleep(LAG + 60)
    assert requests(made) == (0, 0)


@pytest.mark.parametrize("lag", [1.0, 60.0, 120.0, 300.0])
def test_a_sample_is_never_too_old_to_be_believed(server: Pretended, lag: float) -> None:
    """At its oldest a sample is younger than whoever looks takes for lost: three times what it says is between two of them."""
    clock = past()
    made = CloudWatch(settings(server.endpoint, lag=lag), clock)
    for _ in range(100):
        sample = made.read()
        assert clock.now() - sample.at < 3 * sample.every
        clock.sleep(7.0)


def test_it_is_asked_once_a_minute(server: Pretended) -> None:
    """Each question is paid for: between two whole minutes the sample that is there is the answer."""
    clock = past()
    made = CloudWatch(settings(server.endpoint), clock)
    for _ in range(30):
        made.read()
        clock.sleep(10)
    assert server.asked == 5


def test_pages_are_added_up(server: Pretended) -> None:
    """An answer in several pages is one; only its last one must be whole."""
    server.answers.append((200, told({"m0": [1.0, 2.0]}, "PartialData", NextToken="2")))
    server.answers.append((200, told({"m0": [4.0], "m3": [8.0]})))
    assert requests(CloudWatch(settings(server.endpoint), past())) == (7, 8)
    assert server.asked == 2


ANSWERS: dict[str, tuple[Json, str]] = {
    "a part": (told({}, "PartialData"), "blue: RequestCount is not told whole.*its status is PartialData"),
    "not allowed": (told({}, "Forbidden"), "its status is Forbidden"),
    "broken": (told({}, "InternalError"), "its status is InternalError"),
    "nothing": ({"MetricDataResults": []}, "its status is missing"),
    "a word": (told({}, Messages=[{"Code": "MaxMetricsExceeded", "Value": "no"}]), "may be missing.*MaxMetricsExceeded"),
    "half a request": (told({"m0": [0.5]}), "RequestCount is 0.5, and not a whole number"),
    "less than none": (told({"m1": [-1.0]}), "HTTPCode_Target_5XX_Count is -1.0"),
    "no number": (told({"m3": [float("nan")]}), "RequestCount is nan, and no number"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_not_told_whole_is_no_count(server: Pretended, name: str) -> None:
    """A part of an answer, or what is no number of requests, is an error that says which, and never taken for zero."""
    document, why = ANSWERS[name]
    server.answers.append((200, document))
    said = refused(CloudWatch(settings(server.endpoint), past()))
    assert re.search(why, f"{said.what} {said.cause}")


REFUSALS = [
    (400, "AccessDenied", "CloudWatch refuses", "cloudwatch:GetMetricData is not allowed: AccessDenied: so it is said"),
    (400, "ExpiredToken", "CloudWatch refuses", "ExpiredToken: so it is said"),
    (403, "InvalidClientTokenId", "CloudWatch refuses", "InvalidClientTokenId: so it is said"),
    (400, "ThrottlingException", "CloudWatch cannot be asked", "ThrottlingException: so it is said"),
    (500, "InternalServiceFault", "CloudWatch cannot be asked", "InternalServiceFault: so it is said"),
    (400, "InvalidParameterValue", "CloudWatch refuses", "InvalidParameterValue: so it is said"),
]


@pytest.mark.parametrize(("status", "code", "what", "cause"), REFUSALS)
def test_refusals_are_told(server: Pretended, status: int, code: str, what: str, cause: str) -> None:
    """Whatever the service refuses is an error in its own words; a permission that is missing is named."""
    server.refuse(status, code, times=9)
    said = refused(CloudWatch(settings(server.endpoint), past()))
    assert (said.what, said.cause) == (what, cause)


def test_a_busy_service_is_asked_again(server: Pretended) -> None:
    """What passes by itself is waited for a moment."""
    clock = past()
    server.refuse(400, "ThrottlingException", times=3)
    assert requests(CloudWatch(settings(server.endpoint), clock)) == (0, 0)
    assert (server.asked, clock.now()) == (4, pytest.approx(0.1 + 0.2 + 0.4))


def test_a_failure_costs_one_question_and_no_minute(server: Pretended) -> None:
    """After a read that failed the same is said for a while, at no cost; and then what was missed is asked for."""
    clock = past()
    made = CloudWatch(settings(server.endpoint), clock)
    made.read()
    clock.sleep(60)
    server.refuse(400, "AccessDenied")
    said = [refused(made) for _ in range(3)]
    assert (server.asked, {each.what for each in said}) == (2, {"CloudWatch refuses"})
    clock.sleep(5)
    server.answers.append((200, told({"m0": [2.0]})))
    assert requests(made) == (2, 0)


def test_without_credentials_nobody_is_asked(server: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no credentials it is said what to do, and nothing is sent."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    said = refused(CloudWatch(settings(server.endpoint), past()))
    assert "aws sts get-caller-identity" in str(said.hint)
    assert server.asked == 0


def test_a_clock_that_is_ahead_is_found(server: Pretended) -> None:
    """A minute that by the service's time is not over is no minute without requests; a little ahead any clock is."""
    for ahead, fails in ((20.0, False), (300.0, True)):
        clock = FakeClock(time.time() // 60 * 60)
        server.date = lambda clock=clock, ahead=ahead: clock.wall() - ahead  # type: ignore[misc]
        made = CloudWatch(settings(server.endpoint), clock)
        if fails:
            assert refused(made).what == "this machine's clock is ahead of the service's"
        else:
            assert requests(made) == (0, 0)


def test_a_clock_that_is_set_back_counts_nothing_twice(watched: Watched) -> None:
    """While the date is one that was counted already the sample stays; then it goes on."""
    made = watched.meter()
    made.read()
    watched.served(ALL)
    assert requests(made) == (1, 0)
    watched.clock.set(watched.clock.wall() - 600)
    watched.clock.sleep(300)
    assert requests(made) == (1, 0)
    watched.clock.sleep(360)
    assert requests(made) == (1, 0)


WRONG: list[dict[str, Json]] = [
    {"load_balancer": TARGETS["blue"]},
    {"load_balancer": BALANCER.replace("/app/", "/net/")},
    {"slots": ["blue", "green"]},
    {"slots": {"blue": TARGETS["blue"]}},
    {"lag": 0},
    {"timeout": "1"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_settings_that_cannot_be_are_named(wrong: dict[str, Json]) -> None:
    """A setting that is not of its kind is a usage error that names it."""
    with pytest.raises(UsageError, match=f"meter cloudwatch: {next(iter(wrong))} is missing"):
        meter(Backend("cloudwatch", {**settings("http://127.0.0.1:1"), **wrong}))


def test_the_policy_reads_and_nothing_else() -> None:
    """Whoever follows the policy may read counts."""
    assert policy()["Statement"] == [{"Effect": "Allow", "Action": ["cloudwatch:GetMetricData"], "Resource": "*"}]
