"""What is said of a load balancer's rule where the service refuses, is busy, or is not there."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from smoke.clock import FakeClock
from smoke.errors import RouterError
from smoke.routers.alb import AlbRouter
from tests.smoke.routers.alb_actions import RULE, TARGETS, forward
from tests.smoke.routers.alb_harness import ALWAYS, Refusal, Shop, refused, shares, signed_in

pytestmark = pytest.mark.aws

READ, HEALTH, WRITE = "DescribeRules", "DescribeTargetHealth", "ModifyRule"
USER = "User: arn:aws:iam::123456789012:user/jo is not authorized to perform: elasticloadbalancing:ModifyRule"
SIGN_IN, ALLOW = "aws sts get-caller-identity", "a policy that allows it"


@dataclass(frozen=True)
class Case:
    """What the service says to one action, always, and what of that is said to people."""

    action: str
    refusal: Refusal
    extent: str
    cause: str
    hint: str = ""


NOT, MAYBE, WAS = "is not written", "may be written or not", "was written, and is not confirmed"
FINAL = {
    "may not read": Case(READ, Refusal(403, "AccessDenied"), NOT, "elasticloadbalancing:DescribeRules is not allowed", ALLOW),
    "may not write": Case(WRITE, Refusal(403, "AccessDenied", USER), NOT, "ModifyRule is not allowed: AccessDenied: User", ALLOW),
    "may not see": Case(HEALTH, Refusal(403, "AccessDenied"), NOT, "DescribeTargetHealth is not allowed", ALLOW),
    "expired": Case(READ, Refusal(403, "ExpiredToken"), NOT, "ExpiredToken: so it is said", SIGN_IN),
    "expired at the write": Case(WRITE, Refusal(403, "ExpiredToken"), NOT, "ExpiredToken: so it is said", SIGN_IN),
    "nobody": Case(READ, Refusal(403, "InvalidClientTokenId"), NOT, "InvalidClientTokenId: so it is said", SIGN_IN),
    "another clock": Case(READ, Refusal(403, "SignatureDoesNotMatch"), NOT, "SignatureDoesNotMatch", SIGN_IN),
    "no rule": Case(READ, Refusal(400, "RuleNotFound"), NOT, "RuleNotFound", "the rule was deleted"),
    "no rule any more": Case(WRITE, Refusal(400, "RuleNotFound"), NOT, "RuleNotFound", "the rule was deleted"),
    "no group": Case(HEALTH, Refusal(400, "TargetGroupNotFound"), NOT, "TargetGroupNotFound", "the target group was deleted"),
    "no group any more": Case(WRITE, Refusal(400, "TargetGroupNotFound"), NOT, "TargetGroupNotFound", "the target group was"),
    "too many": Case(WRITE, Refusal(400, "TooManyTargets"), NOT, "TooManyTargets: so it is said"),
}
PASSING = {
    "busy": Case(READ, Refusal(400, "Throttling", "Rate exceeded"), NOT, "Throttling: Rate exceeded"),
    "busy at the write": Case(WRITE, Refusal(400, "Throttling", "Rate exceeded"), MAYBE, "Throttling: Rate exceeded"),
    "unwell": Case(READ, Refusal(503, "ServiceUnavailable"), NOT, "ServiceUnavailable: so it is said"),
    "unwell at the write": Case(WRITE, Refusal(500, "InternalFailure"), MAYBE, "InternalFailure: so it is said"),
}


@pytest.mark.parametrize("name", FINAL)
def test_what_does_not_change_is_not_tried_again(counter: Shop, name: str) -> None:
    """What the service refuses for good is told at once, with its own words, what is missing and what to do; nothing changes."""
    case, before = FINAL[name], counter.whole()
    counter.layer.refuse(case.action, case.refusal, ALWAYS)
    said = refused(lambda: counter.router().write(shares(90)))
    counter.layer.calm()
    assert case.extent in said.what
    assert case.cause in str(said.cause)
    assert case.hint in str(said.hint)
    assert (counter.clock.now(), counter.whole()) == (0.0, before)


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_tried_until_the_time_is_up(counter: Shop, name: str) -> None:
    """A service that stays busy or unwell is told within the limit; whether anything was written is not claimed to be known."""
    case = PASSING[name]
    counter.layer.refuse(case.action, case.refusal, 100)
    said = refused(lambda: counter.router().write(shares(90)))
    assert case.extent in said.what
    assert said.cause == case.cause
    assert 3.0 < counter.clock.now() <= 5.0


@pytest.mark.parametrize("action", [READ, HEALTH, WRITE])
def test_what_passes_is_waited_for(counter: Shop, action: str) -> None:
    """A service that is busy for a while keeps a write waiting, with longer and longer pauses, and no more."""
    counter.layer.refuse(action, Refusal(400, "Throttling"), 3)
    counter.router().write(shares(90))
    assert counter.router().read() == shares(90)
    assert counter.clock.now() == pytest.approx(0.1 + 0.2 + 0.4)


def test_what_is_written_and_not_confirmed_is_said_so(counter: Shop) -> None:
    """Where the way back is written and then nothing can be read, it is said that it was written."""
    counter.change(forward(counter.estate.targets, 90, 10))
    counter.layer.refuse(HEALTH, Refusal(403, "AccessDenied"), ALWAYS)
    said = refused(lambda: counter.router().write(shares(100)))
    assert WAS in said.what
    assert "elasticloadbalancing:DescribeTargetHealth is not allowed" in str(said.cause)
    assert counter.router().read() == shares(100)


def test_credentials_that_are_renewed_are_taken(counter: Shop) -> None:
    """After credentials that were no good any more the next question is asked with those that there are by then."""
    router = counter.router()
    router.read()
    counter.layer.refuse(READ, Refusal(403, "ExpiredToken"))
    refused(router.read)
    assert router.read() == shares(100)


@pytest.mark.parametrize("name", [name for name, case in FINAL.items() if case.action == READ])
def test_a_read_that_is_refused_tells_the_same(counter: Shop, name: str) -> None:
    """What keeps a write from the rule keeps a read from it, in the same words."""
    case = FINAL[name]
    counter.layer.refuse(case.action, case.refusal, ALWAYS)
    said = refused(counter.router().read)
    assert said.what.endswith("its weights cannot be read")
    assert case.cause in str(said.cause)
    assert case.hint in str(said.hint)


def test_a_read_waits_a_moment(counter: Shop) -> None:
    """A service that is busy for a moment is asked again for the weights; one that stays so is an error soon."""
    counter.layer.refuse(READ, Refusal(400, "Throttling"), 3)
    assert counter.router().read() == shares(100)
    counter.layer.refuse(READ, Refusal(400, "Throttling"), 100)
    assert refused(counter.router().read).cause == "Throttling: so it is said"
    assert counter.clock.now() < 2.0


def test_weights_that_are_no_percents_are_not_read(counter: Shop) -> None:
    """A rule whose weights are no whole percentages has none that could be told; a write ends that."""
    counter.change(forward(counter.estate.targets, 1, 2))
    assert "no whole percentages: blue 1, green 2" in str(refused(counter.router().read).cause)
    counter.router().write(shares(30))
    assert counter.router().read() == shares(30)


@pytest.fixture
def nowhere() -> Iterator[AlbRouter]:
    """A router of a service where nobody answers."""
    with signed_in():
        yield AlbRouter({"rule": RULE, "targets": TARGETS, "endpoint": "http://127.0.0.1:1"}, FakeClock())


def test_nobody_answers(nowhere: AlbRouter) -> None:
    """Where nobody answers, a read and a write say so, and that nothing is written."""
    for act in (nowhere.read, lambda: nowhere.write(shares(100))):
        with pytest.raises(RouterError, match=r"cannot be read|is not written") as caught:
            act()
        assert "Could not connect to the endpoint URL" in str(caught.value.cause)


def test_without_credentials_nobody_is_asked(counter: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no credentials it is said what to do, and nothing is sent."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    said = refused(lambda: counter.router().write(shares(90)))
    assert SIGN_IN in str(said.hint)
    assert counter.layer.asked == []
