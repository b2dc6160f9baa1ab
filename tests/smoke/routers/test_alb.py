"""What holds for the weights of a load balancer's rule, at a service that answers as AWS does."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from smoke.routers.alb import AlbRouter
from tests.smoke.routers.alb_actions import COGNITO, Document, forward, rules, sticky
from tests.smoke.routers.alb_harness import ALWAYS, Estate, Shop, refused, shares

pytestmark = pytest.mark.aws


def plain(rule: dict[str, Any], *, browsers: bool) -> str:
    """All of a rule in its own order, without our weights; without how long browsers stay where it is not about ``browsers``."""
    known = deepcopy(rule)
    config = known["Actions"][-1]["ForwardConfig"]
    for each in config["TargetGroups"]:
        del each["Weight"]
    if not browsers:
        del config["TargetGroupStickinessConfig"]
    return json.dumps(known)


@settings(max_examples=12, deadline=None)
@given(data=some.data(), blue=some.integers(0, 100))
def test_the_rule_is_kept_byte_for_byte(estate: Estate, data: some.DataObject, blue: int) -> None:
    """Whatever a rule does besides, in whatever order and on whatever condition, it does after a write as before, to the byte."""
    estate.layer.calm()
    shop = estate.rule(*data.draw(rules(estate.targets, secret=True)))
    before = shop.whole()
    stays = before["Actions"][-1]["ForwardConfig"]["TargetGroupStickinessConfig"]
    seconds = {"stickiness": stays["DurationSeconds"]} if stays["Enabled"] else {}
    router = shop.router(**seconds)
    router.write(shares(blue))
    assert plain(shop.whole(), browsers=0 < blue < 100) == plain(before, browsers=0 < blue < 100)
    assert router.read() == shares(blue)


def test_a_write_is_read_back_with_the_health_of_its_targets(counter: Shop) -> None:
    """A write is one read, the health of what gets traffic anew, one write, and a look at both; nothing is waited for."""
    counter.router().write(shares(90))
    before, after = ["DescribeRules", "DescribeTargetHealth"], ["DescribeRules", *["DescribeTargetHealth"] * 2]
    assert counter.layer.asked == [*before, "ModifyRule", *after]
    assert counter.clock.now() == 0.0


def test_a_default_rule_is_changed_by_its_listener(estate: Estate) -> None:
    """With a listener's ARN the weights are those of its default rule."""
    estate.layer.calm()
    backend = Shop(estate, estate.listener).backend()
    made = AlbRouter(backend.settings)
    made.write(shares(30))
    assert made.read() == shares(30)
    assert estate.layer.asked.count("ModifyListener") == 1


def test_a_default_rule_s_own_name_is_refused(estate: Estate) -> None:
    """What the service changes by the listener alone is refused before anything is written, and it is said how to name it."""
    estate.layer.calm()
    found = estate.elb.describe_rules(ListenerArn=estate.listener)["Rules"]
    made = Shop(estate, next(each["RuleArn"] for each in found if each["IsDefault"]))
    said = refused(lambda: made.router().write(shares(50)))
    assert "nothing was written" in said.what
    assert "give its ARN as rule" in str(said.cause)


def test_reads_that_lag_are_waited_for(counter: Shop) -> None:
    """While the rule is read as it was before, the write does not end; when it is read as it was written, it does."""
    router = counter.router()
    counter.layer.stale = 3
    router.write(shares(80))
    assert counter.layer.asked.count("ModifyRule") == 1
    assert counter.layer.stale == 0
    assert counter.clock.now() == pytest.approx(0.1 + 0.2 + 0.4)


def test_a_write_that_is_ignored_is_found(counter: Shop) -> None:
    """A service that says yes and changes nothing is an error within the limit, that says what the rule still says."""
    counter.layer.stale = ALWAYS
    said = refused(lambda: counter.router().write(shares(80)))
    assert "{'blue': 80, 'green': 20} was written, and is not confirmed" in said.what
    assert said.cause == "the rule still says what it said before: it has blue 100, green 0"
    assert counter.clock.now() <= 5.0


def test_what_others_change_since_is_told(counter: Shop) -> None:
    """Weights, another part of an action, and other target groups that somebody sets after the write are told by their place."""
    ours, estate = counter.estate.targets, counter.estate
    changes: list[tuple[Document, str]] = [
        (forward(ours, 70, 30), "in action 1.ForwardConfig.TargetGroups.targetgroup/blue/"),
        (forward(ours, 80, 20, **sticky(60)), "in action 1.ForwardConfig.TargetGroupStickinessConfig: it has blue 80, green 20"),
        (forward({**ours, "green": estate.foreign}, 80, 20), "it forwards to target groups that are none of ours"),
    ]
    for change, why in changes:
        counter.change(forward(ours))
        counter.layer.meanwhile = lambda change=change: counter.change(change)  # type: ignore[misc]
        said = refused(lambda: counter.router().write(shares(80)))
        assert why in str(said.cause)


def test_what_others_changed_before_stays(counter: Shop) -> None:
    """A write begins with what the rule is by then, not with what this process knew of it."""
    router = counter.router()
    router.write(shares(80))
    counter.change(COGNITO | {"Order": 1}, forward(counter.estate.targets, 80, 20) | {"Order": 2})
    router.write(shares(50))
    assert [each["Type"] for each in counter.actions()] == ["authenticate-cognito", "forward"]
    assert router.read() == shares(50)


def test_the_same_is_written_again(counter: Shop) -> None:
    """What the rule says already is written all the same: who reads may be shown what was a moment ago."""
    for _ in range(2):
        counter.router().write(shares(100))
    assert counter.layer.asked.count("ModifyRule") == 2


def test_foreign_target_groups_are_refused(counter: Shop) -> None:
    """A rule that sends requests to somebody else's target group too is not touched."""
    shared = forward(counter.estate.targets)
    shared["ForwardConfig"]["TargetGroups"].append({"TargetGroupArn": counter.estate.foreign, "Weight": 5})
    counter.change(shared)
    before = counter.whole()
    said = refused(lambda: counter.router().write(shares(50)))
    assert "nothing was written" in said.what
    assert "none of ours: targetgroup/foreign/" in str(said.cause)
    assert counter.whole() == before
    assert "none of ours" in str(refused(counter.router().read).cause)


STATES = [
    ([], "it has none"),
    (["initial Elb.RegistrationInProgress"] * 2, "2 initial Elb.RegistrationInProgress"),
    (["unhealthy Target.Timeout", "draining Target.DeregistrationInProgress"], "1 draining .*, 1 unhealthy Target.Timeout"),
]


@pytest.mark.parametrize(("states", "why"), STATES)
def test_a_slot_without_a_healthy_target_gets_nothing(counter: Shop, states: list[str], why: str) -> None:
    """A slot that has no traffic, nor a healthy target, gets none; the states there are, are said; the rule is not written."""
    counter.layer.states[counter.estate.targets["green"]] = states
    said = refused(lambda: counter.router().write(shares(95)))
    assert said.what.endswith("{'blue': 95, 'green': 5} is not written")
    assert re.search(f"green: no target of targetgroup/green/.* is healthy: {why}", str(said.cause))
    assert "ModifyRule" not in counter.layer.asked


def test_a_target_that_is_about_to_be_healthy_is_waited_for(counter: Shop) -> None:
    """Within the limit a slot may become healthy, and then gets its traffic."""
    green = counter.estate.targets["green"]
    counter.layer.states[green] = ["initial"]
    counter.clock.on_sleep(lambda now: counter.layer.states.update({green: ["initial" if now < 1 else "healthy"]}))
    counter.router().write(shares(95))
    assert counter.router().read() == shares(95)


def test_health_stops_nobody_who_goes_back(counter: Shop) -> None:
    """Where both slots have traffic the way back is written whatever the health, which is an error then."""
    counter.change(forward(counter.estate.targets, 50, 50))
    for arn in counter.estate.targets.values():
        counter.layer.states[arn] = ["unhealthy"]
    said = refused(lambda: counter.router().write(shares(100)))
    assert "was written, and is not confirmed" in said.what
    assert "blue: no target of" in str(said.cause)
    assert counter.router().read() == shares(100)


def test_an_abort_ends_every_stay_and_the_next_step_has_them_again(counter: Shop) -> None:
    """Browsers stay while each slot is reached, none does once a slot is given up, whichever process writes; and then again."""
    stays = []
    for weights, keep in ((shares(90), ()), (shares(100), ()), (shares(90), ()), (shares(0), ("blue",)), (shares(0), ())):
        counter.router(stickiness=600).write(weights, keep)
        config = counter.actions()[0]["ForwardConfig"]["TargetGroupStickinessConfig"]
        stays.append((config["Enabled"], config["DurationSeconds"]))
    assert stays == [(True, 600), (False, 600), (True, 600), (True, 600), (False, 600)]


def test_how_long_browsers_stay_must_be_in_the_settings(counter: Shop) -> None:
    """A rule that keeps browsers takes nobody forward before the settings say for how long, and holds nobody up who goes back."""
    counter.change(forward(counter.estate.targets, 100, 0, **sticky(600)))
    said = refused(lambda: counter.router().write(shares(90)))
    assert "nothing was written" in said.what
    assert said.hint == "stickiness: 600 in the settings of the router, from where it is written again"
    counter.router().write(shares(100))
    assert counter.actions()[0]["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"]
    counter.change(forward(counter.estate.targets, 90, 10, **sticky(600)))
    counter.router().write(shares(100))
    assert not counter.actions()[0]["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"]
